# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do what names an IAM role that may have been made a moment ago, which not every service can take yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

# A minute in all.
PAUSES = (0.3, 0.6, 1.2, 2.4, 4.8, *(5.0,) * 10)


def with_new_role(act: Callable[[], Any], codes: Collection[str], sleep: Callable[[float], None] = time.sleep) -> Any:
    """Call `act` until it no longer ends with one of `codes` and a message about a role: such a refusal counts when
    it lasts. It may also be the service's own role, which the first call in an account makes."""
    for pause in (*PAUSES, None):
        try:
            return act()
        except ResourceError as problem:
            young = problem.details.get("error_code") in codes and "role" in problem.message.lower()
            if not young or pause is None:
                raise
        sleep(pause)
    raise AssertionError("unreachable: the last attempt returns or raises")
