# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked to be moved, and what not: the options of the fragment postgres_selection. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError

_PART = re.compile(r'"((?:[^"]|"")+)"|([^\s".]+)')
_ASCII_UPPER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_LISTS = ("include", "exclude", "exclude_data")
_OF_EXTENSION = ("name", "schema", "version")
# The options that say what is moved; the others say whom it belongs to.
CHOICE = ("schemas", "tables", "dependents", "extensions", "comments", "large_objects")
HANDOVER = ("owner", "acl", "role_map")


def selection_spec() -> dict[str, dict]:
    """Return the options that choose objects; a copy and the proof of it take the same."""
    lists = {"type": "dict", "options": {name: {"type": "list", "elements": "str"} for name in _LISTS}}
    return {
        "schemas": lists,
        "tables": lists,
        "dependents": {"type": "str", "choices": ["refuse", "leave_out"], "default": "refuse"},
        "extensions": {
            "type": "dict",
            "options": {
                "mode": {"type": "str", "choices": ["copy", "skip", "only"], "default": "copy"},
                "exclude": {"type": "list", "elements": "str"},
                "map": {"type": "dict"},
            },
        },
        "comments": {"type": "bool", "default": True},
        "large_objects": {"type": "bool", "default": True},
    }


def handover_spec() -> dict[str, dict]:
    """Return the options that say whom the objects belong to."""
    return {
        "owner": {"type": "str", "choices": ["none", "keep", "map"], "default": "none"},
        "acl": {"type": "bool", "default": False},
        "role_map": {"type": "dict", "default": {}},
    }


@dataclass(frozen=True)
class Pattern:
    """A name as SQL writes it, of one or two parts; an asterisk outside of quotes stands for anything."""

    text: str
    regexes: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, option: str, text: str, length: int) -> Pattern:
        parts = split_name(text)
        if parts is None or len(parts) != length:
            shape = "schema.table" if length == 2 else "schema"
            raise PostgresError(f"{option} names {text!r}: write {shape}, quoted as SQL quotes it")
        return cls(text, tuple(re.compile(_regex(name, quoted), re.DOTALL) for name, quoted in parts))

    def fits(self, names: tuple[str, ...]) -> bool:
        return all(regex.fullmatch(name) for regex, name in zip(self.regexes, names, strict=True))


def split_name(text: str) -> list[tuple[str, bool]] | None:
    """Return the parts of a name, and whether each was quoted; None when it is no name."""
    parts, at = [], 0
    while True:
        found = _PART.match(text, at)
        if not found:
            return None
        quoted = found[1] is not None
        parts.append((found[1].replace('""', '"') if quoted else found[2].translate(_ASCII_UPPER), quoted))
        at = found.end()
        if at == len(text):
            return parts
        if text[at] != ".":
            return None
        at += 1


def names_of(ident: str) -> tuple[str, ...]:
    """Return the bare names of an identity that the server has written."""
    return tuple(name for name, _quoted in split_name(ident) or ())


def _regex(name: str, quoted: bool) -> str:
    return re.escape(name) if quoted else ".*".join(re.escape(piece) for piece in name.split("*"))


@dataclass(frozen=True)
class Lists:
    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    exclude_data: tuple[Pattern, ...] = ()

    @classmethod
    def of(cls, option: str, given: Mapping | None, length: int) -> Lists:
        return cls(
            *(
                tuple(Pattern.of(f"{option}.{name}", text, length) for text in (given or {}).get(name) or ())
                for name in _LISTS
            )
        )

    @property
    def outcome(self) -> dict[str, list[str]]:
        told = {name: sorted({pattern.text for pattern in getattr(self, name)}) for name in _LISTS}
        return {name: texts for name, texts in told.items() if texts}


@dataclass(frozen=True)
class Wish:
    """All options together. `outcome` is what of them differs from moving everything to the target's user."""

    schemas: Lists = Lists()
    tables: Lists = Lists()
    dependents: str = "refuse"
    mode: str = "copy"
    without: frozenset[str] = frozenset()
    map: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    comments: bool = True
    large_objects: bool = True
    owner: str = "none"
    acl: bool = False
    role_map: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, params: Mapping, names: Iterable[str] = (*CHOICE, *HANDOVER)) -> Wish:
        """Read a module's parameters, or the outcome that an earlier run has written down."""
        given = {name: params[name] for name in names if params.get(name) is not None}
        extensions = given.pop("extensions", {})
        for name, length in (("schemas", 1), ("tables", 2)):
            given[name] = Lists.of(name, given.get(name), length)
        wish = cls(
            **given,
            mode=extensions.get("mode") or "copy",
            without=frozenset(extensions.get("exclude") or ()),
            map=_extension_map(extensions.get("map") or {}),
        )
        return wish.checked()

    def checked(self) -> Wish:
        if self.owner == "map" and not self.role_map:
            raise PostgresError("owner=map needs role_map: which role of the target stands for a role of the source")
        if self.role_map and self.owner == "keep":
            raise PostgresError("owner=keep keeps the owners' names: use owner=map with role_map")
        bad = [role for role, other in self.role_map.items() if not isinstance(other, str) or not other]
        if bad:
            raise PostgresError(f"role_map gives no role for {', '.join(sorted(map(str, bad)))}")
        return self

    @property
    def chooses(self) -> bool:
        """Whether what is moved must be told object by object."""
        whole = Wish(
            comments=self.comments, large_objects=self.large_objects, owner=self.owner, acl=self.acl,
            role_map=self.role_map, dependents=self.dependents,
        )  # fmt: skip
        return self != whole

    @property
    def hands_over(self) -> bool:
        return self.owner != "none" or self.acl

    @property
    def outcome(self) -> dict:
        extensions = {"mode": self.mode, "exclude": sorted(self.without), "map": self.map}
        plain = {"mode": "copy", "exclude": [], "map": {}}
        told = {
            "schemas": self.schemas.outcome,
            "tables": self.tables.outcome,
            "dependents": self.dependents if self.chooses else "refuse",
            "extensions": {name: value for name, value in extensions.items() if value != plain[name]},
            "comments": self.comments,
            "large_objects": self.large_objects,
            "owner": self.owner,
            "acl": self.acl,
            "role_map": dict(sorted(self.role_map.items())) if self.hands_over else {},
        }
        return {name: value for name, value in told.items() if value != _DEFAULTS[name]}

    def skips(self, extension: str) -> bool:
        return self.mode == "skip" or extension in self.without

    def renamed(self, role: str) -> str:
        """Return the role of the target that stands for one of the source."""
        return role if role == "public" else self.role_map.get(role, self.role_map.get("*", role))


_DEFAULTS: dict[str, object] = {
    "schemas": {}, "tables": {}, "dependents": "refuse", "extensions": {}, "comments": True, "large_objects": True,
    "owner": "none", "acl": False, "role_map": {},
}  # fmt: skip


def _extension_map(given: Mapping) -> dict[str, dict[str, str]]:
    made = {}
    for extension, about in sorted(given.items()):
        if not isinstance(about, Mapping) or not about or set(about) - set(_OF_EXTENSION):
            raise PostgresError(f"extensions.map.{extension} takes one or more of {', '.join(_OF_EXTENSION)}")
        made[extension] = {name: str(value) for name, value in sorted(about.items())}
    return made


def told_difference(then: Mapping, now: Mapping) -> str:
    """Say for people which options differ between an earlier run and this one; empty when none does."""
    differing = [name for name in _DEFAULTS if then.get(name, _DEFAULTS[name]) != now.get(name, _DEFAULTS[name])]
    return "; ".join(f"{name} was {_told(name, then)}, now it is {_told(name, now)}" for name in differing)


def _told(name: str, outcome: Mapping) -> str:
    value = outcome.get(name, _DEFAULTS[name])
    return "not given" if value == {} else str(value)
