# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others need to know of a cluster, and how to reach it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster import facts

ENTRY = "bahnvision.aws/reached"


def cluster_info(clients: Mapping[str, Any], params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    cluster = api.get_cluster(clients["eks"], params["name"])
    found = facts(cluster) if cluster else {}
    return {"changed": False, "cluster": found, "kubeconfig": kubeconfig(found)}


def kubeconfig(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the API server is and who vouches for it; {} before there is one.

    The user has nothing to log in with: a token lives 15 minutes and is given beside this, so nobody stores it.
    kubernetes.core hides every string of this dictionary wherever it comes up in a task's result. So it holds none that
    comes up elsewhere: no "v1" (all clients do without it here), and not the name of the cluster.
    """
    if not cluster or not cluster["endpoint"]:
        return {}
    reached = {"server": cluster["endpoint"], "certificate-authority-data": cluster["certificate_authority_data"]}
    return {
        "clusters": [{"name": ENTRY, "cluster": reached}],
        "users": [{"name": ENTRY, "user": {}}],
        "contexts": [{"name": ENTRY, "context": {"cluster": ENTRY, "user": ENTRY}}],
        "current-context": ENTRY,
    }
