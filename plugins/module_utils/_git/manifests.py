# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring one folder of a Git repository, or of a working tree, to the wanted state."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._git import tree
from ansible_collections.bahnvision.aws.plugins.module_utils._git.render import files_of
from ansible_collections.bahnvision.aws.plugins.module_utils._git.repository import (
    Credentials,
    Repository,
    Run,
    check_url,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Plan

Spec = dict[str, dict[str, Any]]

GIT_MANIFESTS_SPEC: Spec = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "manifests": {"type": "list", "elements": "dict", "default": []},
    "path": {"type": "str", "required": True},
    "argocd": {"type": "bool", "default": False},
    "working_tree": {"type": "path"},
    "repository": {"type": "str"},
    "branch": {"type": "str", "default": "main"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "ssh_key_file": {"type": "path", "no_log": False},
    "ssh_known_hosts_file": {"type": "path"},
    "commit_message": {"type": "str", "default": ""},
    "author_name": {"type": "str", "default": "bahnvision.aws"},
    "author_email": {"type": "str", "default": "bahnvision.aws@localhost"},
}


def ensure_manifests(run: Run, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return what was done, or would be."""
    path = tree.checked_path(params["path"])
    present = params["state"] == "present"
    if present and not params["manifests"]:
        raise ResourceError("git_manifests: there are no manifests; state=absent removes those of an earlier run")
    wanted = files_of(params["manifests"], params["argocd"]) if present else {}
    if params["working_tree"]:
        return _in_tree(run, Path(params["working_tree"]), path, wanted, check_mode)
    check_url(params["repository"])
    credentials = Credentials(params)
    try:
        with tempfile.TemporaryDirectory(prefix="git_manifests.") as folder:
            return _in_repository(Repository(run, credentials, Path(folder), params), params, path, wanted, check_mode)
    finally:
        credentials.close()


def _in_tree(run: Run, root: Path, path: str, wanted: Mapping[str, str], check_mode: bool) -> dict[str, Any]:
    if not root.is_dir():
        raise ResourceError(f"git_manifests: there is no folder {root}")
    code, _out, err = run(["git", "rev-parse", "--is-inside-work-tree"], cwd=str(root))
    if code:
        raise ResourceError(f"git_manifests: {root} is in no working tree of Git: {err.strip()}")
    plan = tree.plan_files(root, path, wanted)
    if not check_mode:
        _write(root, path, plan)
    return _told(plan, path, wanted)


def _in_repository(
    repository: Repository, params: Mapping[str, Any], path: str, wanted: Mapping[str, str], check_mode: bool
) -> dict[str, Any]:
    repository.fetch()
    plan = tree.plan_files(repository.root, path, wanted)
    notes = []
    if plan.changed and not check_mode:
        _write(repository.root, path, plan)
        repository.commit(path, params["commit_message"] or _message(path, plan))
        if repository.push():
            notes.append("somebody else had pushed meanwhile; our commit was put on top of theirs")
    return {**_told(plan, path, wanted), "commit": repository.head(), "branch": repository.branch, "notes": notes}


def _message(path: str, plan: Plan) -> str:
    lines = [f"- {action.verb} {action.name.rpartition('/')[2]}" for action in plan.actions]
    return f"Update the manifests in {path}\n\n" + "\n".join(lines)


def _write(root: Path, path: str, plan: Plan) -> None:
    for action in plan.actions:
        tree.write(root, path, action)


def _told(plan: Plan, path: str, wanted: Mapping[str, str]) -> dict[str, Any]:
    return {
        "changed": plan.changed,
        "actions": [str(action) for action in plan.actions],
        "diff": tree.diffs(plan),
        "files": [f"{path}/{name}" for name in wanted],
        "path": path,
        "notes": [],
    }
