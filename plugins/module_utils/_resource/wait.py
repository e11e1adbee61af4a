# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for AWS with our own deadline, and say what was last seen when it passes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

State = TypeVar("State")


def wait_until(
    read: Callable[[], State],
    done: Callable[[State], bool],
    subject: str,
    timeout: float,
    pause: float = 3,
    failed: Callable[[State], str | None] | None = None,
    show: Callable[[State], str] = str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> State:
    """Read until `done`, and return the last state; `failed` returns the reason why waiting is in vain.

    The first pauses are short and grow to `pause`: what is ready at once is seen at once. The last look is
    at the deadline itself.
    """
    deadline = clock() + timeout
    current = min(0.2, pause)
    while True:
        state = read()
        if done(state):
            return state
        reason = failed(state) if failed else None
        if reason:
            raise ResourceError(f"{subject} has failed: {reason}", last_seen=show(state))
        left = deadline - clock()
        if left <= 0:
            raise ResourceError(
                f"{subject} is not there after {timeout:g} s; last seen: {show(state)}", last_seen=show(state)
            )
        sleep(min(current, left))
        current = min(current * 1.5, pause)
