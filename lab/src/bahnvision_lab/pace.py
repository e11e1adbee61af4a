"""AWS-like durations times one factor, so that a run can be watched at AWS's proportions within seconds.

The factor is the lab's (`lab up --pace F`): 0 is as fast as the real servers are, 1 is as slow as AWS. Each
room calls `at_least` at the end of its background work, before the status becomes available.
"""

from __future__ import annotations

import threading
import time

factor = 0.0
_ended = threading.Event()

# Seconds until done, the median. "measured" is what people published with figures (Terraform and CDK issues,
# provider test logs, benches of 2024-2026); "documented" is AWS's user guide; "estimate" is neither.
SECONDS = {
    "nat": 120,  # measured: 1-2 min
    "interface_endpoint": 60,  # estimate: a minute or two, one network interface per zone
    "rds_single": 360,  # measured: 5-10 min
    "rds_multi_az": 720,  # measured: single-AZ 6 min, then the standby 6 min
    "rds_restore": 480,  # estimate: a creation, and the volume from a snapshot
    "rds_snapshot": 120,  # measured: the backup after a creation, 2 min
    "rds_modify": 300,  # estimate: a new class with Multi-AZ is changed side by side
    "rds_reboot": 60,  # documented: a failover takes 60-120 s, a reboot less
    "rds_delete": 180,  # estimate
    "rds_proxy": 300,  # measured: still creating after 2.5 min; target 4 min
    "rds_proxy_target": 90,  # measured: available 1-2 min after the database is
    "rds_proxy_modify": 60,  # estimate
    "dms_initialize": 180,  # documented (workshop): 2-5 min
    "dms_metadata": 1050,  # documented (workshop): 15-20 min until the metadata's servers are there
    "dms_small": 120,  # documented (workshop): 1-5 min for each of the smaller steps
    "dms_provision": 1050,  # documented (workshop): 15-20 min; measured by others: 12 min
    "dms_deprovision": 600,  # estimate
    "elasticache_group": 480,  # measured: 1-15 min for two nodes
    "elasticache_serverless": 120,  # estimate
    "elasticache_modify": 240,  # estimate: nodes are changed one after the other
    "elasticache_snapshot": 120,  # estimate
    "elasticache_delete": 180,  # estimate
    "eks_cluster": 513,  # measured: 8 min 33 s, twice
    "eks_nodegroup": 120,  # measured: about 2 min
    "eks_addon": 60,  # estimate
    "eks_capability": 300,  # estimate: some minutes
    "eks_config": 180,  # estimate: endpoint access and logs, some minutes
    "eks_version": 600,  # documented: several minutes; node groups come on top
    "eks_delete": 300,  # estimate
}


def seconds(kind: str) -> float:
    """Return how long work of this kind takes in this lab, at least."""
    if kind not in SECONDS:
        raise KeyError(f"pace.py has no duration for {kind!r}; it has {', '.join(sorted(SECONDS))}")
    return SECONDS[kind] * factor


def at_least(kind: str, began: float) -> None:
    """Sleep until work of this kind that began at `began` (time.monotonic()) has taken its time."""
    left = began + seconds(kind) - time.monotonic()
    if left > 0:
        _ended.wait(left)


def end() -> None:
    """Wake all that sleep here: the lab ends."""
    _ended.set()
