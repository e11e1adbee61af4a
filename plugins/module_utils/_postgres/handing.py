# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give what was moved to its owners, with its privileges, in one transaction that leaves nothing else behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import grants
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.handover import (
    Held,
    Key,
    acl_statements,
    held,
    makers,
    owner_statements,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

OPTIONS_SINCE = 16  # memberships have options, and several grantors
_WHO = """
select pg_catalog.jsonb_build_array(current_user, current_database(), current_setting('server_version_num')::int)"""
# Columns that only newer servers have are read through to_jsonb().
_ROLE = """
select pg_catalog.jsonb_build_array(pg_has_role(r.oid, 'usage') and pg_has_role(r.oid, {how}), to_jsonb(m))
from pg_catalog.pg_roles r left join (
  pg_catalog.pg_auth_members m join pg_catalog.pg_roles me on me.oid = m.member and me.rolname = current_user
    and me.oid = m.grantor) on m.roleid = r.oid
where r.rolname = {name}"""
# In which schemas a role is to own something without being allowed to.
_CLOSED = """
select pg_catalog.jsonb_build_array(format('%I', n.nspname), r.rolname)
from pg_catalog.pg_namespace n, pg_catalog.pg_roles r
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and r.rolname = any ({roles})
  and not pg_catalog.has_schema_privilege(r.oid, n.oid, 'create')
  and pg_catalog.has_schema_privilege(n.oid, 'create with grant option')"""


@dataclass
class Handover:
    """`source` are the facts of what is moved."""

    sides: Sides
    source: Facts

    @property
    def session(self) -> Session:
        return self.sides.target_session

    @property
    def wish(self) -> Wish:
        return self.sides.wish

    def rehearse(self) -> None:
        """Do it all with what stands before the rows, and take it back: what fails is known before hours of copying."""
        if not self.wish.hands_over:
            return
        self.session.ask("begin")
        try:
            self.make()
        finally:
            self.session.ask("rollback")

    def make(self) -> None:
        """Called within a transaction. Memberships and rights that are only needed for this end with it."""
        if not self.wish.hands_over:
            return
        (who,) = self.session.ask_json(_WHO)
        self._user, self._database, version = list(who)
        self._major = version // 10000
        wanted = held(self.source.server["grants"], self.wish.renamed)
        owners = self.wish.owner != "none"
        borrowed = self._borrow(sorted(makers(wanted, owners, self.wish.acl) - {self._user}))
        if owners:
            self._give_away(wanted)
        if self.wish.acl:
            self._set_privileges(wanted)
        self._all(borrowed)

    def _give_away(self, wanted: dict[Key, Held]) -> None:
        have = self._have()
        first = owner_statements(wanted, have, self._user, sequences=False)
        self._all(statement for statement in first if statement.startswith("alter schema "))
        back = self._open_schemas({wanted[key].owner for key in wanted if key in have})
        self._all(statement for statement in first if not statement.startswith("alter schema "))
        self._all(owner_statements(wanted, self._have(), self._user, sequences=True))
        self._all(back)
        left = owner_statements(wanted, self._have(), self._user, sequences=False)
        if left:
            raise PostgresError(f"{self.session.connection}: the owners did not change: {listed(left, 5)}")

    def _set_privileges(self, wanted: dict[Key, Held]) -> None:
        self._all(acl_statements(wanted, self._have(), self._database))
        left = acl_statements(wanted, self._have(), self._database)
        if left:
            raise PostgresError(f"{self.session.connection}: privileges are not the source's yet: {listed(left, 5)}")

    def _have(self) -> dict[Key, Held]:
        return held(grants.read_grants(self.session))

    def _borrow(self, roles: Iterable[str]) -> list[str]:
        """Become a member of the roles that we are to act for; return what ends it."""
        back = []
        for role in roles:
            how = "'set'" if self._major >= OPTIONS_SINCE else "'member'"
            rows = self.session.ask_json(_ROLE.format(how=how, name=literal(role)))
            if not rows:
                raise PostgresError(f"{self.session.connection}: there is no role {role}")
            able, before = rows[0]
            if able:
                continue
            ours = f"{identifier(role)} to {identifier(self._user)}"
            options = " with inherit true, set true" if self._major >= OPTIONS_SINCE else ""
            self._all([f"grant {ours}{options}"])
            if before and self._major >= OPTIONS_SINCE:
                back.append(f"grant {ours} with inherit {before['inherit_option']}, set {before['set_option']}")
            elif not before:
                back.append(f"revoke {identifier(role)} from {identifier(self._user)}")
        return back

    def _open_schemas(self, roles: set[str]) -> list[str]:
        """Let the new owners create in the schemas, which the server asks of them; return what ends it."""
        array = f"array[{', '.join(literal(role) for role in sorted(roles))}]::text[]"
        closed = [tuple(row) for row in self.session.ask_json(_CLOSED.format(roles=array))]
        self._all(f"grant create on schema {schema} to {identifier(role)}" for schema, role in closed)
        return [f"revoke create on schema {schema} from {identifier(role)}" for schema, role in closed]

    def _all(self, statements: Iterable[str]) -> None:
        for statement in statements:
            try:
                self.session.ask(statement)
            except PostgresError as problem:
                raise PostgresError(f"{problem} (while handing over: {statement})") from problem
