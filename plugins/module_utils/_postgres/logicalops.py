# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find, make and drop streams. A stream is a publication, a slot and a subscription of one name."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalsql as sql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides

# Seconds for a slot's last reader to let go of it.
PATIENCE = 30.0
_USABLE = (None, "reserved", "extended")
# A database that is fenced makes every new session read-only: ours say otherwise.
WRITES = {"default_transaction_read_only": "off"}


@dataclass(frozen=True)
class Found:
    """What has our name on one side."""

    publications: tuple[str, ...]
    slots: dict[str, dict]
    subscriptions: dict[str, dict]

    @property
    def names(self) -> set[str]:
        return {*self.publications, *self.slots, *self.subscriptions}


def find(session: Session, stem: str) -> Found:
    (row,) = session.ask_json(sql.find(stem))
    by_name = [{entry["name"]: entry for entry in row[key]} for key in ("slots", "subscriptions")]
    return Found(tuple(row["publications"]), *by_name)


def usable(slot: dict | None) -> bool:
    """Tell whether the slot still has everything that its subscriber has not taken."""
    return slot is not None and slot["wal_status"] in _USABLE


def writing_session(sides: Sides, side: str) -> Session:
    """Open another session: the ones of Sides may be in a transaction that only reads."""
    session = Session(sides.commands, sides.psql, getattr(sides, side), {**WRITES, "search_path": ""})
    session.connect()
    return session


def reach(params: dict, override: dict | None) -> str:
    """Return the connection string by which one server reaches the other.

    A file with certificates lies on our machine, not on the server: without one of its own it can
    encrypt but not verify.
    """
    given = {key: value for key, value in (override or {}).items() if value is not None}
    keys = ("host", "port", "database", "user", "password", "sslmode", "connect_timeout")
    side = {**{key: params[key] for key in keys}, **given}
    if side["sslmode"].startswith("verify") and "sslrootcert" not in given:
        side["sslmode"] = "require"
    return sql.conninfo(side)


def subscribe(subscriber: Session, name: str, conninfo: str, option: str) -> None:
    """Create the subscription, stopped. The server connects to the other side and so proves that it can."""
    try:
        subscriber.ask(sql.create_subscription(name, conninfo))
    except PostgresError as problem:
        # psql goes on after an error: the transaction is still open.
        subscriber.ask("rollback")
        raise PostgresError(
            f"the {subscriber.connection.side} cannot subscribe: {problem}. The server itself connects to the other "
            f"one: set {option} to the host, port and TLS that it can use"
        ) from problem


def drop_subscriptions(session: Session, names: Iterable[str]) -> None:
    for name in names:
        session.ask(sql.drop_subscription(name))


def drop_slot(session: Session, name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            session.ask(sql.drop_slot(name))
            return
        except PostgresError as problem:
            if "is active" not in str(problem) or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def drop_streams(publisher: Session, subscriber: Session, stem: str, keep: Iterable[str] = ()) -> list[str]:
    """Drop what one side publishes to the other, subscriptions first; return the names that were there."""
    kept = set(keep)
    sent, taken = find(publisher, stem), find(subscriber, stem)
    gone = sorted({*sent.publications, *sent.slots, *taken.subscriptions} - kept)
    drop_subscriptions(subscriber, sorted(taken.subscriptions.keys() - kept))
    for name in sorted(sent.slots.keys() - kept):
        drop_slot(publisher, name)
    for name in sent.publications:
        if name not in kept:
            publisher.ask(sql.drop_publication(name))
    return gone
