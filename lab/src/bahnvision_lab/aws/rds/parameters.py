"""DB parameters: which there are, what may be set, and what becomes of it on the real server."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from moto.rds.models import DBParameterGroup, RDSBackend

from bahnvision_lab import postgres
from bahnvision_lab.aws.rds import catalogue
from bahnvision_lab.aws.refusals import AwsError

_TYPES = {"BOOLEAN": "boolean", "INTEGER": "integer", "REAL": "float", "ENUM": "string", "STRING": "string"}


_RANGE = re.compile(r"^(-?[^-]+(?:e-\d+)?)-(-?.+)$")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family, as DescribeDBParameters tells it."""

    name: str
    kind: str
    apply: str  # static: needs a reboot
    allowed: str | None
    modifiable: bool
    value: str | None  # what RDS presets; None leaves it to the engine
    description: str

    def describe(self, chosen: dict[str, str] | None) -> dict[str, Any]:
        value = chosen["ParameterValue"] if chosen else self.value
        source = "user" if chosen else ("system" if self.value is not None else "engine-default")
        described = {
            "ParameterName": self.name,
            "ParameterValue": value,
            "Description": self.description,
            "Source": source,
            "ApplyType": self.apply,
            "DataType": self.kind,
            "AllowedValues": self.allowed,
            "IsModifiable": self.modifiable,
            "ApplyMethod": chosen["ApplyMethod"] if chosen else "pending-reboot",
        }
        return {key: entry for key, entry in described.items() if entry is not None}


@cache
def catalogue_of(family: str) -> dict[str, Parameter]:
    """Return the parameters of postgres15 and the like, by name."""
    table = catalogue.table("parameters")
    found = {}
    for line in _described_by_the_server(int(family.removeprefix(catalogue.ENGINE))):
        parameter = _from_server(line.split("\t"), table)
        found[parameter.name] = parameter
    for name, entry in table["rds"].items():
        found[name] = Parameter(name, entry["type"], entry["apply"], entry["allowed"], entry.get("modifiable", True),
                                entry["value"], entry["description"])  # fmt: skip
    found["rds.extensions"] = replace(found["rds.extensions"], value=",".join(extensions(family)))
    return dict(sorted(found.items()))


def _described_by_the_server(major: int) -> list[str]:
    program = postgres.installed_majors()[major] / "postgres"
    return subprocess.run(
        [str(program), "--describe-config"], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def _from_server(fields: list[str], table: dict[str, Any]) -> Parameter:
    name, context, group, kind, _default, low, high, description, *_others = fields
    withheld = (group in table["withheld_groups"] or name in table["withheld"]) and name not in table["given"]
    allowed = table["allowed"].get(name) or ("0,1" if kind == "BOOLEAN" else f"{low}-{high}" if low else None)
    return Parameter(
        name=name,
        kind="list" if name == "shared_preload_libraries" else _TYPES[kind],
        apply="static" if context == "postmaster" else "dynamic",
        allowed=allowed,
        modifiable=not withheld,
        value=table["presets"].get(name),
        description=description,
    )


@cache
def extensions(family: str) -> tuple[str, ...]:
    """Return the extensions that the master user can create: those at hand that PostgreSQL calls trusted.

    RDS offers more, through a change of its own to PostgreSQL that lets rds_superuser create others. The lab
    promises what its servers can do.
    """
    bindir = postgres.installed_majors()[int(family.removeprefix(catalogue.ENGINE))]
    asked = subprocess.run([str(bindir / "pg_config"), "--sharedir"], capture_output=True, text=True, check=False)
    share = asked.stdout.strip() if asked.returncode == 0 else f"/usr/share/postgresql/{bindir.parent.name}"
    return tuple(sorted(
        control.stem for control in catalogue.Path(share).glob("extension/*.control")
        if re.search(r"^\s*trusted\s*=\s*true", control.read_text(), re.M)
    ))  # fmt: skip


def find_group(backend: RDSBackend, name: str) -> DBParameterGroup:
    """Return the group; the default ones exist as soon as somebody looks."""
    group = backend.db_parameter_groups.get(name)
    if group is None:
        family = name.removeprefix("default.")
        offered = {catalogue.family_of(version) for version in catalogue.offered()}
        if not name.startswith("default.") or family not in offered:
            raise AwsError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}")
        group = DBParameterGroup(backend, name, f"Default parameter group for {family}", family, [])
        backend.db_parameter_groups[name] = group
    return group


def check_group(backend: RDSBackend, name: str | None, version: str) -> None:
    if name is None:
        return
    group = find_group(backend, name)
    family = catalogue.family_of(version)
    if group.family != family:
        raise AwsError(
            "InvalidParameterCombination",
            f"The Parameter Group {name} with DBParameterGroupFamily {group.family} cannot be used for this instance. "
            f"Please use a Parameter Group with DBParameterGroupFamily {family}",
        )


def check_family(family: str) -> None:
    if family not in {catalogue.family_of(version) for version in catalogue.offered()}:
        raise AwsError("InvalidParameterValue", f"ParameterGroupFamily {family} is not a valid parameter group family")


def check_change(group: DBParameterGroup, changes: list[dict[str, Any]]) -> None:
    """Refuse a change of parameters as a whole, before the first is taken over."""
    if group.name.startswith("default."):
        message = f"Modifications to DB parameter group {group.name} are not allowed."
        raise AwsError("InvalidDBParameterGroupState", message)
    if len(changes) > 20:
        raise AwsError("InvalidParameterValue", "A maximum of 20 parameters can be modified in a single request.")
    known = catalogue_of(group.family)
    for change in changes:
        name = change.get("ParameterName", "")
        if name not in known:
            raise AwsError("InvalidParameterValue", f"Could not find parameter with name: {name}")
        _check_value(known[name], change)


def _check_value(parameter: Parameter, change: dict[str, Any]) -> None:
    if not parameter.modifiable:
        raise AwsError("InvalidParameterValue", f"The parameter {parameter.name} cannot be modified.")
    if parameter.apply == "static" and change.get("ApplyMethod") == "immediate":
        message = "cannot use immediate apply method for static parameter"
        raise AwsError("InvalidParameterCombination", message)
    value = change.get("ParameterValue", "")
    if not is_allowed(parameter, value):
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid parameter value: {value} for: {parameter.name} allowed values are: {parameter.allowed}",
        )


def is_allowed(parameter: Parameter, value: str) -> bool:
    if "{" in value or not parameter.allowed:
        return True  # a formula of the instance's class, or free text
    if parameter.kind in ("integer", "float"):
        low, high = _RANGE.match(parameter.allowed).groups()  # type: ignore[union-attr] # tables and server agree
        try:
            return float(low) <= (int(value) if parameter.kind == "integer" else float(value)) <= float(high)
        except ValueError:
            return False
    chosen = value.split(",") if parameter.kind == "list" else [value]
    return all(entry in parameter.allowed.split(",") for entry in chosen)


def settings(group: DBParameterGroup, chosen: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the real server's settings for the values a group holds."""
    kept = catalogue.table("parameters")["lab_keeps"]
    known = catalogue_of(group.family)
    result = {name: parameter.value or "" for name, parameter in known.items() if name.startswith("rds.")}
    for name, entry in chosen.items():
        value = entry["ParameterValue"]
        if name not in kept and "{" not in value:
            result[name] = value
    if result["rds.logical_replication"] == "1":
        result["wal_level"] = "logical"
    if "shared_preload_libraries" in result:
        result["shared_preload_libraries"] = ",".join(_present(group.family, result["shared_preload_libraries"]))
    return result


def _present(family: str, libraries: str) -> list[str]:
    """A server that misses one of its libraries does not start: leave out what this machine lacks."""
    bindir = postgres.installed_majors()[int(family.removeprefix(catalogue.ENGINE))]
    folder = bindir.parent / "lib"
    return [name for name in libraries.split(",") if (folder / f"{name}.so").exists()]
