"""Cache parameter groups: which parameters there are, what may be set, and what becomes of it in the server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bahnvision_lab.aws.elasticache import catalogue
from bahnvision_lab.aws.elasticache.books import Books, Group, ParameterGroup
from bahnvision_lab.aws.elasticache.names import identifier, invalid, text
from bahnvision_lab.aws.refusals import AwsError, LabLacks

CLUSTER_ON = ".cluster.on"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family, as DescribeCacheParameters tells it."""

    name: str
    value: str
    kind: str
    allowed: str | None
    change: str  # immediate, requires-reboot
    modifiable: bool
    since: str
    description: str
    pattern: str | None = None
    withheld: bool = False  # known to AWS, and nothing the lab could do
    others: dict[str, Any] = field(default_factory=dict)

    def describe(self, chosen: str | None) -> dict[str, Any]:
        described = {
            "ParameterName": self.name,
            "ParameterValue": self.value if chosen is None else chosen,
            "Description": self.description,
            "Source": "system" if chosen is None else "user",
            "DataType": self.kind,
            "AllowedValues": self.allowed,
            "IsModifiable": self.modifiable,
            "MinimumEngineVersion": self.since,
            "ChangeType": self.change,
        }
        return {key: entry for key, entry in described.items() if entry is not None}


@cache
def catalogue_of(family: str) -> dict[str, Parameter]:
    found = {}
    for name, entry in catalogue.table("parameters")["parameters"].items():
        if family not in entry.get("families", [family]):
            continue
        found[name] = Parameter(
            name, entry.get("presets", {}).get(family, entry["value"]), entry["type"], entry["allowed"],
            entry["change"], entry["modifiable"], entry["since"], entry["description"], entry.get("pattern"),
            entry.get("withheld", False),
        )  # fmt: skip
    return found


def default_name(family: str, clustered: bool) -> str:
    return f"default.{family}{CLUSTER_ON if clustered else ''}"


def install_defaults(books: Books) -> None:
    """The default groups of all families exist in every account."""
    for family in catalogue.families():
        for clustered in (False, True):
            name = default_name(family, clustered)
            words = "Customized default" if clustered else "Default"
            ending = " with cluster mode on" if clustered else ""
            group = ParameterGroup(name, family, f"{words} parameter group for {family}{ending}")
            if clustered:
                group.values["cluster-enabled"] = "yes"
            books.parameter_groups[name] = group


def find(books: Books, name: str) -> ParameterGroup:
    group = books.parameter_groups.get(name.lower())
    if group is None:
        raise AwsError("CacheParameterGroupNotFound", f"CacheParameterGroup not found: {name}")
    return group


def users_of(books: Books, name: str) -> list[Group]:
    return books.groups_where(lambda group: group.parameter_group == name)


def value_of(group: ParameterGroup, name: str) -> str:
    return group.values.get(name, catalogue_of(group.family)[name].value)


def check_family(family: str) -> None:
    if family not in catalogue.families():
        known = ", ".join(sorted(catalogue.families()))
        raise invalid(f"CacheParameterGroupFamily {family} is not a valid parameter group family. Known: {known}.")


def create(books: Books, name: str, family: str, description: str) -> ParameterGroup:
    name = identifier("CacheParameterGroupName", name, 255)
    check_family(family)
    text("Description", description)
    if name in books.parameter_groups:
        raise AwsError("CacheParameterGroupAlreadyExists", f"CacheParameterGroup already exists: {name}")
    books.parameter_groups[name] = ParameterGroup(name, family, description)
    return books.parameter_groups[name]


def delete(books: Books, name: str) -> None:
    group = find(books, name)
    if group.builtin:
        raise AwsError("InvalidCacheParameterGroupState", f"Default CacheParameterGroup cannot be deleted: {name}")
    used = users_of(books, group.name)
    if used:
        raise AwsError(
            "InvalidCacheParameterGroupState",
            f"One or more cache clusters are still members of this parameter group {group.name}, so the group cannot "
            f"be deleted: {', '.join(entry.identifier for entry in used)}",
        )
    del books.parameter_groups[group.name]


def check_change(books: Books, group: ParameterGroup, asked: dict[str, str | None]) -> None:
    """Refuse what cannot be set; None as the value means: back to the default."""
    if group.builtin:
        message = "The default parameter groups cannot be modified; create a parameter group of your own."
        raise AwsError("InvalidCacheParameterGroupState", message)
    if not 1 <= len(asked) <= 20:
        raise invalid("Between 1 and 20 parameters can be modified in a single request.")
    known = catalogue_of(group.family)
    for name, value in asked.items():
        if name not in known:
            raise invalid(f"Invalid parameter name: {name} for family {group.family}")
        if value is not None:
            _check_value(known[name], value)
        if name == "cluster-enabled" and users_of(books, group.name):
            raise invalid("The parameter cluster-enabled cannot be changed while the parameter group is in use.")


def _check_value(parameter: Parameter, value: str) -> None:
    if not parameter.modifiable:
        raise invalid(f"The parameter {parameter.name} cannot be modified.")
    if parameter.withheld:
        raise LabLacks(f"what the parameter {parameter.name} does")
    if not is_allowed(parameter, value):
        allowed = parameter.allowed or parameter.pattern
        raise invalid(f"Invalid parameter value: {value} for: {parameter.name}. Allowed values: {allowed}.")


def is_allowed(parameter: Parameter, value: str) -> bool:
    if parameter.pattern is not None:
        return re.fullmatch(parameter.pattern, value) is not None
    if parameter.allowed is None:
        return True
    return any(_fits(choice, value) for choice in parameter.allowed.split(","))


def _fits(choice: str, value: str) -> bool:
    """A choice is a word, a number, or a range such as 1-100, -1- or 0-."""
    bounds = re.fullmatch(r"(-?\d+)-(-?\d*)", choice)
    if bounds is None or not re.fullmatch(r"-?\d+", value):
        return choice == value
    low, high = bounds.groups()
    return int(low) <= int(value) and (not high or int(value) <= int(high))


def server_settings(group: ParameterGroup, node_type: str) -> dict[str, str]:
    """Return what the group says, in the words of the server's configuration; the server may know only a part."""
    kept = catalogue.table("parameters")["lab_keeps"]
    settings = {
        name: value_of(group, name)
        for name, parameter in catalogue_of(group.family).items()
        if name not in kept and not parameter.withheld and not name.startswith(("reserved-", "client-output-"))
    }
    limits = []
    for kind in ("normal", "replica", "pubsub"):
        values = [value_of(group, f"client-output-buffer-limit-{kind}-{part}") for part in
                  ("hard-limit", "soft-limit", "soft-seconds")]  # fmt: skip
        limits.append(" ".join([kind, *values]))
    settings["client-output-buffer-limit"] = " ".join(limits)
    memory = (catalogue.node_memory(node_type) or 0) * 2**30
    reserved = int(value_of(group, "reserved-memory")) or memory * int(value_of(group, "reserved-memory-percent")) / 100
    settings["maxmemory"] = str(max(int(memory - reserved), 1))
    return settings


def awaiting_reboot(group: ParameterGroup, names: set[str]) -> bool:
    known = catalogue_of(group.family)
    return any(known[name].change == "requires-reboot" for name in names)
