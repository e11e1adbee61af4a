# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a report into its folder whole: a reader never sees half a page, a failed write leaves the old one."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._report.document import FORMAT, INDEX
from ansible_collections.bahnvision.aws.plugins.module_utils._report.page import render, render_index


def write(folder: Path, document: dict[str, Any], keep: int) -> None:
    """Write the report and the index. The report it replaces stays under its time."""
    folder.mkdir(parents=True, exist_ok=True)
    name = document["name"]
    _set_aside(folder, name, keep)
    paths = {kind: folder / f"{name}.{kind}" for kind in ("json", "html")}
    _replace(paths["json"], json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    _replace(paths["html"], render(document))
    index = folder / f"{INDEX}.html"
    _replace(index, render_index(_documents(folder)))


def _set_aside(folder: Path, name: str, keep: int) -> None:
    """Give the present report a name with its time, and drop the oldest beyond `keep`."""
    present = _read(folder / f"{name}.json")
    if present and keep:
        stem = f"{name}-{''.join(c for c in present['written_at'] if c.isalnum())}"
        _replace(folder / f"{stem}.json", json.dumps(present, indent=2, ensure_ascii=False) + "\n")
        _replace(folder / f"{stem}.html", render(present, stem))
    earlier = [stem for stem, document in _documents(folder) if document["name"] == name != stem]
    for stem in earlier[: max(len(earlier) - keep, 0)]:
        for kind in ("html", "json"):
            (folder / f"{stem}.{kind}").unlink(missing_ok=True)


def _documents(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return (stem, document) of every report in the folder, oldest first."""
    found = [(path.stem, _read(path)) for path in sorted(folder.glob("*.json"))]
    reports = [(stem, document) for stem, document in found if document]
    return sorted(reports, key=lambda entry: (entry[1]["written_at"], entry[0]))


def _read(path: Path) -> dict[str, Any] | None:
    """Return the report in a file; a file that is no report of ours is left out."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return content if isinstance(content, dict) and content.get("format") == FORMAT and "verdict" in content else None


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
