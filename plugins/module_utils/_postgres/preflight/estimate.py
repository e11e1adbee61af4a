# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much there is to move, what it needs on the target and how long it may take. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts

# Measured: every method wrote 0.85 bytes of WAL on the target for each byte of the database.
WAL_SHARE = 0.85
DEFAULT_RATE = 80.0
DEFAULT_RATE_SOURCE = (
    "measured with 2340 MB in 29 s: source, target and this module on one machine with two processors,"
    " without TLS; measure your own with a copy of the source and set rate_mb_s"
)


@dataclass(frozen=True)
class Estimate:
    """Bytes. `wal` is an upper bound of what lies on the target at one time: checkpoints let it shrink."""

    data: int
    large_objects: int
    indexes: int
    wal: int
    sort_temp: int

    @property
    def moved(self) -> int:
        return self.data + self.large_objects + self.indexes

    @property
    def storage(self) -> int:
        return self.moved + self.wal + self.sort_temp

    def result(self, rate_mb_s: float | None) -> dict:
        rate = rate_mb_s or DEFAULT_RATE
        return {
            "bytes": self.data + self.large_objects,
            "index_bytes": self.indexes,
            "wal_bytes": self.wal,
            "sort_temp_bytes": self.sort_temp,
            "target_storage_bytes": self.storage,
            "rate_mb_s": rate,
            "rate_source": "given" if rate_mb_s else DEFAULT_RATE_SOURCE,
            "seconds": round(self.moved / 1e6 / rate, 1),
        }


def estimate(source: Facts, jobs: int) -> Estimate:
    """Every index that is built sorts as much as it will hold, `jobs` of them at once; the largest count."""
    data = sum(table.bytes for table in source.tables)
    large = source.server["large_object_bytes"] if source.server["large_objects"] else 0
    indexes = source.server["indexes"]
    moved = data + large + indexes["bytes"]
    return Estimate(data, large, indexes["bytes"], int(WAL_SHARE * moved), sum(indexes["largest"][:jobs]))


def size(number: int) -> str:
    """Write bytes for people, rounded up."""
    shift, unit = (30, "GiB") if number >= 10 << 30 else (20, "MiB")
    return f"{-(-number >> shift)} {unit}"
