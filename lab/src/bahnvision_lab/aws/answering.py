"""Work beside the API begins when the answer of the request that asked for it is made.

Otherwise quick work is over before, and the answer tells the end instead of the beginning: a client would see a state
that AWS's own answer never has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("waiting", default=None)


@contextmanager
def answering() -> Iterator[None]:
    """Around the making of one answer, also of one that is an error: what was begun has to go on."""
    waiting: list[Callable[[], None]] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
        for start in waiting:
            start()


def after_the_answer(start: Callable[[], None]) -> None:
    """Call `start` when the present request is answered; at once where there is none."""
    waiting = _waiting.get()
    if waiting is None:
        start()
    else:
        waiting.append(start)
