"""What RDS offers: engine versions, instance classes, storage. From dated tables beside this module.

Every instance of the lab is a real server, so a major version is offered only where its programs are installed.
A minor version stands for the one that is installed: the lab runs 15.x programs for every 15.y.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from bahnvision_lab import postgres

ENGINE = "postgres"
LICENSE = "postgresql-license"
DATA = Path(__file__).parent / "data"


@cache
def table(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}.json").read_text())


def major_of(version: str) -> str:
    return version.partition(".")[0]


def family_of(version: str) -> str:
    return ENGINE + major_of(version)


def order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def offered() -> list[str]:
    """Return the versions that the lab can really run, oldest first."""
    installed = {str(major) for major in postgres.installed_majors()}
    return [version for version in table("engine_versions")["versions"] if major_of(version) in installed]


def default_version() -> str:
    """Return the version an instance gets when none is asked for: AWS's own, else the newest below it."""
    wanted = table("engine_versions")["default"]
    versions = offered()
    older = [version for version in versions if order(version) <= order(wanted)]
    return max(older or versions, key=order)


def find(version: str) -> str | None:
    """Return the full version for '15.14' or, as RDS allows, for a major alone; None when it is not offered."""
    versions = offered()
    if version in versions:
        return version
    same_major = [candidate for candidate in versions if major_of(candidate) == version]
    return max(same_major, key=order) if same_major else None


def upgrade_targets(version: str) -> list[str]:
    """Return the newer versions that an instance can be moved to: later minors, and minors of later majors."""
    return [target for target in offered() if order(target) > order(version)]
