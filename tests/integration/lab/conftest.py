"""Tests of our modules against a lab use the small worlds that the lab's own tests are made of."""

from __future__ import annotations

import sys
from pathlib import Path

WORLDS = Path(__file__).resolve().parents[3] / "lab" / "tests"

if str(WORLDS) not in sys.path:
    sys.path.append(str(WORLDS))
