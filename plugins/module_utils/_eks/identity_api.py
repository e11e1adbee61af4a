# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls to EKS about who may what: access entries and pod identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.waits import MISSING, NEW_ROLE
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.new_role import with_new_role


def find_association(eks: Any, cluster: str, namespace: str, account: str) -> dict[str, Any] | None:
    """Return the pod identity association of a service account: there is one at most."""
    listed = pages(
        eks, "list_pod_identity_associations", "associations", f"look for the pod identity of {namespace}/{account}",
        missing=MISSING, clusterName=cluster, namespace=namespace, serviceAccount=account,
    )  # fmt: skip
    return get_association(eks, cluster, listed[0]["associationId"]) if listed else None


def get_association(eks: Any, cluster: str, own: str) -> dict[str, Any] | None:
    what = f"read the pod identity association {own}"
    found = call(
        eks, "describe_pod_identity_association", what, missing=MISSING, clusterName=cluster, associationId=own
    )
    return found["association"] if found else None


def create_association(eks: Any, params: Mapping[str, Any]) -> None:
    cluster, namespace, account = params["clusterName"], params["namespace"], params["serviceAccount"]
    with_new_role(
        lambda: call(
            eks, "create_pod_identity_association", f"create the pod identity of {namespace}/{account}",
            found=lambda: find_association(eks, cluster, namespace, account), **params,
        ),
        NEW_ROLE,
    )  # fmt: skip


def update_association(eks: Any, cluster: str, own: str, params: Mapping[str, Any]) -> None:
    what = f"modify the pod identity association {own}"
    with_new_role(
        lambda: call(
            eks, "update_pod_identity_association", what, clusterName=cluster, associationId=own, **params
        ),
        NEW_ROLE,
    )  # fmt: skip


def delete_association(eks: Any, cluster: str, own: str) -> None:
    what = f"delete the pod identity association {own}"
    call(eks, "delete_pod_identity_association", what, missing=MISSING, clusterName=cluster, associationId=own)


def get_access_entry(eks: Any, cluster: str, principal: str) -> dict[str, Any] | None:
    """Return the entry with its policies under `policies`."""
    named: dict[str, Any] = {"clusterName": cluster, "principalArn": principal}
    what = f"read the access entry of {principal}"
    found = call(eks, "describe_access_entry", what, missing=MISSING, **named)
    if not found:
        return None
    what = f"list the access policies of {principal}"
    policies = pages(eks, "list_associated_access_policies", "associatedAccessPolicies", what, missing=MISSING, **named)
    return {**found["accessEntry"], "policies": policies}


def list_access_entries(eks: Any, cluster: str) -> list[str]:
    what = f"list the access entries of eks_cluster {cluster}"
    return pages(eks, "list_access_entries", "accessEntries", what, missing=MISSING, clusterName=cluster)


def create_access_entry(eks: Any, params: Mapping[str, Any]) -> None:
    cluster, principal = params["clusterName"], params["principalArn"]
    with_new_role(
        lambda: call(
            eks, "create_access_entry", f"create the access entry of {principal}",
            found=lambda: get_access_entry(eks, cluster, principal), **params,
        ),
        NEW_ROLE,
    )  # fmt: skip


def update_access_entry(eks: Any, cluster: str, principal: str, params: Mapping[str, Any]) -> None:
    what = f"modify the access entry of {principal}"
    call(eks, "update_access_entry", what, clusterName=cluster, principalArn=principal, **params)


def associate_policy(eks: Any, cluster: str, principal: str, params: Mapping[str, Any]) -> None:
    """A repetition replaces the scope."""
    what = f"associate the access policy {params['policyArn']} with {principal}"
    call(eks, "associate_access_policy", what, clusterName=cluster, principalArn=principal, **params)


def disassociate_policy(eks: Any, cluster: str, principal: str, policy: str) -> None:
    what = f"take the access policy {policy} from {principal}"
    named: dict[str, Any] = {"clusterName": cluster, "principalArn": principal, "policyArn": policy}
    call(eks, "disassociate_access_policy", what, missing=MISSING, **named)


def delete_access_entry(eks: Any, cluster: str, principal: str) -> None:
    what = f"delete the access entry of {principal}"
    call(eks, "delete_access_entry", what, missing=MISSING, clusterName=cluster, principalArn=principal)
