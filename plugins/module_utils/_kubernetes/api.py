# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of a cluster's API, through the client of kubernetes.core: one call per function, nothing decided here."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.rollout import World
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

# Without them AnsibleK8SModule fails with the reason, before any call is made.
with contextlib.suppress(ImportError):
    from kubernetes.dynamic.exceptions import DynamicApiError
    from urllib3.exceptions import HTTPError

PLACES = {
    "deployments": "/apis/apps/v1/namespaces/{}/deployments",
    "replica_sets": "/apis/apps/v1/namespaces/{}/replicasets",
    "jobs": "/apis/batch/v1/namespaces/{}/jobs",
    "pods": "/api/v1/namespaces/{}/pods",
    "events": "/api/v1/namespaces/{}/events",
}
LINES = 20
# user:password@ in a URL, as a traceback shows it.
PASSWORD = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://[^/\s:@]*):[^/\s@]+@", re.IGNORECASE)


class Reader:
    """`client` is a DynamicClient."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get(self, path: str, **query: str) -> Mapping[str, Any] | None:
        """Return the object or the list; None when there is no such thing."""
        raw = self._raw(path, query)
        return None if raw is None else json.loads(raw)

    def _raw(self, path: str, query: Mapping[str, str]) -> bytes | None:
        try:
            answer = self._client.request("GET", path, query_params=list(query.items()), serialize=False)
        except DynamicApiError as problem:
            if problem.status == 404:
                return None
            raise ResourceError(f"could not read {path} of the cluster: {_words(problem)}") from problem
        except (HTTPError, OSError) as problem:
            raise ResourceError(f"the cluster's API cannot be reached to read {path}: {problem}") from problem
        return answer.data

    def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return a whole list, page by page, its items with the kind that only the list itself carries."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self.get(path, limit="500", **query, **({"continue": token} if token else {}))
            if page is None:
                return found
            kind = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
            found += [{**kind, **one} for one in page["items"]]
            token = page["metadata"].get("continue", "")
            if not token:
                return found

    def metrics(self) -> str | None:
        """Return what the API server counts; None when it does not tell us."""
        try:
            raw = self._raw("/metrics", {})
        except ResourceError:
            return None  # not everybody may read it, and it is no more than a hint
        return None if raw is None else raw.decode(errors="replace")

    def world(self, namespace: str, jobs: bool, deployments: bool) -> World:
        """One look at what a roll-out or a Job is made of."""
        kinds = ["pods", "events"] + ["jobs"] * jobs + ["deployments", "replica_sets"] * deployments
        return World(**{kind: self.items(PLACES[kind].format(namespace)) for kind in kinds})

    def log(self, namespace: str, pod: str, container: str, previous: bool) -> str:
        """Return the last lines of a container without passwords in URLs, or why there are none."""
        query = {"container": container, "tailLines": str(LINES), **({"previous": "true"} if previous else {})}
        try:
            raw = self._raw(f"{PLACES['pods'].format(namespace)}/{pod}/log", query)
        except ResourceError as problem:
            return f"(its log cannot be read: {problem.message})"
        return PASSWORD.sub(r"\g<scheme>:***@", (raw or b"").decode(errors="replace")).strip()


def _words(problem: Any) -> str:
    try:
        return str(json.loads(problem.body)["message"])
    except (TypeError, ValueError, KeyError):
        return f"{problem.status} {problem.reason}"
