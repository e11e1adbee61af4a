"""How a run is found and killed is known to the tests of the roles."""

from __future__ import annotations

import sys
from pathlib import Path

LAB = Path(__file__).resolve().parents[1] / "lab"

if str(LAB) not in sys.path:
    sys.path.append(str(LAB))
