# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts as Kubernetes writes them, such as 250m and 256Mi."""

from __future__ import annotations

import re
from decimal import Decimal

FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][0-9]{1,2})?")
DECIMAL = {"m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def amount(text: object) -> Decimal | None:
    """The number, None for what is no quantity."""
    found = FORM.fullmatch(str(text))
    if not found:
        return None
    number, unit = Decimal(found[1]), found[2] or ""
    if unit in BINARY:
        return number * 2 ** BINARY[unit]
    return number.scaleb(DECIMAL[unit] if unit in DECIMAL else int(unit[1:]))
