"""Writers that keep a ledger of what was acknowledged to them: the proof that nothing was lost and nothing doubled."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from bahnvision_lab.errors import LabError

ACCOUNTS, OPENING = 20, 1000
TABLES = f"""
create table ledger (id bigint primary key, writer int not null, seq int not null);
create table account (id int primary key, balance int not null);
insert into account select n, {OPENING} from generate_series(1, {ACCOUNTS}) n;
create table numbered (id bigserial primary key, v text)
"""
EACH = 10_000_000  # numbers of one writer


class Writers:
    """Threads that write through `connect` until they are stopped; after an error each connects anew.

    A write whose commit was not answered may or may not be there: it is `unknown`.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], number: int = 2, pause: float = 0.002) -> None:
        self.connect = connect
        self.pause = pause
        self.acknowledged: dict[int, float] = {}
        self.unknown: set[int] = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(number)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        self.wait_for_more(10)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(120)

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def wait_for_more(self, number: int = 20, patience: float = 120) -> None:
        """Wait for further acknowledged writes."""
        wanted, deadline = len(self.acknowledged) + number, time.monotonic() + patience
        while len(self.acknowledged) < wanted:
            if not all(thread.is_alive() for thread in self._threads):
                raise LabError("a writer has ended by an error of its own; its trace is on standard error")
            if time.monotonic() > deadline:
                raise LabError(f"the writers have not written {number} times within {patience:g} s")
            time.sleep(0.01)

    def _write(self, writer: int) -> None:
        connection: psycopg.Connection[Any] | None = None
        for sequence in itertools.count(1):
            if self._stop.is_set():
                break
            ident, committing = writer * EACH + sequence, False
            try:
                if connection is None:
                    connection = self.connect()
                    connection.autocommit = False
                _one_write(connection, ident, writer, sequence)
                committing = True
                connection.commit()
                self.acknowledged[ident] = time.monotonic()
            except psycopg.Error:
                if committing:
                    self.unknown.add(ident)
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.01)
            time.sleep(self.pause)
        if connection is not None:
            connection.close()

    def longest_gap(self, since: float = 0.0) -> float:
        """Return the longest time in which no write was acknowledged to anybody."""
        times = sorted(at for at in list(self.acknowledged.values()) if at >= since)
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    def faults(self, connection: psycopg.Connection[Any]) -> list[str]:
        """Compare with what is there: everything acknowledged, once, and beside it only what is unknown."""
        there = [row[0] for row in connection.execute("select id from ledger").fetchall()]
        checks = {
            "acknowledged writes are lost": set(self.acknowledged) - set(there),
            "writes were made by nobody": set(there) - set(self.acknowledged) - self.unknown,
        }
        found = [f"{len(idents)} {what}, such as {min(idents)}" for what, idents in checks.items() if idents]
        # Every write carries one from another account to the last one.
        expected = (len(there), len(there), len(set(there)), ACCOUNTS * OPENING, OPENING + len(there))
        seen = connection.execute(
            "select (select count(*) from ledger), (select count(*) from numbered),"
            " (select count(distinct id) from numbered), sum(balance), max(balance) filter (where id = %s)"
            " from account", (ACCOUNTS,)
        ).fetchone()  # fmt: skip
        if seen != expected:
            found.append(f"writes, numbered rows, their numbers, all balances and the last one are {seen}: {expected}?")
        return found


def _one_write(connection: psycopg.Connection[Any], ident: int, writer: int, sequence: int) -> None:
    connection.execute("insert into ledger values (%s, %s, %s)", (ident, writer, sequence))
    connection.execute("insert into numbered (v) values ('x')")
    # Always in the same order of ids: two writers must not wait for each other.
    for account, change in sorted(((sequence % (ACCOUNTS - 1) + 1, -1), (ACCOUNTS, 1))):
        connection.execute("update account set balance = balance + %s where id = %s", (change, account))
