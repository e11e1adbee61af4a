"""Which statements hand objects over: the difference between both sides, and nothing else."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.handover import (
    acl_statements,
    held,
    makers,
    owner_statements,
    split_column,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

SOURCE = [
    ["schema", '"s 1"', "app", []],
    ["table", '"s 1".t', "app", [["leser", "SELECT", True], ["public", "INSERT", False]]],
    ["column", '"s 1".t."c.d"', "app", [["leser", "UPDATE", False]]],
    ["sequence", "public.q", "leser", []],
    ["function", "public.f(integer)", "app", []],
    ["schema", "public", "old", []],
    ["database", "", "app", [["leser", "TEMPORARY", False]]],
    ["default privileges", 'tables in schema "s 1"', "app", [["leser", "SELECT", False]]],
    ["default privileges", "functions", "app", []],
]
TARGET = [
    ["schema", '"s 1"', "master", []],
    ["table", '"s 1".t', "master", [["fremd", "SELECT", False]]],
    ["sequence", "public.q", "master", []],
    ["function", "public.f(integer)", "master", [["public", "EXECUTE", False]]],
    ["schema", "public", "pg_database_owner", [["public", "USAGE", False], ["fremd", "CREATE", False]]],
    ["database", "", "master", [["public", "CONNECT", False], ["fremd", "CONNECT", False]]],
    ["table", "public.only_here", "master", [["fremd", "SELECT", False]]],
]
WISH = Wish(owner="map", role_map={"app": "die App"})


def test_owners_schemas_first_sequences_later_and_nothing_of_others() -> None:
    wanted, have = held(SOURCE, WISH.renamed), held(TARGET)

    assert owner_statements(wanted, have, "master", sequences=False) == [
        'alter schema "s 1" owner to "die App"',
        'alter routine public.f(integer) owner to "die App"',
        'alter table "s 1".t owner to "die App"',
    ]
    assert owner_statements(wanted, have, "master", sequences=True) == ['alter table public.q owner to "leser"']
    assert owner_statements(wanted, have, "another", sequences=False) == []
    assert makers(wanted, True, True) == {"die App", "leser"}
    assert makers(wanted, False, True) == {"die App"}


def test_privileges_are_granted_and_taken_back_where_we_made_the_object() -> None:
    statements = acl_statements(
        held(SOURCE, WISH.renamed),
        held(TARGET),
        'a "db"',
    )

    assert statements == [
        'grant UPDATE ("c.d") on table "s 1".t to "leser"',
        'grant TEMPORARY on database "a ""db""" to "leser"',
        'revoke CONNECT on database "a ""db""" from public',
        'alter default privileges for role "die App" revoke EXECUTE on functions from public',
        'alter default privileges for role "die App" in schema "s 1" grant SELECT on tables to "leser"',
        "revoke EXECUTE on routine public.f(integer) from public",
        "revoke USAGE on schema public from public",
        'grant SELECT on table "s 1".t to "leser" with grant option',
        'grant INSERT on table "s 1".t to public',
        'revoke SELECT on table "s 1".t from "fremd"',
    ]


def test_what_is_right_already_needs_nothing() -> None:
    wanted = held(SOURCE, WISH.renamed)

    assert acl_statements(wanted, wanted, "d") == []
    assert owner_statements(wanted, wanted, "die App", sequences=False) == []


def test_a_grant_option_is_taken_back_alone() -> None:
    plain = [["table", "t", "o", [["leser", "SELECT", False]]]]
    further = [["table", "t", "o", [["leser", "SELECT", True]]]]

    assert acl_statements(held(plain), held(further), "d") == ['revoke grant option for SELECT on table t from "leser"']


def test_several_roles_may_become_one_and_owners_need_no_grant() -> None:
    rows = [["table", "t", "a", [["b", "SELECT", False], ["c", "SELECT", True]]]]
    merged = held(rows, Wish(role_map={"*": "x", "a": "a"}).renamed)

    assert merged["table", "t", ""].privileges == {("x", "SELECT"): True}
    assert acl_statements(merged, held([["table", "t", "x", []]]), "d") == []


def test_columns_are_cut_at_their_last_name() -> None:
    assert split_column('"a.b"."c""d"."e.f"') == ('"a.b"."c""d"', '"e.f"')
    assert split_column("public.t.c") == ("public.t", "c")
