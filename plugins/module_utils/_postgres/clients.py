# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find psql, pg_dump and pg_restore of the target's major version.

A newer client sends settings that an older server does not know (pg_restore 17 ends with an error on a
server 15), an older one cannot read a newer source: so the clients' major is the target's, which in turn
is not below the source's.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import version_of
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError

PROGRAMS = ("psql", "pg_dump", "pg_restore")
# Debian and Ubuntu, Red Hat's PGDG packages, Homebrew.
FOLDERS = ("/usr/lib/postgresql/{major}/bin", "/usr/pgsql-{major}/bin", "/opt/homebrew/opt/postgresql@{major}/bin")
KNOWN_MAJORS = range(30, 11, -1)


@dataclass(frozen=True)
class Clients:
    psql: str
    pg_dump: str
    pg_restore: str
    version: str


def find_psql(bindir: str | None = None) -> str:
    """Return any psql: good enough to ask a server for its version."""
    for folder in _folders(bindir, KNOWN_MAJORS):
        if (folder / "psql").is_file():
            return str(folder / "psql")
    where = bindir or "/usr/lib/postgresql/*/bin or on the PATH"
    raise PostgresError(f"psql is not in {where}: install the PostgreSQL client (apt-get install postgresql-client)")


def find_clients(
    major: int,
    bindir: str | None = None,
    version: Callable[[Path], str] = version_of,
    folders: list[Path] | None = None,
) -> Clients:
    """Return the three programs of one major version, from one folder."""
    seen = []
    for folder in folders if folders is not None else _folders(bindir, [major]):
        if not all((folder / name).is_file() for name in PROGRAMS):
            continue
        found = {name: _number(version(folder / name)) for name in PROGRAMS}
        if {number.split(".")[0] for number in found.values()} == {str(major)}:
            paths = {name: str(folder / name) for name in PROGRAMS}
            return Clients(**paths, version=found["pg_dump"])
        seen.append(f"{folder} holds {found['pg_dump']}")
    raise PostgresError(
        f"the target is PostgreSQL {major} and needs psql, pg_dump and pg_restore of version {major} "
        f"({'; '.join(seen) or 'none found'}): install the package postgresql-client-{major} "
        f"(Red Hat: postgresql{major}) or set client_bindir"
    )


def _folders(bindir: str | None, majors) -> Iterator[Path]:
    if bindir:
        yield Path(bindir)
        return
    for major in majors:
        for pattern in FOLDERS:
            yield Path(pattern.format(major=major))
    on_path = shutil.which("psql", path=os.environ.get("PATH", os.defpath))
    if on_path:
        # Not resolved: Debian's wrapper chooses the program by the name it was called with.
        yield Path(on_path).parent


def _number(text: str) -> str:
    found = re.search(r"\d+[.\w]*", text)
    return found.group() if found else "unknown"
