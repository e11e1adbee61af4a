"""The invariants of a move, for random databases: each example has a database of its own on one pair of servers.

make test runs a few examples with a fixed seed. `PG_EXAMPLES=n` runs n of each, with other seeds every time.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bahnvision_lab.postgres import Server
from faults import Case, assert_nothing_torn, assert_same, content_of, gone, marks
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from pg_sides import MASTER, SOURCE_USER, Side, Sides, kill, refusal, state_of, wait_until, writes_of
from random_schemas import Example, databases, literal
from tcp_proxy import proxied

MORE = os.environ.get("PG_EXAMPLES")
# A failure of the fixed examples is told as it is: to make it smaller takes minutes.
PHASES = tuple(Phase) if MORE else (Phase.generate,)
WAYS = st.fixed_dictionaries(
    {
        "jobs": st.sampled_from(["1", "3"]),
        "format": st.sampled_from(["auto", "text"]),
        "freeze": st.booleans(),
        "split_over": st.sampled_from(["10GB", "8kB"]),
        "verify": st.sampled_from(["counts", "hash"]),
        "engine": st.sampled_from(["copy", "copy", "copy", "dump"]),
    }
)


def examples(few: int, many: int):
    """Return two settings: for make test, and for test-full."""
    same = {
        "deadline": None,
        "database": None,
        "suppress_health_check": list(HealthCheck),
        "print_blob": True,
        "phases": PHASES,
    }
    return (
        settings(max_examples=few, derandomize=True, **same),
        settings(max_examples=int(MORE or many), derandomize=not MORE, **same),
    )


@contextmanager
def fresh_sides(pair: dict[str, Server], folder: Path) -> Iterator[Sides]:
    """As the fixture of that name, but once for each example."""
    database, workdir = f"prop {secrets.token_hex(4)}", folder / secrets.token_hex(4)
    workdir.mkdir()
    for side, owner in (("source", SOURCE_USER), ("target", MASTER)):
        with pair[side].connect() as admin:
            admin.execute(f'create database "{database}" owner {owner}')
    try:
        yield Sides(
            Side(pair["source"], database, SOURCE_USER, f"{SOURCE_USER}-canary-5f2a9"),
            Side(pair["target"], database, MASTER, f"{MASTER}-canary-7c31e"),
            workdir,
        )
        assert list(workdir.iterdir()) == [], "a run has left files behind"
    finally:
        for side in ("source", "target"):
            with pair[side].connect() as admin:
                admin.execute(f'drop database "{database}" with (force)')


def build(side: Side, example: Example) -> None:
    note(f"features: {', '.join(example.features)}")
    with side.connect() as connection:
        for statement in example.sql:
            note(statement)
            connection.execute(statement.encode())


def definitions(side: Side) -> list[str]:
    """Return what pg_dump says of the schema, without what a move leaves out on purpose and without order."""
    env = {"PATH": os.environ["PATH"], "PGPASSWORD": side.server.admin_password, "PGUSER": side.server.admin}
    done = subprocess.run(
        [str(side.server.bindir / "pg_dump"), "-h", "127.0.0.1", "-p", str(side.server.port), "--schema-only",
         "--no-owner", "--no-acl", "--no-publications", "--exclude-schema=ansible_migrate",
         "-d", f"dbname='{side.database}'"],
        env=env, capture_output=True, check=True, timeout=60, text=True,
    )  # fmt: skip
    text = re.sub(r"^(--|\\restrict|\\unrestrict).*\n", "", done.stdout, flags=re.MULTILINE)
    return sorted(part.strip() for part in text.split(";\n") if part.strip())


def assert_sequences_are_ahead(side: Side, example: Example) -> None:
    """Whoever goes on writing on the target must not meet a number that is taken."""
    with side.connect() as connection:
        for table, column in example.counted:
            name = literal(column[1:-1].replace('""', '"'))
            query = f"select nextval(pg_get_serial_sequence({literal(table)}, {name})), max({column}) from {table}"
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            assert row[1] is None or row[0] > row[1]


def assert_no_trace(side: Side) -> None:
    traces = (
        "select 'session' from pg_stat_activity where datname = current_database() and application_name ~ 'ansible'"
        " union all select 'lock' from pg_locks where locktype = 'advisory'"
        " union all select 'slot' from pg_replication_slots"
        " union all select 'object' from pg_namespace where nspname = 'ansible_migrate'"
    )
    wait_until(lambda: side.query(traces, admin=True) == [], "the end of every trace on the source")


def assert_no_password(sides: Sides, *told: object) -> None:
    assert "canary" not in json.dumps(told, default=str)
    for side in (sides.source, sides.target):
        log = side.server.log.read_text(errors="replace")
        assert "canary" not in log.replace("password '", "")


def a_random_database_arrives(pair: dict[str, Server], folder: Path, example: Example, ways: dict) -> None:
    """Invariants 1, 2, 6, 8, 9, 10, 11, 12."""
    note(str(ways))
    with fresh_sides(pair, folder) as sides:
        build(sides.source, example)
        before, wrote = content_of(sides.source), (writes_of(sides.source), writes_of(sides.target))

        foreseen = sides.migrate(check_mode=True, **ways)
        assert foreseen["changed"]
        assert (writes_of(sides.source), writes_of(sides.target)) == wrote

        moved = sides.migrate(**ways)
        assert_same(before, content_of(sides.target))
        assert_same(before, content_of(sides.source))
        assert definitions(sides.target) == definitions(sides.source)
        assert writes_of(sides.source)[1:] == wrote[0][1:]
        assert_no_trace(sides.source)

        written = writes_of(sides.target)
        again = sides.migrate(**ways)
        assert not again["changed"]
        assert writes_of(sides.target) == written
        assert_sequences_are_ahead(sides.target, example)
        assert_no_password(sides, foreseen, moved, again)


def a_run_dies_anywhere(pair: dict[str, Server], folder: Path, example: Example, share: float, way: str) -> None:
    """Invariants 3, 4 and 5: after `share` of the bytes of a whole run, while somebody writes to the source."""
    note(f"{way} after {share:.0%} of the bytes")
    with fresh_sides(pair, folder) as sides, proxied(sides.target.server.port) as proxy:
        build(sides.source, example)
        sides.source.run("create table konten (id int primary key, stand int);"
                         " insert into konten select n, 100 from generate_series(1, 50) n")  # fmt: skip
        through = {"target": {"port": proxy.port}, "jobs": "2"}
        total = measured(pair, folder, example)
        with a_writer(sides.source) as transfers:
            proxy.limit = int(total * share)
            child = sides.start(**through)
            wait_until(lambda: proxy.reached.is_set() or child.poll() is not None, "the moment", 200)
            if way == "kill":
                gone(kill(child))
            else:
                proxy.strike("cut")
                out, problem = child.communicate(timeout=200)
                # Whoever loses nothing but the last answers may have finished.
                assert child.returncode == 0 or "target (database" in problem, out + problem
                assert "canary" not in out + problem
            proxy.limit = None
            if not done(sides):
                assert_nothing_torn(sides)
            again = sides.migrate()
            assert transfers
        assert sides.target.query("select sum(stand), count(*) from konten", admin=True) == [(5000, 50)]
        sides.source.run("update konten set stand = 0")
        sides.target.run("update konten set stand = 0")
        assert_same(content_of(sides.source), content_of(sides.target))
        assert again["changed"] or again["run_id"]
        assert not sides.migrate()["changed"]


_measured: dict[int, int] = {}


def measured(pair: dict[str, Server], folder: Path, example: Example) -> int:
    """Return the bytes between an undisturbed run and its target."""
    key = hash(example)
    if key not in _measured:
        with fresh_sides(pair, folder) as sides, proxied(sides.target.server.port) as proxy:
            build(sides.source, example)
            sides.migrate(target={"port": proxy.port})
            _measured[key] = proxy.bytes
    return _measured[key]


def done(sides: Sides) -> bool:
    return marks(sides, "select from ansible_migrate.run where state = 'done'") != []


@contextmanager
def a_writer(source: Side) -> Iterator[list[int]]:
    """Move money between accounts all the time: the sum is the same at every moment."""
    stop, made = threading.Event(), []

    def work() -> None:
        with source.connect() as connection:
            while not stop.is_set():
                with connection.transaction():
                    connection.execute("update konten set stand = stand - 1 where id = 1")
                    connection.execute("update konten set stand = stand + 1 where id = %s", [len(made) % 49 + 2])
                made.append(1)
                stop.wait(0.02)

    writer = threading.Thread(target=work)
    writer.start()
    try:
        yield made
    finally:
        stop.set()
        writer.join()


def what_others_made_stays(pair: dict[str, Server], folder: Path, theirs: Example, ours: Example) -> None:
    """Invariant 7: whatever a target holds that we did not make, a refused run leaves every byte of it."""
    with fresh_sides(pair, folder) as sides:
        build(sides.source, ours)
        build(sides.target, theirs)
        case, before, written = Case(sides), state_of(sides.target), writes_of(sides.target)

        error = str(refusal(sides.migrate))

        assert "nothing was touched" in error
        assert (state_of(sides.target), writes_of(sides.target)) == (before, written)
        assert_same(case.before, content_of(sides.source))


FEW, MANY = examples(3, 30)
FEW_DEATHS, MANY_DEATHS = examples(1, 16)
FEW_OTHERS, MANY_OTHERS = examples(1, 12)
SHARES = st.floats(0.02, 0.99)
DEATHS = st.sampled_from(["kill", "cut"])


@FEW
@given(example=databases(least=12), ways=WAYS)
def test_a_random_database_arrives(
    pair: dict[str, Server], tmp_path_factory: pytest.TempPathFactory, example: Example, ways: dict
) -> None:
    a_random_database_arrives(pair, tmp_path_factory.getbasetemp(), example, ways)


@FEW_DEATHS
@given(example=databases(), share=SHARES, way=DEATHS)
def test_a_run_dies_anywhere(
    pair: dict[str, Server], tmp_path_factory: pytest.TempPathFactory, example: Example, share: float, way: str
) -> None:
    a_run_dies_anywhere(pair, tmp_path_factory.getbasetemp(), example, share, way)


@FEW_OTHERS
@given(theirs=databases(least=1), ours=databases(least=1))
def test_what_others_made_stays(
    pair: dict[str, Server], tmp_path_factory: pytest.TempPathFactory, theirs: Example, ours: Example
) -> None:
    what_others_made_stays(pair, tmp_path_factory.getbasetemp(), theirs, ours)


@pytest.mark.full
@pytest.mark.timeout(1200)
@MANY
@given(example=databases(), ways=WAYS)
def test_many_random_databases_arrive(
    pair: dict[str, Server], tmp_path_factory: pytest.TempPathFactory, example: Example, ways: dict
) -> None:
    a_random_database_arrives(pair, tmp_path_factory.getbasetemp(), example, ways)


@pytest.mark.full
@pytest.mark.timeout(1200)
@MANY_DEATHS
@given(example=databases(), share=SHARES, way=DEATHS)
def test_runs_die_anywhere(
    pair: dict[str, Server], tmp_path_factory: pytest.TempPathFactory, example: Example, share: float, way: str
) -> None:
    a_run_dies_anywhere(pair, tmp_path_factory.getbasetemp(), example, share, way)


@pytest.mark.full
@pytest.mark.timeout(1200)
@MANY_OTHERS
@given(theirs=databases(least=1), ours=databases(least=1))
def test_what_many_others_made_stays(
    pair: dict[str, Server], tmp_path_factory: pytest.TempPathFactory, theirs: Example, ours: Example
) -> None:
    what_others_made_stays(pair, tmp_path_factory.getbasetemp(), theirs, ours)
