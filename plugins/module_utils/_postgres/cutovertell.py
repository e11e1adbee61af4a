# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the application where it may write, by a command, in the moment in which it may."""

from __future__ import annotations

import os
import time

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverplan import STATE_OF
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverworld import World
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed

PATIENCE = 120.0


def tell(world: World, side: str) -> None:
    """Run the command, if there is one. That it fails changes nothing about the side: the next run tells again."""
    argv, about = world.params["point_command"], world.params[side]
    lines: list[str] = []
    if not argv:
        return
    told = {"SIDE": side, "HOST": about["host"], "PORT": about["port"], "DATABASE": about["database"]}
    environment = {**os.environ, **{f"CUTOVER_{name}": str(value) for name, value in told.items()}}
    deadline = time.monotonic() + PATIENCE

    def look() -> None:
        if time.monotonic() > deadline:
            raise PostgresError(f"it has not ended within {PATIENCE:g} s")

    try:
        status = world.sides.commands.follow(argv, environment, (), lines.append, look)
        why = f"it ended with {status}: {listed(lines[-3:]) or 'without a word'}" if status else ""
    except OSError as problem:
        why = str(problem.strerror)
    except PostgresError as problem:
        why = str(problem)
    if why:
        raise PostgresError(
            f"the application may write to the {side}, and could not be told so by {argv[0]}: {why}. Tell it, or put "
            f"that right and run state={STATE_OF[side]} again"
        )
