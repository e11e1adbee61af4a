# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ElastiCache would refuse, said before the first write. Pure; each check returns sentences."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.seen import Seen
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.versions import ordered
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.windows import window_problems

IDENTIFIER = re.compile(r"[a-z](?!.*--)[a-z0-9-]{0,39}(?<!-)")
NODE_TYPE = re.compile(r"cache\.([a-z0-9]+)\.([a-z0-9]+)")
SHORTEST = 60  # minutes of both windows
MOST_REPLICAS, MOST_DAYS, MOST_NODES = 5, 35, 500
GENERAL = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge")
SIZES = {
    **dict.fromkeys(("t2", "t3", "t4g"), ("micro", "small", "medium")),
    **dict.fromkeys(("m5", "r5"), ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge")),
    **dict.fromkeys(("m6g", "m7g", "r6g", "r7g"), ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge",
                                                   "16xlarge")),
    **dict.fromkeys(("c7gn", "m8g", "r8g", "c8gn"), GENERAL),
}  # fmt: skip
TIERED = ("r6gd",)  # ElastiCache sells these with data tiering only
DURABLE = ("r6g", "r7g", "r8g", "m6g", "m7g", "m8g", "c7gn", "c8gn")
OLD = {"t2": "t4g", "t3": "t4g", "m5": "m7g", "r5": "r7g"}


def family(node_type: str) -> str:
    found = NODE_TYPE.fullmatch(node_type)
    return found[1] if found else ""


def input_problems(want: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the wishes themselves, whatever exists."""
    return [*_names(want), *_nodes(want), *_backups(want), *_windows(want), *_encryption(want), *_logs(want)]


def _names(want: Mapping[str, Any]) -> Iterator[str]:
    name = want["identifier"]
    if "." in name or "clustercfg" in name:
        yield (
            f"identifier {name!r} looks like an endpoint; give the group a plain name, ElastiCache makes the endpoint "
            "and the result tells the one that fits the cluster mode (clustercfg exists with cluster mode only)"
        )
    elif not IDENTIFIER.fullmatch(name):
        yield (
            f"identifier {name!r} must be 1 to 40 lower-case letters, digits and single hyphens, begin with a letter "
            "and not end with a hyphen"
        )
    topic = want.get("notification_topic_arn")
    if topic and not re.fullmatch(r"arn:[^:]+:sns:[^:]+:[0-9]{12}:.+", topic):
        yield f"notification_topic_arn {topic!r} is no ARN of an SNS topic"


def _nodes(want: Mapping[str, Any]) -> Iterator[str]:
    replicas, shards, zones = want["replicas_per_node_group"], want["num_node_groups"], want["availability_zones"]
    if not 0 <= replicas <= MOST_REPLICAS:
        yield f"replicas_per_node_group {replicas} must lie between 0 and {MOST_REPLICAS}"
    if want["automatic_failover"] and replicas < 1 and want["cluster_mode"] != "enabled":
        yield "automatic_failover needs a replica: replicas_per_node_group 1 or more"
    if want["multi_az"] and not want["automatic_failover"]:
        yield "multi_az needs automatic_failover"
    if want["multi_az"] and zones is not None and len(set(zones)) < 2:
        yield f"multi_az needs nodes in 2 zones or more; availability_zones names {', '.join(sorted(set(zones)))}"
    if shards < 1:
        yield f"num_node_groups {shards} must be 1 or more"
    if shards > 1 and want["cluster_mode"] != "enabled":
        yield f"num_node_groups {shards} needs cluster_mode enabled; without it a group has one"
    if want["cluster_mode"] != "disabled" and not want["automatic_failover"]:
        yield f"cluster_mode {want['cluster_mode']} needs automatic_failover"
    if want["multi_az"] and replicas < 1:
        yield "multi_az needs a replica in each shard: replicas_per_node_group 1 or more"
    if shards * (replicas + 1) > MOST_NODES:
        yield f"{shards} shards of {replicas + 1} nodes are more than the {MOST_NODES} nodes that ElastiCache allows"


def _backups(want: Mapping[str, Any]) -> Iterator[str]:
    days = want["snapshot_retention_limit"]
    if days == 0 and not want["allow_no_snapshots"]:
        yield "snapshot_retention_limit 0 gives up every automatic snapshot; say so with allow_no_snapshots"
    if not 0 <= days <= MOST_DAYS:
        yield f"snapshot_retention_limit {days} must lie between 1 and {MOST_DAYS} days"


def _windows(want: Mapping[str, Any]) -> Iterator[str]:
    return window_problems("snapshot_window", want.get("snapshot_window"), want.get("maintenance_window"), SHORTEST)


def _encryption(want: Mapping[str, Any]) -> Iterator[str]:
    if want.get("kms_key_id") and not want["at_rest_encryption"]:
        yield "kms_key_id needs at_rest_encryption"


def _logs(want: Mapping[str, Any]) -> Iterator[str]:
    kinds = [item["log_type"] for item in want.get("log_delivery") or ()]
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield f"log_delivery names {kind} twice; each log has one destination"


def version_problems(want: Mapping[str, Any], engine: str, version: str) -> Iterator[str]:
    """Check what depends on the engine and its version."""
    floor = (7, 2) if engine == "valkey" else (7,)
    if want["cluster_mode"] == "compatible" and ordered(version) < floor:
        yield f"cluster_mode compatible needs Valkey 7.2 or Redis OSS 7.0; the group has {engine} {version}"
    mode = want.get("durability")
    if mode not in ("sync", "async"):
        return
    lacks = {
        f"Valkey 9.0 or later (it has {engine} {version})": engine == "valkey" and ordered(version) >= (9,),
        "cluster_mode enabled": want["cluster_mode"] == "enabled",
        "multi_az with a replica per shard": want["multi_az"] and want["replicas_per_node_group"] >= 1,
        "transit_encryption_mode required": want["transit_encryption_mode"] == "required",
        "at_rest_encryption": want["at_rest_encryption"],
        f"a node type of {', '.join(DURABLE)} (not {want['node_type']})": family(want["node_type"]) in DURABLE,
    }
    missing = [words for words, holds in lacks.items() if not holds]
    if missing:
        yield f"durability {mode} needs {'; '.join(missing)}"


def node_type_problems(want: Mapping[str, Any], seen: Seen, changes: bool) -> Iterator[str]:
    """Check the node type: for a new group by what AWS sells, for a change by what ElastiCache allows it."""
    name = want["node_type"]
    if not NODE_TYPE.fullmatch(name):
        yield f"node_type {name!r} must look like cache.t4g.small"
    elif family(name) in TIERED:
        yield f"node_type {name} comes with data tiering only, which this module leaves off; take cache.r7g"
    elif seen.group is not None:
        if changes and seen.node_types and name not in seen.node_types:
            yield f"this group cannot be scaled to {name}; the nearest it can: {_close(name, seen.node_types)}"
    elif not known(name) and (family(name) in SIZES or not seen.offered):
        every = [f"cache.{kind}.{size}" for kind, sizes in SIZES.items() for size in sizes]
        yield f"node_type {name} is not offered by ElastiCache; the nearest offered: {_close(name, every)}"


def known(node_type: str) -> bool:
    found = NODE_TYPE.fullmatch(node_type)
    return bool(found and found[2] in SIZES.get(found[1], ()))


def _close(name: str, names: Sequence[str]) -> str:
    return ", ".join(difflib.get_close_matches(name, names, n=3, cutoff=0.4) or list(names)[:3])


def creation_problems(want: Mapping[str, Any]) -> Iterator[str]:
    """Check what only a new group must have or not have."""
    if not want.get("description"):
        yield "a new group needs a description"
    if want["cluster_mode"] == "compatible":
        yield "cluster_mode compatible is a step of an existing group; a new one is disabled or enabled"


def snapshot_problems(want: Mapping[str, Any], version: str, seen: Seen) -> Iterator[str]:
    """Check a snapshot that is to be restored: it is there, complete, and not from the future."""
    name, snapshot = want.get("snapshot_name"), seen.snapshot
    if not name:
        return
    if snapshot is None:
        yield f"the snapshot {name} does not exist in this account and region"
        return
    if snapshot.get("SnapshotStatus") not in ("available", "restoring"):
        yield f"the snapshot {name} is {snapshot.get('SnapshotStatus')}, not available"
    made = str(snapshot.get("EngineVersion", ""))
    if snapshot.get("Engine") == "valkey" and want["engine"] == "redis":
        yield f"the snapshot {name} is of Valkey and cannot become Redis OSS; ask for engine valkey"
    elif ordered(version) < ordered(made)[: len(ordered(version))]:
        yield f"the snapshot {name} is of version {made} and cannot be restored into the older {version}"
    shards = int(snapshot.get("NumNodeGroups") or 1)
    if shards > 1 and want["cluster_mode"] != "enabled":
        yield f"the snapshot {name} has {shards} shards and needs cluster_mode enabled"
