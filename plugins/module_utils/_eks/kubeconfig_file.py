# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One kubeconfig file: read, plan, write beside it and move."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_dump, yaml_load
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import kubeconfig
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

try:
    from yaml import YAMLError
except ImportError:  # the module says so, before it comes here
    YAMLError = ValueError  # type: ignore[assignment,misc]

KUBECONFIG_SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "kubeconfig": {"type": "dict"},
    "command": {"type": "list", "elements": "str"},
    "env": {"type": "dict", "default": {}},
    "current": {"type": "bool", "default": False},
}
# Keeps a copy of a file and returns its path.
Backup = Callable[[str], str]


def ensure_kubeconfig(params: Mapping[str, Any], check_mode: bool, backup: Backup) -> dict[str, Any]:
    path, name = Path(params["path"]), params["name"]
    if params["state"] == "present" and name not in params["command"]:
        raise ResourceError(f"no argument of the command {' '.join(params['command'])} is the cluster's name {name}")
    found = _read(path, name)
    wanted = _wanted(params, found, check_mode)
    shared = bool(kubeconfig.others(found, name))
    open_to_all = path.exists() and not shared and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    changed = wanted != found or (bool(wanted) and open_to_all)
    result = {
        "changed": changed,
        "path": str(path),
        "context": name if params["state"] == "present" else "",
        "diff": {"before": kubeconfig.ours(found, name), "after": kubeconfig.ours(wanted, name)},
    }
    if changed and not check_mode:
        if shared:
            result["backup_file"] = backup(str(path))
        _write(path, wanted, shared)
    return result


def _wanted(params: Mapping[str, Any], found: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    name = params["name"]
    if params["state"] == "absent":
        return kubeconfig.without_ours(found, name) if kubeconfig.ours(found, name) else found
    reached = params["kubeconfig"]
    if not reached and check_mode:
        reached = {"clusters": [{"cluster": {"server": ""}}]}
    if not reached:
        raise ResourceError(f"cluster {name} has no endpoint yet, so a kubeconfig cannot name it; make it first")
    entries = kubeconfig.entries(name, reached, params["command"], params["env"])
    return kubeconfig.with_ours(found, name, entries, params["current"])


def _read(path: Path, name: str) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = yaml_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, YAMLError) as problem:
        raise ResourceError(f"{path} cannot be read as a kubeconfig: {problem}") from problem
    return kubeconfig.checked(content, str(path), name)


def _write(path: Path, content: Mapping[str, Any], keep_mode: bool) -> None:
    """A file that dies half written is nobody's: it is made beside the other and moved when whole."""
    # A link (a kubeconfig kept elsewhere) stays one.
    path = path.resolve()
    mode = stat.S_IMODE(path.stat().st_mode) if keep_mode else 0o600
    try:
        if not content:
            path.unlink()
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(yaml_dump(dict(content), default_flow_style=False, sort_keys=False))
        Path(beside).chmod(mode)
        Path(beside).replace(path)
    except OSError as problem:
        raise ResourceError(f"{path} cannot be written: {problem}") from problem
