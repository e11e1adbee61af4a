# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign keys that hold from now on, without a look at the rows that are there: NOT VALID until somebody says so."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier

Key = tuple[str, str]
NOT_VALID = " NOT VALID"
# Partitioned tables take no such key; those that a partition inherits come with the parent's.
_VALIDATED = """
select pg_catalog.jsonb_build_object('oid', c.oid::text, 'name', c.conname,
  'table', format('%I.%I', n.nspname, r.relname), 'ident', format('%I on %I.%I', c.conname, n.nspname, r.relname),
  'definition', pg_catalog.pg_get_constraintdef(c.oid))
from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid
join pg_catalog.pg_namespace n on n.oid = r.relnamespace join pg_catalog.pg_class f on f.oid = c.confrelid
where c.contype = 'f' and c.convalidated and c.conparentid = 0 and r.relkind = 'r' and f.relkind = 'r'
  and c.oid >= 16384 order by c.oid"""


@dataclass(frozen=True)
class ForeignKey:
    """One of the source that is valid there; `oid` is the source's."""

    oid: str
    name: str
    table: str
    ident: str
    definition: str

    @property
    def statement(self) -> str:
        return f"alter table only {self.table} add constraint {identifier(self.name)} {self.definition} not valid"


def read(session: Session, objects: Container[Key], wanted: str) -> tuple[ForeignKey, ...]:
    """Return those of what is moved that are not to be validated; none unless that was asked for."""
    found = session.ask_json(_VALIDATED) if wanted == "not_valid" else []
    return tuple(ForeignKey(**row) for row in found if ("constraint", row["ident"]) in objects)


def make(session: Session, keys: tuple[ForeignKey, ...]) -> None:
    for key in keys:
        session.ask(key.statement)


def expected(objects: Mapping[Key, str], keys: tuple[ForeignKey, ...]) -> dict[Key, str]:
    """Return the source's definitions as the target is to have them."""
    late = {("constraint", key.ident) for key in keys}
    return {key: f"{text}{NOT_VALID}" if key in late else text for key, text in objects.items()}


def unvalidated(source: Mapping[Key, str], target: Mapping[Key, str]) -> dict[str, str]:
    """Return {constraint on table: the statement that validates it} for what is validated on the source only."""
    return {
        ident: statement(ident)
        for (kind, ident), text in sorted(source.items())
        if kind == "constraint" and text.startswith("FOREIGN KEY ") and target.get((kind, ident)) == text + NOT_VALID
    }


def statement(ident: str) -> str:
    """`ident` is `name on schema.table`, quoted as SQL quotes."""
    name, table = re.fullmatch(r'("(?:[^"]|"")*"|[^" ]+) on (.*)', ident, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"


def told(source: Mapping[Key, str], target: Mapping[Key, str], made: tuple[ForeignKey, ...]) -> list[dict]:
    """Name what somebody still has to validate, after this run (`made`) or an earlier one."""
    return [
        {
            "object": f"foreign key {ident}",
            "reason": f"the rows were not checked against it; to validate it on the target: {statement(ident)}",
        }
        for ident in [*unvalidated(source, target), *(key.ident for key in made)]
    ]
