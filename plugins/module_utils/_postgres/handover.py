# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which statements give the target's objects the owners and privileges that the source's have. Pure.

Rows are those of grants.GRANTS. What is planned is the difference between both sides, so a second plan over what the
first has made is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.grants import UNCHOSEN
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier

_ALTER = dict.fromkeys(("view", "materialized view", "sequence", "foreign table"), "table") | dict.fromkeys(
    ("function", "procedure", "aggregate"), "routine"
)
_GRANT = {**_ALTER, "sequence": "sequence", "server": "foreign server"}
_RELATIONS = frozenset(("table", "view", "materialized view", "sequence", "foreign table"))
_DEFAULTS = "default privileges"
# What nobody has granted and PUBLIC may do, where no row says otherwise.
_BUILT_IN = {"functions": "EXECUTE", "types": "USAGE"}
_LAST_NAME = re.compile(r'\.((?:"(?:[^"]|"")+")|[^".]+)$')

Key = tuple[str, str, str]
Renamed = Callable[[str], str]


@dataclass(frozen=True)
class Held:
    """`privileges` maps (grantee, privilege) to whether the grantee may grant it on."""

    owner: str
    privileges: dict[tuple[str, str], bool] = field(default_factory=dict)


def held(rows: Iterable[list], renamed: Renamed = lambda role: role) -> dict[Key, Held]:
    """Return who owns and may do what, by (kind, name, whose default privileges)."""
    found: dict[Key, Held] = {}
    for kind, ident, owner, privileges in rows:
        role = renamed(owner)
        key = (kind, ident, role if kind == _DEFAULTS else "")
        one = found.setdefault(key, Held(role))
        for grantee, privilege, grantable in privileges:
            may = (renamed(grantee), privilege)
            one.privileges[may] = one.privileges.get(may, False) or bool(grantable)
    return found


def owner_statements(wanted: dict[Key, Held], have: dict[Key, Held], user: str, sequences: bool) -> list[str]:
    """Give away what belongs to `user`. A sequence that a column owns goes with its table, so sequences come later.

    Schemas come first: who owns one may be given what is in it.
    """
    statements = []
    for key in sorted(wanted, key=lambda key: (key[0] != "schema", key)):
        kind, ident, _role = key
        mine = key in have and have[key].owner == user and (kind == "sequence") == sequences
        if not mine or kind in ("column", _DEFAULTS) or key[:2] in UNCHOSEN or wanted[key].owner == user:
            continue
        statements.append(f"alter {_ALTER.get(kind, kind)} {ident} owner to {identifier(wanted[key].owner)}")
    return statements


def acl_statements(wanted: dict[Key, Held], have: dict[Key, Held], database: str) -> list[str]:
    """Grant what is missing, and take back what the source does not grant.

    From what others have made, only PUBLIC loses what it may do by default.
    """
    made = {key for key in have if key in wanted and key[:2] not in UNCHOSEN and key[0] not in ("column", _DEFAULTS)}
    owners = {key[1]: have[key].owner for key in made if key[0] in _RELATIONS}
    statements = []
    for key in sorted(set(wanted) | set(have)):
        owner = _owner(key, have, owners)
        if owner is None or (key not in wanted and key[0] != "column"):
            continue
        ours = wanted.get(key, Held(owner)).privileges
        want = {may: grantable for may, grantable in ours.items() if may[0] != owner}
        statements += _differences(key, want, _present(key, have.get(key)), database, key in made or key[0] == "column")
    return statements


def _owner(key: Key, have: dict[Key, Held], owners: dict[str, str]) -> str | None:
    """Return who owns it on the target; None when it is not there. Columns are listed only where something was granted,
    default privileges only where they were changed."""
    if key[0] == "column":
        return owners.get(split_column(key[1])[0])
    if key[0] == _DEFAULTS:
        return key[2]
    return have[key].owner if key in have else None


def _present(key: Key, theirs: Held | None) -> dict[tuple[str, str], bool]:
    if theirs is not None:
        return theirs.privileges
    built_in = _BUILT_IN.get(key[1]) if key[0] == _DEFAULTS else None
    return {("public", built_in): False} if built_in else {}


def _differences(key: Key, want: dict, has: dict, database: str, ours: bool) -> list[str]:
    statements = []
    for (grantee, privilege), grantable in sorted(want.items()):
        if has.get((grantee, privilege)) is None or (grantable and not has[grantee, privilege]):
            option = " with grant option" if grantable else ""
            statements.append(_statement(key, f"grant {{}} to {_role(grantee)}{option}", privilege, database))
    for (grantee, privilege), grantable in sorted(has.items()):
        if not ours and grantee != "public":
            continue
        if (grantee, privilege) not in want:
            statements.append(_statement(key, f"revoke {{}} from {_role(grantee)}", privilege, database))
        elif grantable and not want[grantee, privilege]:
            frame = f"revoke grant option for {{}} from {_role(grantee)}"
            statements.append(_statement(key, frame, privilege, database))
    return statements


def _statement(key: Key, frame: str, privilege: str, database: str) -> str:
    kind, ident, maker = key
    if kind == _DEFAULTS:
        what, _in, schema = ident.partition(" in schema ")
        where = f" in schema {schema}" if schema else ""
        return f"alter default privileges for role {identifier(maker)}{where} {frame.format(f'{privilege} on {what}')}"
    if kind == "column":
        relation, column = split_column(ident)
        return frame.format(f"{privilege} ({column}) on table {relation}")
    if kind == "database":
        return frame.format(f"{privilege} on database {identifier(database)}")
    return frame.format(f"{privilege} on {_GRANT.get(kind, kind)} {ident}")


def split_column(ident: str) -> tuple[str, str]:
    """Return the relation and the column, quoted as they are."""
    found = _LAST_NAME.search(ident)
    return (ident[: found.start()], found[1]) if found else (ident, "")


def _role(name: str) -> str:
    return "public" if name == "public" else identifier(name)


def makers(wanted: dict[Key, Held], owners: bool, acl: bool) -> set[str]:
    """Return the roles that the statements act for."""
    of_objects = {one.owner for key, one in wanted.items() if key[0] != _DEFAULTS and key[:2] not in UNCHOSEN}
    of_defaults = {key[2] for key in wanted if key[0] == _DEFAULTS}
    return (of_objects if owners else set()) | (of_defaults if acl else set())
