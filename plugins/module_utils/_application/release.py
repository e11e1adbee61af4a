# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the role application does with the manifests: apply, return to former ones, remove. Pure.

A ConfigMap in the namespace, `<app>-releases`, keeps the manifests of the last releases that were rolled out in full.
So a return brings back the settings too, and not the images alone. Manifests hold no secret values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
MANAGER = ("app.kubernetes.io/managed-by", "bahnvision.aws")
PART_OF = "app.kubernetes.io/part-of"
# How many releases are kept; an object of Kubernetes may hold 1 MiB.
KEPT, ROOM = 3, 900_000
# Applied when the database's schema is the new one; all else comes before.
LAST = ("Service", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "CronJob", "Ingress")
DATA = ("PersistentVolumeClaim",)
# What Kubernetes puts into every namespace.
GIVEN = frozenset({"ServiceAccount/default", "ConfigMap/kube-root-ca.crt"})
CLUSTER_WIDE = ("Namespace", "StorageClass")


class ReleaseError(ValueError):
    """The wish cannot be carried out; the message is for a person."""


@dataclass(frozen=True)
class Wish:
    """What the role was asked for."""

    app: str
    namespace: str
    serving: bool
    roll_back: bool = False
    delete_data: bool = False
    # Objects that the role makes besides the manifests, as Kind/name: they are kept.
    others: Sequence[str] = ()


def record_name(app: str) -> str:
    return f"{app}-releases"


def key_of(one: Object) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def digest_of(manifests: Sequence[Object]) -> str:
    return hashlib.sha256(json.dumps(list(manifests), sort_keys=True).encode()).hexdigest()[:16]


def is_ours(one: Object, app: str) -> bool:
    labels = one["metadata"].get("labels") or {}
    return bool(labels.get(MANAGER[0]) == MANAGER[1] and labels.get(PART_OF) == app)


def plan(manifests: Sequence[Object], namespace: Object, found: Sequence[Object], wish: Wish) -> dict[str, Any]:
    """Return all that the tasks need. `namespace` and `found` are what kube_objects_info returned."""
    record = record_of(found, wish.app)
    wanted, history = list(manifests), _history(record)
    after = history
    if wish.roll_back:
        wanted, after = _former(record, history, wish)
    digest = digest_of(wanted)
    keys = {key_of(one) for one in wanted} | {*wish.others, f"ConfigMap/{record_name(wish.app)}"}
    jobs = [one for one in wanted if one["kind"] == "Job" and not wish.roll_back]
    known = {key_of(one): one for one in found}
    undone = [one for one in jobs if not _holds(known.get(key_of(one)), "Complete")]
    state = {"serving": "yes" if wish.serving else "no", "applied": digest}
    # Until the return is there the history is kept whole, and this tells a second try where to go.
    begun = {**state, **({"returning": digest} if wish.roll_back else {}), **_told(history)}
    ended = {**state, **_told(_kept(digest, wanted, after) if wish.serving else after)}
    return {
        "digest": digest,
        "ground": [*_ground(wanted), _record(wish, begun)],
        "jobs": undone,
        "failed_jobs": [_stub(one) for one in undone if _holds(known.get(key_of(one)), "Failed")],
        "rest": [one for one in wanted if one["kind"] in LAST],
        "deployments": [one["metadata"]["name"] for one in wanted if one["kind"] == "Deployment"],
        "finish": [] if ended == begun else [_record(wish, ended)],
        "prune": [_stub(one) for one in found if _is_left(one, keys, wish)],
        "foreign": _foreign(wanted, namespace, known, wish.app),
        "returns_to": digest if wish.roll_back else "",
    }


def removal(namespace: Object, found: Iterable[Object], wish: Wish) -> dict[str, Any]:
    """What of the application goes, in order; the namespace too when it is ours and holds nothing else."""
    objects = list(found)
    going = [one for one in objects if _is_left(one, set(), wish)]
    stays = [one for one in objects if one not in going and not one["metadata"].get("ownerReferences")]
    alone = {key_of(one) for one in stays} <= GIVEN
    return {
        "prune": [_stub(one) for one in going],
        "namespace": bool(namespace) and is_ours(namespace, wish.app) and alone,
    }


def record_of(found: Iterable[Object], app: str) -> Mapping[str, str]:
    """Return what the record of releases holds, {} when there is none."""
    name = f"ConfigMap/{record_name(app)}"
    return next((one.get("data") or {} for one in found if key_of(one) == name and is_ours(one, app)), {})


def _history(record: Mapping[str, str]) -> list[tuple[str, str]]:
    """The releases that were rolled out in full, newest first, with their manifests as they are kept."""
    names = [name for name in record.get("history", "").split(",") if name]
    return [(name, record[f"release-{name}"]) for name in names if f"release-{name}" in record]


def _told(history: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {"history": ",".join(name for name, _text in history),
            **{f"release-{name}": text for name, text in history}}  # fmt: skip


def _former(
    record: Mapping[str, str], history: list[tuple[str, str]], wish: Wish
) -> tuple[list[Object], list[tuple[str, str]]]:
    """The last release that is good and is not the one that is there, and the history from it on."""
    if not wish.serving:
        raise ReleaseError(
            f"{wish.app} does not serve in namespace {wish.namespace}, so there is nothing to go back from: "
            "start it with application_serving=yes"
        )
    names, going = [name for name, _text in history], record.get("returning", "")
    if going in names:
        history = history[names.index(going) :]
    elif history and history[0][0] == record.get("applied", ""):
        history = history[1:]
    if not history:
        raise ReleaseError(
            f"there is nothing to go back to: the record {record_name(wish.app)} in namespace {wish.namespace} names "
            "no former release of it that was rolled out in full. Put the inventory right and run again"
        )
    return json.loads(history[0][1]), history


def _kept(digest: str, wanted: Sequence[Object], history: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The history with this release on top, as far as there is room."""
    if history and history[0][0] == digest:
        return history
    text = json.dumps(list(wanted), sort_keys=True, separators=(",", ":"))
    told = [(digest, text), *(one for one in history if one[0] != digest)][:KEPT]
    while sum(len(one.encode()) for _name, one in told) > ROOM and told:
        told.pop()
    return told


def _ground(wanted: Iterable[Object]) -> list[Object]:
    return [one for one in wanted if one["kind"] not in LAST and one["kind"] != "Job"]


def _record(wish: Wish, data: Mapping[str, str]) -> dict[str, Any]:
    metadata = {
        "name": record_name(wish.app), "namespace": wish.namespace,
        "labels": {MANAGER[0]: MANAGER[1], PART_OF: wish.app},
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def _stub(one: Object) -> dict[str, Any]:
    metadata = {key: one["metadata"][key] for key in ("name", "namespace") if key in one["metadata"]}
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": metadata}


def _holds(one: Object | None, condition: str) -> bool:
    told = ((one or {}).get("status") or {}).get("conditions") or ()
    return any(each["type"] == condition and each["status"] == "True" for each in told)


def _is_left(one: Object, keys: set[str], wish: Wish) -> bool:
    """Ours and wanted no more. What a controller made of our objects goes with them; data goes with a second word."""
    if not is_ours(one, wish.app) or key_of(one) in keys or one["metadata"].get("ownerReferences"):
        return False
    return wish.delete_data or one["kind"] not in DATA


def _foreign(wanted: Iterable[Object], namespace: Object, known: Mapping[str, Object], app: str) -> list[str]:
    """What has a name that we want, and is not ours."""
    there = {**known, **({key_of(namespace): namespace} if namespace else {})}
    mine = [one for one in wanted if one["kind"] == "Namespace" or one["kind"] not in CLUSTER_WIDE]
    return [key_of(one) for one in mine if key_of(one) in there and not is_ours(there[key_of(one)], app)]
