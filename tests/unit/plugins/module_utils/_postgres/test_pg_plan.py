from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Table
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import make_plan
from pg_facts import OBJECTS, source, target

PLENTY = 1 << 40
CITEXT = {"citext": {"version": "1.6", "schema": "ext", "order": 2}}
TRGM = {"pg_trgm": {"version": "1.6", "schema": "public", "order": 1}}


def test_nothing_forbids_a_move_into_an_empty_newer_target() -> None:
    plan = make_plan(source(), target(), 4, PLENTY)

    assert (plan.blockers, plan.warnings, plan.skipped) == ((), (), ())
    assert plan.objects == (
        ("schema", "app"), ("sequence", "public.stops_id_seq"), ("table", "public.stops"), ("view", "public.v"),
    )  # fmt: skip
    assert plan.summary["objects"] == {"schema": 1, "sequence": 1, "table": 1, "view": 1}
    assert plan.bytes == 8192


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ({}, {"system_identifier": "1"}, "are the same database: app"),
        (
            {"system_identifier": None},
            {"system_identifier": None, "address": "10.0.0.1", "started": "then"},
            "are the same database",
        ),
        ({"version": 180001, "version_text": "18.1"}, {}, "is PostgreSQL 17.2, older than the source's 18.1"),
        ({"version": 110001, "version_text": "11.1"}, {}, "the source is PostgreSQL 11.1: below 12"),
        ({"encoding": "LATIN1"}, {}, "the source's encoding is LATIN1, the target's UTF8"),
        ({"free_connections": 6}, {}, "the source has 6 free connections, 7 are needed"),
        ({}, {"free_connections": 0}, "the target has 0 free connections, 7 are needed"),
        ({}, {"read_only": True}, "the target is read only"),
        ({}, {"may_create": False}, "master may not create objects in the target"),
        ({"extensions": {**CITEXT, **TRGM}}, {}, "does not offer the extension pg_trgm:"),
        ({"extensions": CITEXT}, {"allowed": "pg_trgm, hstore"}, "rds.allowed_extensions of the target does not name"),
        ({"policy_roles": ["reader", "master"]}, {}, "name roles that the target lacks: reader:"),
        ({"superuser_only": ["public.f()"]}, {}, "only a superuser can create these functions on the target"),
        ({"unreadable_large_objects": 3}, {}, "compose may not read 3 large objects"),
        ({"tables": (Table("public.x", "1", "r", 0, 0, False),)}, {}, "compose may not read on the source: public.x"),
        ({"tables": (Table("public.x", "1", "r", 0, 0, True, True),)}, {}, "row security hides rows from compose"),
    ],
)  # fmt: skip
def test_what_forbids_a_move(ours: dict, theirs: dict, words: str) -> None:
    plan = make_plan(source(**ours), target(**theirs), 4, PLENTY)

    assert [words in blocker for blocker in plan.blockers] == [True]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {"system_identifier": "1", "database": "other"}),
        ({"superuser_only": ["public.f()"]}, {"superuser": True}),
        ({"extensions": CITEXT}, {"allowed": "pg_trgm,citext"}),
        ({"extensions": {"postgis": {"version": "3", "schema": "public", "order": 1}}},
         {"extensions": {"postgis": {"version": "3", "schema": "public", "order": 1}}, "allowed": "citext"}),
        ({"encoding": "SQL_ASCII"}, {"encoding": "SQL_ASCII"}),
    ],
)  # fmt: skip
def test_what_does_not_forbid_it(ours: dict, theirs: dict) -> None:
    assert make_plan(source(**ours), target(**theirs), 4, PLENTY).blockers == ()


def test_a_full_disk_forbids_it() -> None:
    tables = (Table("public.x", "1", "r", 0, 5 << 20, True),)

    blockers = make_plan(source(tables=tables), target(), 4, 1 << 20).blockers

    assert blockers == ("the folder for the dump has 1 MiB free, about 5 MiB are needed: set workdir to a larger one",)
    assert make_plan(source(tables=tables), target(), 4, None).blockers == ()


def test_locales_are_compared_by_what_they_mean() -> None:
    same = make_plan(source(collation="en_US.utf8"), target(collation="en_US.UTF-8"), 4, PLENTY)
    other = make_plan(source(collation="de_DE.utf8"), target(collation="en_US.UTF-8"), 4, PLENTY)

    assert same.warnings == ()
    assert other.warnings[0].startswith("collation differs: de_DE.utf8 on the source, en_US.UTF-8 on the target")


def test_extensions_are_made_in_the_order_of_the_source() -> None:
    theirs = target(available={"citext": "1.7", "pg_trgm": "1.6"})

    plan = make_plan(source(extensions={**CITEXT, **TRGM}), theirs, 4, PLENTY)

    assert plan.extensions == (("pg_trgm", "public"), ("citext", "ext"))
    assert plan.warnings == ("extension citext: version 1.6 on the source, 1.7 on the target",)


def test_what_is_not_moved_is_named() -> None:
    objects = {**OBJECTS, ("index", "public.i"): "CREATE INDEX i ON public.stops USING btree (id) INVALID"}
    ours = source(
        objects, publications=["p"], event_triggers=["e"], user_mappings=["u on s"], owners=["app"], granted=3
    )

    skipped = [entry["object"] for entry in make_plan(ours, target(), 4, PLENTY).skipped]

    assert skipped == [
        "publication p", "event trigger e", "user mapping u on s", "ownership by app",
        "privileges (GRANT, default privileges)", "invalid index public.i",
    ]  # fmt: skip


def test_the_fingerprint_follows_the_schema_and_the_cluster_only() -> None:
    def fingerprint(**changes: object) -> str:
        return make_plan(source(**changes), target(), 4, PLENTY).fingerprint

    first = fingerprint()
    assert fingerprint(size=5, started="later", large_objects=9) == first
    assert fingerprint(objects=dict(reversed(OBJECTS.items()))) == first
    assert len({first, fingerprint(system_identifier="3"), fingerprint(objects={}), fingerprint(database="x")}) == 4
