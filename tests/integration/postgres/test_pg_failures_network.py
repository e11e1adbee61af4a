"""Connections that end, or say nothing any more, in every moment of a table's copy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from faults import Case, marks
from tcp_proxy import Fault, Proxy, proxied

TAKING = b"public.gross FROM STDIN"
# What the proxy waits for, on the connection that takes the rows of a table.
MOMENTS = {
    "within the rows": {"way": "up", "skip": 300_000},
    "before the mark": {"way": "up", "words": b"insert into ansible_migrate.item"},
    "in the commit": {"way": "up", "words": b"commit"},
    "in the commit's answer": {"way": "down", "words": b"COMMIT\0"},
    "after the commit": {"way": "down", "words": b"COMMIT\0", "deliver": True},
}
ACTIONS = ("cut", "half-open", "orphan", "stall")
QUICK = {("cut", "in the commit's answer"), ("orphan", "in the commit")}
CASES = [(action, moment) for action in ACTIONS for moment in MOMENTS]
# How long a silence may last. What ends with a reset does not wait for it: there, a busy machine must not look silent.
STALL = {"stall_timeout": 3, "timeout": 40, "jobs": "1"}
RESET = {"stall_timeout": 30, "timeout": 120, "jobs": "1"}


def times(action: str) -> dict[str, object]:
    return RESET if action == "cut" else STALL


@pytest.fixture
def target_proxy(case: Case) -> Iterator[Proxy]:
    with proxied(case.sides.target.server.port) as proxy:
        yield proxy


@pytest.fixture
def source_proxy(case: Case) -> Iterator[Proxy]:
    with proxied(case.sides.source.server.port) as proxy:
        yield proxy


@pytest.mark.parametrize(
    ("action", "moment"), [one if one in QUICK else pytest.param(*one, marks=pytest.mark.full) for one in CASES]
)
def test_a_target_connection_breaks(case: Case, target_proxy: Proxy, action: str, moment: str) -> None:
    target_proxy.fault = fault = Fault(action, after=TAKING, **MOMENTS[moment])

    error = case.fails("run again", target={"port": target_proxy.port}, **times(action))

    assert fault.struck.is_set(), error
    assert "public." in error or "target (database" in error
    # The outcome of a commit whose answer was lost is read on the target, not guessed.
    arrived = "answer" in moment or "after" in moment
    done = "select rows from ansible_migrate.item where ident = 'public.gross' and state = 'done'"
    assert marks(case.sides, done) == ([(20000,)] if arrived else [])
    again = case.completes()
    assert again["resumed"]
    assert bool(again["kept"]["tables"]) == arrived


@pytest.mark.parametrize("action", ["cut", pytest.param("half-open", marks=pytest.mark.full),
                                    pytest.param("orphan", marks=pytest.mark.full),
                                    pytest.param("stall", marks=pytest.mark.full)])  # fmt: skip
def test_a_source_connection_breaks_within_the_rows(case: Case, source_proxy: Proxy, action: str) -> None:
    source_proxy.fault = fault = Fault(action, "down", after=b"copy public.gross", skip=300_000)

    error = case.fails("run again", source={"port": source_proxy.port}, **times(action))

    assert fault.struck.is_set(), error
    assert "public.gross" in error
    assert case.completes()["resumed"]


@pytest.mark.full
@pytest.mark.parametrize("side", ["source", pytest.param("target", marks=pytest.mark.full)])
def test_the_whole_network_falls_silent_while_rows_move(case: Case, side: str) -> None:
    with proxied(getattr(case.sides, side).server.port) as proxy:
        words = {"source": b"copy public.gross", "target": TAKING}[side]
        proxy.fault = Fault("stall", "down" if side == "source" else "up", after=words, skip=300_000)
        struck, began = proxy.fault.struck, time.monotonic()
        silence(proxy)

        error = case.fails(f"{side} (database", **{side: {"port": proxy.port}, "stall_timeout": 3, "timeout": 12})

    assert struck.is_set()
    assert time.monotonic() - began < 30, error
    case.completes()


def silence(proxy: Proxy) -> None:
    """As soon as the proxy has struck one connection, strike the others as well."""
    act = proxy._act

    def all_of_them(line, action: str) -> None:
        for other in [line, *proxy.lines]:
            act(other, action)

    proxy._act = all_of_them  # type: ignore[method-assign]


@pytest.mark.full
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("engine", ["copy", "dump"])
def test_the_whole_network_is_cut_while_definitions_or_rows_move(case: Case, side: str, engine: str) -> None:
    with proxied(getattr(case.sides, side).server.port) as proxy:
        # The last word of pg_dump to the source and the first of pg_restore to the target.
        words = {"source": b"LOCK TABLE", "target": b"CREATE TABLE public.gross"}[side]
        proxy.fault = Fault("cut", "up", words=words)
        struck = proxy.fault.struck
        silence(proxy)

        error = case.fails("run again", **{side: {"port": proxy.port}}, engine=engine, **RESET)

    assert struck.is_set()
    assert f"{side} (database" in error
    case.completes(engine=engine)


@pytest.mark.full
@pytest.mark.parametrize("moment", ["the mark of the end", "the answer to it"])
def test_the_target_connection_breaks_at_the_end_of_all(case: Case, target_proxy: Proxy, moment: str) -> None:
    answered = moment == "the answer to it"
    words = {"way": "down", "words": b"COMMIT\0"} if answered else {"way": "up", "words": b"state = 'done', finished"}
    target_proxy.fault = fault = Fault("cut", after=b"state = 'done', finished", **words)

    error = case.fails("target (database", "run again", target={"port": target_proxy.port}) if not answered else None

    if answered:
        # The record says done, although we never heard it: the next run finds nothing to do.
        with pytest.raises(PostgresError, match="target \\(database"):
            case.sides.migrate(target={"port": target_proxy.port})
        assert fault.struck.is_set()
        assert case.sides.target.query("select state from ansible_migrate.run") == [("done",)]
        assert not case.sides.migrate()["changed"]
        assert case.sides.verify()["differences"] == []
    else:
        assert fault.struck.is_set(), error
        case.completes()


@pytest.mark.full
def test_a_slow_line_is_no_failure(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss on the way looks like this to a program: the kernel repeats, bytes come late and in small pieces."""
    with proxied(case.sides.target.server.port) as proxy:
        forward = proxy._due

        def slow(line, way: str, chunk: bytes):
            time.sleep(0.002)
            return forward(line, way, chunk)

        monkeypatch.setattr(proxy, "_due", slow)
        assert case.sides.migrate(target={"port": proxy.port}, stall_timeout=5)["changed"]
    assert case.sides.verify()["differences"] == []


# What a child of ours says when it only waits for an answer.
WAITING = {
    "pg_dump": ("source", b"LOCK TABLE"),
    "pg_restore": ("target", b"CREATE TABLE public.gross"),
    "psql": ("target", b"CREATE INDEX"),
}


@pytest.mark.full
@pytest.mark.parametrize("program", [*WAITING])
def test_a_forgotten_connection_is_noticed_while_its_answer_is_awaited(
    case: Case, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """Without keepalives this ends with the run's own time, a day later."""
    monkeypatch.setattr(connection, "KEEPALIVES", {"keepalives_idle": "1", "keepalives_interval": "1"})
    side, words = WAITING[program]
    with proxied(getattr(case.sides, side).server.port) as proxy:
        proxy.fault = Fault("forget", "up", words=words)
        struck = proxy.fault.struck

        error = case.fails("run again", **{side: {"port": proxy.port}}, timeout=60, jobs="1")

    assert struck.is_set(), error
    assert "timeout" not in error
    assert f"{side} (database" in error
    case.completes()
