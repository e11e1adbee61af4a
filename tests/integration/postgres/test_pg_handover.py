"""Owners and privileges of what was moved, by a master user that is no superuser and no member of the owners."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pg_sides import MASTER, Sides, refusal, state_of, writes_of

OBJECTS = """
create role "An wendung"; create role leser;
create schema "Schema 1" authorization "An wendung";
create table public.konto (id serial primary key, "Na me" text, stand int);
create table "Schema 1".fahrt (id int generated always as identity primary key, konto int references konto);
create table public.teile (n int) partition by range (n);
create table public.teile_1 partition of public.teile for values from (0) to (10);
insert into konto ("Na me") values ('a'), ('b');
create view public.sicht as select * from konto;
create materialized view public.fest as select count(*) from konto;
create type public.farbe as enum ('rot'); create type public.paar as (a int); create domain public.plz as text;
create function public.f(int, text) returns int language sql as 'select 1';
create procedure public.p() language sql as 'select 1';
create aggregate public.summe(numeric) (sfunc = numeric_add, stype = numeric, initcond = '0');
create collation public.deutsch (provider = icu, locale = 'de-DE');
create operator public.@+@ (leftarg = numeric, rightarg = numeric, function = numeric_add);
create text search configuration public.suche (copy = german);
create statistics public.st on "Na me", stand from public.konto;
create sequence public.lose;
select lo_from_bytea(4711, 'x');
alter table public.konto owner to "An wendung"; alter table "Schema 1".fahrt owner to "An wendung";
alter table public.teile owner to "An wendung"; alter table public.teile_1 owner to leser;
alter view public.sicht owner to "An wendung"; alter materialized view public.fest owner to "An wendung";
alter type public.farbe owner to "An wendung"; alter type public.paar owner to "An wendung";
alter domain public.plz owner to "An wendung"; alter function public.f owner to "An wendung";
alter procedure public.p owner to "An wendung"; alter aggregate public.summe(numeric) owner to "An wendung";
alter collation public.deutsch owner to "An wendung";
alter operator public.@+@ (numeric, numeric) owner to "An wendung";
alter text search configuration public.suche owner to "An wendung"; alter statistics public.st owner to "An wendung";
alter sequence public.lose owner to leser; alter large object 4711 owner to "An wendung";
grant usage on schema "Schema 1" to leser; grant select on public.konto to leser with grant option;
grant update ("Na me") on public.konto to leser; grant select on public.sicht to public;
revoke execute on function public.f(int, text) from public; grant usage on type public.farbe to leser;
grant usage on sequence public.konto_id_seq to leser; grant select on large object 4711 to leser;
grant temporary on database "{database}" to leser;
alter default privileges for role "An wendung" in schema "Schema 1" grant select on tables to leser;
alter default privileges for role "An wendung" revoke execute on functions from public;
"""
ROLES = ('"An wendung"', "leser")
MEMBERS = f"""select r.rolname, m.admin_option from pg_auth_members m join pg_roles r on r.oid = m.roleid
  where m.member = '{MASTER}'::regrole order by 1"""


@pytest.fixture
def owned(sides: Sides) -> Iterator[Sides]:
    """The roles are of the servers, not of the databases."""
    try:
        with sides.source.connect() as source:
            source.execute(OBJECTS.replace("{database}", sides.source.database))
        with sides.target.connect() as target:  # a master makes its roles itself
            for role in ROLES:
                target.execute(f"create role {role}")
        yield sides
    finally:
        for side in (sides.source, sides.target):
            with side.connect(admin=True) as admin:
                for role in ROLES:
                    if admin.execute("select from pg_roles where rolname = %s", (role.strip('"'),)).fetchall():
                        admin.execute(f"drop owned by {role} cascade; drop role {role}")


MAP = {"role_map": {"An wendung": "An wendung"}}


def verify(owned: Sides, **wish: object) -> dict:
    """The master may no longer read what it has given away."""
    server = owned.target.server
    return owned.verify(target={"user": server.admin, "password": server.admin_password}, **wish)


@pytest.mark.parametrize("engine", ["copy", pytest.param("dump", marks=pytest.mark.full)])
def test_owners_and_privileges_become_those_of_the_source(owned: Sides, engine: str) -> None:
    members = owned.target.query(MEMBERS)

    moved = owned.migrate(engine=engine, owner="map", acl=True, **MAP)

    assert verify(owned, owners=True, acl=True)["differences"] == []
    assert owned.target.query(MEMBERS) == members
    # Each of them may create in public only what it was let for a moment.
    may_create = (
        "select bool_or(has_schema_privilege(r, 'public', 'create')) from unnest(array['leser', 'An wendung']) r"
    )
    assert owned.target.query(may_create) == [(False,)]
    assert {"ownership", "privileges"} & {entry["object"].split(" ")[0] for entry in moved["not_moved"]} == set()
    assert owned.migrate(engine=engine, owner="map", acl=True, **MAP)["changed"] is False


@pytest.mark.full
def test_keep_takes_the_names_of_the_source_and_leaves_privileges_alone(owned: Sides) -> None:
    owned.migrate(owner="keep")

    assert verify(owned, owners=True)["differences"] == []
    assert "leser lacks SELECT on the target" in str(refusal(lambda: verify(owned, acl=True)))


@pytest.mark.full
def test_privileges_move_without_owners(owned: Sides) -> None:
    owned.migrate(acl=True)

    assert owned.target.query("select tableowner from pg_tables where tablename = 'konto'") == [(MASTER,)]
    assert owned.target.query(
        "select has_column_privilege('leser', 'konto', 'Na me', 'update'),"
        " has_table_privilege('leser', 'konto', 'select with grant option'),"
        " has_function_privilege('public', 'f(int, text)', 'execute')"
    ) == [(True, True, False)]


def test_roles_that_are_missing_are_named_at_once_before_the_first_write(owned: Sides) -> None:
    before = (state_of(owned.target), writes_of(owned.target))

    error = str(refusal(lambda: owned.migrate(owner="map", acl=True, role_map={"leser": "wer", "An wendung": "was"})))

    assert "objects are to belong to was, wer, which the target lacks" in error
    assert "privileges of the source name was, wer, which the target lacks" in error
    assert (state_of(owned.target), writes_of(owned.target)) == before


@pytest.mark.full
def test_what_fails_at_handing_over_fails_before_the_rows_and_leaves_no_membership(owned: Sides) -> None:
    with owned.target.connect(admin=True) as admin:
        admin.execute(
            "create function information_schema.nein() returns event_trigger language plpgsql"
            " as $$ begin raise exception 'no owner today'; end $$"
        )
        admin.execute(
            "create event trigger nein on ddl_command_end when tag in ('ALTER TABLE')"
            " execute function information_schema.nein()"
        )
    members = owned.target.query(MEMBERS)

    error = str(refusal(lambda: owned.migrate(owner="map", **MAP)))

    assert "no owner today" in error
    assert owned.target.query("select count(*) from ansible_migrate.item where state = 'done'") == [(0,)]
    assert owned.target.query(MEMBERS) == members


@pytest.mark.full
def test_a_master_that_was_a_member_before_stays_one(owned: Sides) -> None:
    with owned.target.connect(admin=True) as admin:
        admin.execute(f'grant "An wendung" to {MASTER} with admin option')

    owned.migrate(owner="map", **MAP)

    assert ("An wendung", True) in owned.target.query(MEMBERS)
    assert verify(owned, owners=True)["differences"] == []
