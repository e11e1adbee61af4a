"""What goes wrong on purpose: `lab faults set ...` writes it, the running lab reads it with every request.

The file is the only link between the two; a lab whose file is absent has no faults.
"""

from __future__ import annotations

import difflib
import fnmatch
import json
import random
import threading
import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bahnvision_lab.aws.naming import operations_of
from bahnvision_lab.errors import LabError
from bahnvision_lab.state import write_private

Setting = dict[str, Any]
DEFAULT_FLIP_SECONDS = 0.5
CUT = "ConnectionCut"  # in place of an error code: the connection ends without an answer
LISTS = ("failover_does_nothing", "asynchronous", "dms_table_errors", "dms_loses_rows")
TABLES = ("endpoint_flip_seconds", "dms_fails_in", "images")
IMAGE_TROUBLES = ("ErrImagePull", "CrashLoopBackOff", "ReadinessFailed")
DMS_STATES = (
    "initializing", "preparing_metadata_resources", "testing_connection", "fetching_metadata", "calculating_capacity",
    "provisioning_capacity", "replication_starting", "running",
)  # fmt: skip
_FAILURE = {"operation": "", "nth": 1, "code": "InternalFailure", "status": 0, "acted": False}


@dataclass(frozen=True)
class Failure:
    """How one request fails. Without a code it is throttled, with the code that its service has for that."""

    code: str = ""
    status: int = 0
    acted: bool = False


class Faults:
    """The faults of a running lab, as the file has them at each moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._version: tuple[int, ...] = ()
        self._setting: Setting = {}
        self._throttled: Counter[str] = Counter()  # calls per operation, since the share or the seed was set
        self._failing: Counter[str] = Counter()  # calls per entry of "fail", since it was set

    def does_nothing(self, identifier: str) -> bool:
        """True when a failover of this database or cache is to be accepted and not carried out."""
        return identifier in self._current().get("failover_does_nothing", ())

    def flip_seconds(self, identifier: str) -> float:
        """Return how long an endpoint points to the old primary after a failover."""
        flips = self._current().get("endpoint_flip_seconds", {})
        return float(flips.get(identifier, flips.get("*", DEFAULT_FLIP_SECONDS)))

    def is_asynchronous(self, identifier: str) -> bool:
        """True when the standby of this database must not hold up commits: a failover then loses writes."""
        return identifier in self._current().get("asynchronous", ())

    def dms_fails_in(self, identifier: str) -> str:
        """Return the state in which this replication of DMS fails, "" when it does not."""
        failures = self._current().get("dms_fails_in", {})
        return str(failures.get(identifier, failures.get("*", "")))

    def dms_breaks(self, table: str) -> bool:
        """True when the load of this table (schema.table) is to end with an error half way."""
        return table in self._current().get("dms_table_errors", ())

    def dms_loses(self, table: str) -> bool:
        """True when the load of this table is to lose its last row and say nothing."""
        return table in self._current().get("dms_loses_rows", ())

    def image_trouble(self, image: str) -> str:
        """Return what is wrong with an image, "" when nothing is. Patterns are the shell's."""
        troubles = self._current().get("images", {})
        return next((why for pattern, why in troubles.items() if fnmatch.fnmatchcase(image, pattern)), "")

    @property
    def delay(self) -> float:
        """Seconds that every request waits."""
        return float(self._current().get("delay_ms", 0)) / 1000

    def failure(self, service: str, operation: str) -> Failure | None:
        """Say whether this request fails, and count it. Deterministic per operation, whatever runs beside it."""
        name = f"{service}:{operation}"
        with self._lock:
            setting = self._read()
            for entry in setting.get("fail", ()):
                if entry["operation"] == name and self._is_its_turn(entry):
                    return Failure(entry["code"], entry["status"], entry["acted"])
            share = setting.get("throttle", 0)
            if not share:
                return None
            self._throttled[name] += 1
            chance = random.Random(f"{setting.get('seed', 1)}:{name}:{self._throttled[name]}")  # noqa: S311 - not a secret
            return Failure() if chance.random() < share else None

    def _is_its_turn(self, entry: Setting) -> bool:
        key = entry.get("id") or json.dumps(entry, sort_keys=True)
        self._failing[key] += 1
        return self._failing[key] == entry["nth"]

    def _current(self) -> Setting:
        with self._lock:
            return self._read()

    def _read(self) -> Setting:
        """Return the file's content, read again only when the file has been replaced."""
        try:
            told = self.path.stat()
        except FileNotFoundError:
            version: tuple[int, ...] = ()
        else:
            version = (told.st_ino, told.st_mtime_ns, told.st_size)
        if version != self._version:
            fresh = load(self.path)
            if any(fresh.get(key) != self._setting.get(key) for key in ("throttle", "seed")):
                self._throttled.clear()
            self._setting, self._version = fresh, version
        return self._setting


def load(path: Path) -> Setting:
    """Return what the file says; {} when there is none."""
    try:
        return checked(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        raise LabError(f"{path.name} is not JSON ({problem}); `lab faults clear` removes it") from problem


def save(path: Path, setting: Setting) -> None:
    """Write the setting whole; an empty one leaves no file."""
    if setting:
        write_private(path, json.dumps(setting, indent=1) + "\n")
    else:
        path.unlink(missing_ok=True)


def added(before: Setting, setting: Setting) -> Setting:
    """Return `before` with the checked `setting` on top: lists and tables grow, single values are replaced."""
    fresh = checked(setting)
    for entry in fresh.get("fail", ()):
        _require_operation(entry["operation"])
        entry["id"] = uuid.uuid4().hex  # counted from now on, even if the same was asked for earlier
    result = {**before, **fresh}
    result.update({key: [*before.get(key, ()), *fresh[key]] for key in ("fail",) if key in fresh})
    result.update({key: sorted({*before.get(key, ()), *fresh[key]}) for key in LISTS if key in fresh})
    result.update({key: {**before.get(key, {}), **fresh[key]} for key in TABLES if key in fresh})
    return result


def without(before: Setting, kinds: Collection[str]) -> Setting:
    """Return the setting without these kinds of faults; without any when none is named."""
    unknown = sorted(set(kinds) - set(_CHECKS))
    if unknown:
        raise LabError(f"no such fault: {', '.join(unknown)} (there are {', '.join(_CHECKS)})")
    return {key: value for key, value in before.items() if kinds and key not in kinds}


def _require_operation(name: str) -> None:
    service, _colon, operation = name.partition(":")
    known = operations_of(service)
    if not known:
        raise LabError(f"AWS has no service {service!r} (the name requests are signed with: rds, ec2, monitoring ...)")
    if operation not in known:
        near = difflib.get_close_matches(operation, known, 1)
        raise LabError(f"{service} has no operation {operation!r}" + (f"; did you mean {near[0]}?" if near else ""))


def checked(setting: Any) -> Setting:
    """Return the setting with its defaults filled in, or say what is wrong with it."""
    if not isinstance(setting, dict):
        raise LabError(f"faults are a table, not {type(setting).__name__}")
    unknown = sorted(set(setting) - set(_CHECKS))
    if unknown:
        raise LabError(f"no such fault: {', '.join(unknown)} (there are {', '.join(_CHECKS)})")
    return {key: _CHECKS[key](key, value) for key, value in setting.items()}


def _number(key: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise LabError(f"{key} must be a number between {low:g} and {high:g}, not {value!r}")
    return value


def _share(key: str, value: Any) -> float:
    return _number(key, value, 0, 1)


def _milliseconds(key: str, value: Any) -> float:
    return _number(key, value, 0, 60_000)


def _seed(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise LabError(f"{key} must be a whole number, not {value!r}")
    return value


def _names(key: str, value: Any) -> list[str]:
    if isinstance(value, str) or not all(isinstance(name, str) and name for name in value):
        raise LabError(f"{key} must be a list of identifiers, not {value!r}")
    return list(value)


def _flips(key: str, value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise LabError(f"{key} must be a table of identifiers (or *) and seconds, not {value!r}")
    return {name: _number(f"{key} of {name}", seconds, 0, 600) for name, seconds in value.items()}


def _states(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not set(value.values()) <= set(DMS_STATES):
        raise LabError(f"{key} must be a table of replications (or *) and states ({', '.join(DMS_STATES)})")
    return dict(value)


def _images(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not set(value.values()) <= set(IMAGE_TROUBLES):
        raise LabError(f"{key} must be a table of images (patterns) and troubles ({', '.join(IMAGE_TROUBLES)})")
    return dict(value)


def _failures(key: str, value: Any) -> list[Setting]:
    if not isinstance(value, list):
        raise LabError(f"{key} must be a list, not {value!r}")
    return [_failing(entry) for entry in value]


def _failing(entry: Any) -> Setting:
    known = {*_FAILURE, "id"}
    if not isinstance(entry, dict) or set(entry) - known:
        raise LabError(f"a failure has {', '.join(_FAILURE)}, not {entry!r}")
    full = {**_FAILURE, **entry}
    service, _colon, operation = str(full["operation"]).partition(":")
    if not service or not operation or ":" in operation:
        raise LabError(f"a failure names SERVICE:OPERATION, such as rds:CreateDBInstance, not {full['operation']!r}")
    if isinstance(full["nth"], bool) or not isinstance(full["nth"], int) or full["nth"] < 1:
        raise LabError(f"nth of {full['operation']} must be 1 or more, not {full['nth']!r}")
    if not isinstance(full["code"], str) or not full["code"].replace(".", "").isalnum():
        raise LabError(f"code of {full['operation']} must be an error code of AWS or {CUT}, not {full['code']!r}")
    if not isinstance(full["acted"], bool):
        raise LabError(f"acted of {full['operation']} must be true or false, not {full['acted']!r}")
    if full["status"] != 0:
        _number(f"status of {full['operation']}", full["status"], 400, 599)
    return full


_CHECKS = {
    "throttle": _share,
    "seed": _seed,
    "delay_ms": _milliseconds,
    "fail": _failures,
    "failover_does_nothing": _names,
    "endpoint_flip_seconds": _flips,
    "asynchronous": _names,
    "dms_fails_in": _states,
    "dms_table_errors": _names,
    "dms_loses_rows": _names,
    "images": _images,
}
