"""Names, connection strings and statements of logical replication; which tables it refuses."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalfacts as facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalsql as sql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logical import check_method, streams_of
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logicalkeep import divide, whole
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logicalops import reach, usable
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.marker import Marker

SIDE = {
    "host": "db", "port": 5432, "database": "a b", "user": "u", "password": "it's \\ x", "sslmode": "verify-full",
    "sslrootcert": "/ours.pem", "connect_timeout": 10,
}  # fmt: skip
SERVER = {
    "version": 150018, "user": "u", "wal_level": "logical", "recovery": False, "managed": False, "keep": "-1",
    "slots_free": 5, "senders_free": 5, "workers": 4, "subscribed": [], "others": [], "may_replicate": True,
    "may_publish": True, "may_subscribe": True,
}  # fmt: skip
TABLE = {"ident": "public.t", "unlogged": False, "owned": True, "identity": "key", "unequal": [], "fires": []}


def found(report: dict) -> Marker:
    return Marker("2b89218d-5359-4987-a551-f023269542c3", "f", "p", "running", "then", report, frozenset())


def test_names_fit_into_a_slot() -> None:
    stem = sql.stem_of("2b89218d-5359-4987-a551-f023269542c3")

    assert stem == "ansible_migrate_2b89218d5359"
    assert len(f"{stem}_forth") < 64


def test_a_connection_string_quotes_and_leaves_out_our_certificates() -> None:
    text = reach(SIDE, None)

    assert "password='it\\'s \\\\ x'" in text
    assert "dbname='a b'" in text
    assert "sslmode='require'" in text
    assert "ours.pem" not in text


def test_what_the_server_needs_otherwise_wins() -> None:
    text = reach(SIDE, {"host": "10.0.0.1", "port": None, "sslrootcert": "/server.pem"})

    assert "host='10.0.0.1'" in text
    assert "port='5432'" in text
    assert "sslmode='verify-full'" in text
    assert "sslrootcert='/server.pem'" in text


def test_the_password_is_data_not_a_statement() -> None:
    text = sql.create_subscription("s", "password='a\\b\tc'")
    copied = text.split("from stdin;\n")[1].split("\n\\.")[0]

    assert copied == "password='a\\\\b\\tc'"
    assert "password" not in text.replace(copied, "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"wal_level": "replica"}, "set wal_level=logical and restart"),
        ({"wal_level": "replica", "managed": True}, "rds.logical_replication=1"),
        ({"slots_free": 0}, "max_replication_slots"),
        ({"senders_free": 0}, "max_wal_senders"),
        ({"recovery": True}, "is a standby"),
        ({"may_replicate": False}, "may not replicate"),
        ({"may_publish": False}, "grant CREATE"),
    ],
)
def test_a_publisher_is_refused(change: dict, words: str) -> None:
    assert facts.publisher_blockers("source", facts.Replication(SERVER)) == []

    (problem,) = facts.publisher_blockers("source", facts.Replication({**SERVER, **change}))

    assert words in problem


@pytest.mark.parametrize(("version", "role"), [(150000, "rds_superuser"), (160000, "pg_create_subscription")])
def test_a_subscriber_is_refused(version: int, role: str) -> None:
    server = {**SERVER, "version": version, "may_subscribe": False}

    (problem,) = facts.subscriber_blockers("target", facts.Replication(server))

    assert role in problem


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"identity": None}, "without replica identity"),
        ({"unlogged": True}, "unlogged"),
        ({"identity": "full", "unequal": ["j"]}, "public.t (j)"),
        ({"owned": False}, "do not belong to u"),
    ],
)
def test_a_table_is_refused_unless_nobody_writes_to_it(change: dict, words: str) -> None:
    replication = facts.Replication(SERVER, ({**TABLE, **change},))

    (problem,) = facts.table_blockers(replication, [])

    assert words in problem
    assert facts.table_blockers(replication, ["public.t"]) == []


def test_only_what_the_database_has_is_said_not_to_follow() -> None:
    assert len(facts.not_followed(0, [])) == 1
    assert len(facts.not_followed(3, [("sequence", "s"), ("materialized view", "m")])) == 4


def test_a_table_belongs_to_the_newest_stream_that_has_begun_it() -> None:
    report = {"logical": {"streams": {"x_10": ["c"], "x_2": ["b", "c"], "x_1": ["a", "b"]}}}

    streams = streams_of(found(report))

    assert list(streams) == ["x_1", "x_2", "x_10"]
    assert divide(streams, {"a", "b", "c"}) == {"x_1": ["a"], "x_2": ["b"], "x_10": ["c"]}
    assert divide(streams, {"b"}) == {"x_1": [], "x_2": ["b"], "x_10": []}


@pytest.mark.parametrize(
    ("streams", "references", "stays"),
    [
        ({"x_1": ["a", "b"]}, [["a", "b"]], {"x_1": ["a", "b"]}),
        ({"x_1": ["a", "b"]}, [["a", "unfinished"]], {"x_1": ["b"]}),
        ({"x_1": ["a", "b"]}, [["a", "still"]], {"x_1": ["a", "b"]}),
        ({"x_1": ["a"], "x_2": ["b", "c"]}, [["b", "a"]], {"x_1": [], "x_2": ["c"]}),
        # Not directly, and in any order.
        ({"x_1": ["a", "c", "d"]}, [["b", "c"], ["a", "unfinished"], ["a", "b"]], {"x_1": ["d"]}),
    ],
)
def test_tables_stay_with_all_that_foreign_keys_tie_to_them(streams, references, stays):
    assert whole(streams, references, ["still"]) == stays


def test_a_run_goes_on_by_its_own_method_only() -> None:
    check_method(None, "logical")
    check_method(found({"logical": {}}), "logical")
    check_method(found({}), "copy")
    for report, method in (({}, "logical"), ({"logical": {}}, "copy")):
        with pytest.raises(PostgresError, match="begun with another method"):
            check_method(found(report), method)


@pytest.mark.parametrize(("status", "good"), [(None, True), ("extended", True), ("unreserved", False), ("lost", False)])
def test_a_slot_that_may_lose_changes_covers_nothing(status: str | None, good: bool) -> None:
    assert usable({"wal_status": status}) is good
    assert usable(None) is False
