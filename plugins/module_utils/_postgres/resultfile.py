# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave what a run returns in a file, so that whoever was not there can read it later."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError

# By it a later run recognises a file that it may replace.
KIND = {"module": "bahnvision.aws.pg_migrate"}


def reported(work: Callable[[], dict], params: Mapping[str, Any], check_mode: bool) -> dict:
    """Do the work and write down what came of it, also when it failed."""
    file = None if check_mode else checked(params.get("report_path"))
    try:
        result = work()
    except PostgresError as error:
        if file is not None:
            told = _written(file, {"failed": True, "msg": str(error), **error.result})
            raise PostgresError(f"{error}{f'; {told}' if told else ''}", error.result) from error
        raise
    told = _written(file, {**result, "report_path": str(file)}) if file is not None else ""
    remarks = [*result["remarks"], told] if told else result["remarks"]
    return {**result, "remarks": remarks, "report_path": None if file is None or told else str(file)}


def _written(file: Path, result: Mapping[str, Any]) -> str:
    """Return why it could not be written; what was moved is moved nevertheless."""
    try:
        write(file, result)
    except OSError as problem:
        return f"report_path {file} could not be written: {problem.strerror}"
    return ""


def checked(path: str | None) -> Path | None:
    """Refuse what could not be written, or is somebody else's, before anything is moved."""
    if not path:
        return None
    file = Path(path)
    if not os.access(file.parent, os.W_OK | os.X_OK) or not file.parent.is_dir():
        raise PostgresError(f"report_path {path}: its folder does not exist, or may not be written to")
    if file.is_symlink() or (file.exists() and not _ours(file)):
        raise PostgresError(f"report_path {path} is something that this module has not written: give another path")
    return file


def write(file: Path, result: Mapping[str, Any]) -> None:
    """Replace the file as a whole: a reader sees the old one or the new one, and a crash leaves the old one."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w") as fresh:
            json.dump({**KIND, **result}, fresh, indent=1, sort_keys=True)
            fresh.write("\n")
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _ours(file: Path) -> bool:
    try:
        told = json.loads(file.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.items() >= KIND.items()
