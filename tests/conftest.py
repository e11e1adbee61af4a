"""Tests import the collection as ansible_collections.bahnvision.aws, from the link that the set-up makes.

Properties are tried with the same examples in every run, and none fails for being slow on a busy machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

COLLECTIONS = Path(__file__).parent.parent / ".cache" / "collections"

if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))

settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")
