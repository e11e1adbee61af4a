# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for EKS: an update, a thing that is made, a thing that goes; and the codes that pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

MISSING = ("ResourceNotFoundException", "NotFoundException")
# What EKS says of a role that it does not know yet, besides the word "role".
NEW_ROLE = ("InvalidParameterException", "InvalidRequestException")
READY = ("ACTIVE",)
FAILED = ("FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_FAILED", "DEGRADED")

Look = Callable[[], "dict[str, Any] | None"]


def status_of(item: Mapping[str, Any] | None) -> str:
    return (item or {}).get("status", "")


def issues_of(item: Mapping[str, Any] | None) -> str:
    """Return what EKS says is wrong with it."""
    issues = ((item or {}).get("health") or {}).get("issues") or ()
    told = [f"{issue.get('code')}: {issue.get('message')} {_named(issue)}".strip() for issue in issues]
    return " | ".join(told) or "EKS names no reason"


def _named(issue: Mapping[str, Any]) -> str:
    return f"({', '.join(issue['resourceIds'])})" if issue.get("resourceIds") else ""


def wait_active(look: Look, subject: str, params: Mapping[str, Any], failed: tuple[str, ...] = FAILED) -> None:
    def reason(item: dict[str, Any] | None) -> str | None:
        return f"its status is {status_of(item)}: {issues_of(item)}" if status_of(item) in failed else None

    _wait(look, lambda item: status_of(item) in READY, subject, params, reason)


def wait_gone(look: Look, subject: str, params: Mapping[str, Any]) -> None:
    def reason(item: dict[str, Any] | None) -> str | None:
        return f"it cannot be deleted: {issues_of(item)}" if status_of(item) == "DELETE_FAILED" else None

    _wait(look, lambda item: item is None, f"the removal of {subject}", params, reason)


def _wait(
    look: Look, done: Callable[[Any], bool], subject: str, params: Mapping[str, Any], failed: Callable[[Any], Any]
) -> None:
    wait_until(
        look, done, subject, timeout=params["wait_timeout"], pause=params["wait_pause"], failed=failed,
        show=lambda item: status_of(item) or "it does not exist",
    )  # fmt: skip


def wait_update(look: Callable[[], dict[str, Any]], subject: str, params: Mapping[str, Any]) -> None:
    """EKS takes the next update only when this one is over."""

    def failed(update: dict[str, Any]) -> str | None:
        if update["status"] not in ("Failed", "Cancelled"):
            return None
        errors = [f"{error.get('errorCode')}: {error.get('errorMessage')} {_named(error)}".strip()
                  for error in update.get("errors") or ()]  # fmt: skip
        return f"{update['status'].lower()}: {' | '.join(errors) or 'EKS names no reason'}"

    wait_until(
        look, lambda update: update["status"] == "Successful", f"the update of {subject}",
        timeout=params["wait_timeout"], pause=params["wait_pause"], failed=failed,
        show=lambda update: f"{update.get('type', 'update')} {update['status']}",
    )  # fmt: skip
