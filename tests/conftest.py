"""Tests import the collection as ansible_collections.bahnvision.aws, from the link that the set-up makes."""

from __future__ import annotations

import sys
from pathlib import Path

COLLECTIONS = Path(__file__).parent.parent / ".cache" / "collections"

if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))
