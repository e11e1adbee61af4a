# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look before a risky step has found, and what somebody accepts of it by name. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`mark` names it, so that somebody can accept this one and no other; without a mark nobody can."""

    name: str
    result: str  # pass, fail, warn, info
    detail: str = ""
    mark: str = ""

    def told(self) -> dict[str, str]:
        sentence = f"{self.name}: {self.detail}{f' [{self.mark}]' if self.mark else ''}."
        return {
            "name": self.name, "result": self.result, "detail": self.detail, "mark": self.mark, "sentence": sentence,
        }  # fmt: skip


def accepted(findings: Iterable[Finding], marks: Collection[str]) -> list[Finding]:
    """Turn what somebody has accepted by its name from a refusal into a warning."""
    return [
        Finding(one.name, "warn", f"{one.detail} (accepted)", one.mark)
        if one.result == "fail" and one.mark and one.mark in marks else one
        for one in findings
    ]  # fmt: skip
