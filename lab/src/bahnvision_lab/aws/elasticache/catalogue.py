"""What ElastiCache offers: engine versions and node types, from dated tables beside this module.

The versions are AWS's. Behind each of them runs the server that is installed (Redis 7 or Valkey).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
ENGINES = ("valkey", "redis")


@cache
def table(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}.json").read_text())


def order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def versions_of(engine: str) -> dict[str, dict[str, str]]:
    """Return {"8.2": {"full": "8.2.0", "family": "valkey8"}, ...}, oldest first."""
    return table("engine_versions")["versions"][engine]


def default_version(engine: str) -> str:
    return table("engine_versions")["default"][engine]


def family_of(engine: str, version: str) -> str:
    return versions_of(engine)[version]["family"]


def full_version(engine: str, version: str) -> str:
    return versions_of(engine)[version]["full"]


def find_version(engine: str, wanted: str) -> str | None:
    """Return 8.2 for 8.2, for 8.2.0 and for 8.x; None when it is not offered."""
    known = versions_of(engine)
    for version, entry in known.items():
        if wanted in (version, entry["full"]):
            return version
    major, _dot, rest = wanted.partition(".")
    same = [version for version in known if version.startswith(f"{major}.")]
    return max(same, key=order) if rest == "x" and same else None


def families() -> dict[str, str]:
    """Return {family: engine}."""
    return table("parameters")["families"]


def node_memory(node_type: str) -> float | None:
    """Return the memory of a node of this type in GiB, None when there is no such type."""
    parts = node_type.split(".")
    if len(parts) != 3 or parts[0] != "cache":
        return None
    return table("node_types")["gibibytes"].get(parts[1], {}).get(parts[2])


def node_types() -> list[str]:
    sizes = table("node_types")["gibibytes"]
    return [f"cache.{family}.{size}" for family in sorted(sizes) for size in sizes[family]]


def has_feature(node_type: str, feature: str) -> bool:
    return node_type.split(".")[1] in table("node_types")[feature]


def oldest_version(node_type: str) -> str | None:
    return table("node_types")["since"].get(node_type.split(".")[1])
