# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster's entries in a kubeconfig file that may hold others' too. Pure: content in, content out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
Content = dict[str, Any]


def entries(name: str, reached: Mapping[str, Any], command: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
    """Return our entries: the server, a command that makes a token when one is needed, and both under one name."""
    login = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": command[0],
        "args": list(command[1:]),
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": False,
    }
    if env:
        login["env"] = [{"name": key, "value": env[key]} for key in sorted(env)]
    return {
        "clusters": dict(reached["clusters"][0]["cluster"]),
        "users": {"exec": login},
        "contexts": {"cluster": name, "user": name},
    }


def ours(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what stands under our name, section by section."""
    found = {}
    for section, member in SECTIONS.items():
        for one in content.get(section) or ():
            if one.get("name") == name:
                found[section] = one.get(member)
    return found


def others(content: Mapping[str, Any], name: str) -> list[str]:
    return sorted({one.get("name") for section in SECTIONS for one in content.get(section) or ()} - {name})


def checked(content: Any, path: str, name: str) -> Content:
    """Refuse what is no kubeconfig, and entries of our name by which somebody logs in elsewhere or otherwise."""
    if content is None:
        return {}
    listed = isinstance(content, dict) and all(isinstance(content.get(key) or [], list) for key in SECTIONS)
    if not listed or content.get("kind", "Config") != "Config":
        raise ResourceError(f"{path} is no kubeconfig; nothing was touched. Choose another path")
    user = ours(content, name).get("users")
    args = ((user or {}).get("exec") or {}).get("args") or []
    if user is not None and name not in args:
        raise ResourceError(
            f"{path} has a user {name} that does not log in to the cluster {name} by a command; nothing was touched. "
            "Rename it, or choose another path"
        )
    return dict(content)


def with_ours(content: Content, name: str, wanted: Mapping[str, Any], current: bool) -> Content:
    """Put our entries in, each where it stood; the current context stays unless there is none, or it is asked for."""
    made: Content = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **content}
    for section, member in SECTIONS.items():
        listed = list(made.get(section) or [])
        at = next((index for index, one in enumerate(listed) if one.get("name") == name), len(listed))
        # A namespace that somebody chose for the context is his.
        kept = listed[at].get("context") or {} if at < len(listed) and section == "contexts" else {}
        listed[at : at + 1] = [{"name": name, member: {**kept, **wanted[section]}}]
        made[section] = listed
    if current or not made.get("current-context"):
        made["current-context"] = name
    return made


def without_ours(content: Content, name: str) -> Content:
    """Take our entries out; {} when nothing else is left."""
    if not others(content, name):
        return {}
    left = dict(content)
    for section in SECTIONS:
        left[section] = [one for one in content.get(section) or () if one.get("name") != name]
    if left.get("current-context") == name:
        left["current-context"] = ""
    return left
