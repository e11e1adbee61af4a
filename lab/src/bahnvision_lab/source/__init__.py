"""The source of the rehearsal: a database of BahnVision's shape, filled from a real timetable.

The lab's daemon starts the server and calls `ensure_database`; `lab load` calls `load`.
"""

from bahnvision_lab.source.load import LoadResult, load
from bahnvision_lab.source.provision import ensure_database

__all__ = ["LoadResult", "ensure_database", "load"]
