# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a working tree that holds our files: compared, written, and freed of what is no longer wanted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._git.render import is_ours
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import refuse
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan

KIND = "file"


def checked_path(path: str) -> str:
    """A folder within the tree, as Git writes it."""
    pure = PurePosixPath(path)
    bad = pure.is_absolute() or ".." in pure.parts or str(pure) == "." or ".git" in pure.parts
    refuse(
        "git_manifests", [f"path {path!r} must be a folder within the repository, such as apps/orders"] if bad else []
    )
    return str(pure)


def plan_files(root: Path, path: str, wanted: Mapping[str, str]) -> Plan:
    """What differs; `wanted` maps names to texts, and is empty when all of ours must go."""
    folder = root / path
    _require_inside(root, folder)
    present = {one.name: _read(one) for one in sorted(folder.iterdir())} if folder.is_dir() else {}
    strange = sorted(name for name in wanted if name in present and not is_ours(present[name] or ""))
    refuse(f"folder {path}", [
        f"{name} is not ours (its first line is not our mark); nothing was written. Choose another folder, or remove it"
        for name in strange
    ])  # fmt: skip
    ours = {name: text for name, text in present.items() if text is not None and is_ours(text)}
    steps = [
        Action("write", KIND, f"{path}/{name}", {"text": ours.get(name, "")}, {"text": text}, {"name": name})
        for name, text in wanted.items() if ours.get(name) != text
    ]  # fmt: skip
    steps += [
        Action("remove", KIND, f"{path}/{name}", {"text": text}, {"text": ""}, {"name": name})
        for name, text in ours.items() if name not in wanted
    ]  # fmt: skip
    return Plan(tuple(steps))


def write(root: Path, path: str, action: Action) -> None:
    folder = root / path
    target = folder / action.params["name"]
    try:
        if action.verb == "remove":
            target.unlink()
            return
        folder.mkdir(parents=True, exist_ok=True)
        _put(target, (action.after or {})["text"])
    except OSError as problem:
        raise ResourceError(f"cannot {action.verb} {target}: {problem.strerror}") from problem


def diffs(plan: Plan) -> list[dict[str, str]]:
    """One difference per file, as Ansible shows them."""
    return [
        {
            "before_header": action.name, "after_header": action.name,
            "before": _side(action.before), "after": _side(action.after),
        }
        for action in plan.actions
    ]  # fmt: skip


def _side(facts: Mapping[str, Any] | None) -> str:
    return str((facts or {}).get("text", ""))


def _put(target: Path, text: str) -> None:
    """Beside the target first, then in its place: a reader sees the old file or the new one."""
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        Path(beside).chmod(0o644)
        Path(beside).replace(target)
    except OSError:
        Path(beside).unlink()
        raise


def _read(one: Path) -> str | None:
    """The text; None for what can be none of ours, and "" for what is not text."""
    if one.is_symlink():
        return ""
    if not one.is_file():
        return None
    try:
        return one.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _require_inside(root: Path, folder: Path) -> None:
    """A symlink in the repository must not lead us out of it."""
    if root.resolve() not in folder.resolve().parents:
        raise ResourceError(f"folder {folder} is outside of the working tree {root}")
    if folder.exists() and not folder.is_dir():
        raise ResourceError(f"{folder} is there and is no folder")
