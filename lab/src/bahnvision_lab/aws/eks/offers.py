"""Which versions EKS offers, and until when; of add-ons too. The table carries its date and source."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

ARM = {"a1", "t4g", "m6g", "m7g", "m8g", "c6g", "c7g", "c8g", "r6g", "r7g", "r8g", "c6gn", "c7gn"}
# Size of an instance: processors, gigabytes of memory (of the m family), Pods that its network interfaces allow.
SIZES = {
    "nano": (2, 0.5, 4), "micro": (2, 1, 4), "small": (2, 2, 11), "medium": (2, 4, 17), "large": (2, 8, 29),
    "xlarge": (4, 16, 58), "2xlarge": (8, 32, 58), "4xlarge": (16, 64, 234), "8xlarge": (32, 128, 234),
}  # fmt: skip
FAMILIES = ("t", "m", "c", "r", "a")


@cache
def table() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "versions.json").read_text())
    return loaded


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def support(minor: str) -> str:
    """STANDARD_SUPPORT, EXTENDED_SUPPORT or UNSUPPORTED, today."""
    told, now = table()["clusters"].get(minor), datetime.now(UTC)
    if told is None or now >= moment(told["extended"]) or now < moment(told["released"]):
        return "UNSUPPORTED"
    return "STANDARD_SUPPORT" if now < moment(told["standard"]) else "EXTENDED_SUPPORT"


def offered() -> list[str]:
    """Newest first."""
    found = [minor for minor in table()["clusters"] if support(minor) != "UNSUPPORTED"]
    return sorted(found, key=number, reverse=True)


def default() -> str:
    return next((minor for minor in offered() if table()["clusters"][minor].get("default")), offered()[0])


def number(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split("."))


def next_minor(minor: str) -> str:
    major, small = number(minor)
    return f"{major}.{small + 1}"


def describe(minor: str, patch: str) -> dict[str, Any]:
    told, state = table()["clusters"][minor], support(minor)
    return {
        "clusterVersion": minor,
        "clusterType": "eks",
        "defaultPlatformVersion": told["platform"],
        "defaultVersion": minor == default(),
        "releaseDate": moment(told["released"]),
        "endOfStandardSupportDate": moment(told["standard"]),
        "endOfExtendedSupportDate": moment(told["extended"]),
        "status": state.lower().replace("_", "-"),
        "versionStatus": state,
        "kubernetesPatchVersion": patch.removeprefix("v"),
    }


def addon_versions(name: str, minor: str) -> list[str]:
    """Versions of an add-on that fit a cluster version, newest first."""
    return [one.replace("{minor}", minor) for one in table()["addons"][name]["versions"]]


def instance(kind: str) -> tuple[str, int, float, int] | None:
    """Architecture, processors, memory in GiB and Pods of an instance type; None for what does not exist."""
    family, _dot, size = kind.partition(".")
    if size not in SIZES or not family.startswith(FAMILIES) or not family[-1:].isalnum() or len(family) < 2:
        return None
    cpus, memory, pods = SIZES[size]
    factor = {"c": 0.5, "r": 2.0}.get(family[0], 1.0)
    return ("arm64" if family in ARM else "amd64"), cpus, memory * factor, pods
