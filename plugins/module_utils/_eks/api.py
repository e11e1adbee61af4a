# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls to EKS (and EC2) behind our EKS modules: one call per function, nothing decided here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks import identity_api as identity
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import Offer, offers_from
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.waits import MISSING, NEW_ROLE
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.new_role import with_new_role

# Another update of the same cluster is under way: it passes.
BUSY = ("ResourceInUseException",)


def get_cluster(eks: Any, name: str) -> dict[str, Any] | None:
    found = call(eks, "describe_cluster", f"read eks_cluster {name}", missing=MISSING, name=name)
    return found["cluster"] if found else None


def get_offers(eks: Any) -> tuple[Offer, ...]:
    what = "list the Kubernetes versions that EKS offers"
    return offers_from(pages(eks, "describe_cluster_versions", "clusterVersions", what))


def get_subnets(ec2: Any, subnet_ids: list[str]) -> list[dict[str, Any]]:
    chosen = [{"Name": "subnet-id", "Values": subnet_ids}]
    return pages(ec2, "describe_subnets", "Subnets", "read the subnets of the cluster", Filters=chosen)


def get_inhabitants(eks: Any, name: str) -> list[str]:
    """Return what must be gone before EKS deletes the cluster."""
    found = []
    for operation, key, kind in (
        ("list_nodegroups", "nodegroups", "node group"), ("list_fargate_profiles", "fargateProfileNames", "profile"),
    ):  # fmt: skip
        listed = pages(
            eks, operation, key, f"list the {kind}s of eks_cluster {name}", missing=MISSING, clusterName=name
        )
        found += [f"{kind} {item}" for item in listed]
    return found


def create_cluster(eks: Any, params: Mapping[str, Any]) -> None:
    name = params["name"]
    with_new_role(
        lambda: call(
            eks, "create_cluster", f"create eks_cluster {name}", found=lambda: get_cluster(eks, name), **params
        ),
        NEW_ROLE,
    )


def update_cluster(eks: Any, name: str, params: Mapping[str, Any]) -> str:
    """Begin one update and return its id."""
    what = f"modify eks_cluster {name}"
    return call(eks, "update_cluster_config", what, eventual=BUSY, name=name, **params)["update"]["id"]


def encrypt_cluster(eks: Any, name: str, params: Mapping[str, Any]) -> str:
    what = f"encrypt the secrets of eks_cluster {name}"
    found = call(eks, "associate_encryption_config", what, eventual=BUSY, clusterName=name, **params)
    return found["update"]["id"]


def upgrade_cluster(eks: Any, name: str, params: Mapping[str, Any]) -> str:
    what = f"upgrade eks_cluster {name} to Kubernetes {params['version']}"
    return call(eks, "update_cluster_version", what, eventual=BUSY, name=name, **params)["update"]["id"]


def delete_cluster(eks: Any, name: str) -> None:
    call(eks, "delete_cluster", f"delete eks_cluster {name}", missing=MISSING, eventual=BUSY, name=name)


def get_update(eks: Any, cluster: str, update: str, of: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return one update; `of` names the node group or the add-on that it is of."""
    what = f"read the update {update} of eks_cluster {cluster}"
    sent: dict[str, Any] = {"name": cluster, "updateId": update, **(of or {})}
    return call(eks, "describe_update", what, **sent)["update"]


def tag(eks: Any, arn: str, tags: Mapping[str, str]) -> None:
    call(eks, "tag_resource", f"tag {arn}", resourceArn=arn, tags=dict(tags))


def untag(eks: Any, arn: str, keys: list[str]) -> None:
    call(eks, "untag_resource", f"untag {arn}", resourceArn=arn, tagKeys=keys)


def get_node_group(eks: Any, cluster: str, name: str) -> dict[str, Any] | None:
    found = call(
        eks, "describe_nodegroup", f"read eks_node_group {name}", missing=MISSING,
        clusterName=cluster, nodegroupName=name,
    )  # fmt: skip
    return found["nodegroup"] if found else None


def list_node_groups(eks: Any, cluster: str) -> list[str]:
    what = f"list the node groups of eks_cluster {cluster}"
    return pages(eks, "list_nodegroups", "nodegroups", what, missing=MISSING, clusterName=cluster)


def create_node_group(eks: Any, params: Mapping[str, Any]) -> None:
    cluster, name = params["clusterName"], params["nodegroupName"]
    with_new_role(
        lambda: call(
            eks, "create_nodegroup", f"create eks_node_group {name}", eventual=BUSY,
            found=lambda: get_node_group(eks, cluster, name), **params,
        ),
        NEW_ROLE,
    )  # fmt: skip


def update_node_group(eks: Any, cluster: str, name: str, params: Mapping[str, Any]) -> str:
    found = call(
        eks, "update_nodegroup_config", f"modify eks_node_group {name}", eventual=BUSY,
        clusterName=cluster, nodegroupName=name, **params,
    )  # fmt: skip
    return found["update"]["id"]


def upgrade_node_group(eks: Any, cluster: str, name: str, params: Mapping[str, Any]) -> str:
    found = call(
        eks, "update_nodegroup_version", f"upgrade eks_node_group {name}", eventual=BUSY,
        clusterName=cluster, nodegroupName=name, **params,
    )  # fmt: skip
    return found["update"]["id"]


def delete_node_group(eks: Any, cluster: str, name: str) -> None:
    call(
        eks, "delete_nodegroup", f"delete eks_node_group {name}", missing=MISSING, eventual=BUSY,
        clusterName=cluster, nodegroupName=name,
    )  # fmt: skip


def get_instance_types(ec2: Any, names: list[str]) -> list[dict[str, Any]]:
    what = f"read the instance types {', '.join(names)}"
    chosen = [{"Name": "instance-type", "Values": names}]
    return pages(ec2, "describe_instance_types", "InstanceTypes", what, Filters=chosen)


def get_offerings(ec2: Any, names: list[str]) -> set[tuple[str, str]]:
    """Return (instance type, availability zone) of each place where one of them is offered."""
    what = f"list where {', '.join(names)} can be had"
    chosen = [{"Name": "instance-type", "Values": names}]
    listed = pages(
        ec2, "describe_instance_type_offerings", "InstanceTypeOfferings", what,
        LocationType="availability-zone", Filters=chosen,
    )  # fmt: skip
    return {(item["InstanceType"], item["Location"]) for item in listed}


def get_addon(eks: Any, cluster: str, name: str) -> dict[str, Any] | None:
    what = f"read eks_addon {name}"
    found = call(eks, "describe_addon", what, missing=MISSING, clusterName=cluster, addonName=name)
    return found["addon"] if found else None


def get_addon_versions(eks: Any, name: str, kubernetes: str) -> list[dict[str, Any]]:
    what = f"list the versions of eks_addon {name}"
    return pages(
        eks, "describe_addon_versions", "addons", what, missing=MISSING,
        addonName=name, kubernetesVersion=kubernetes,
    )  # fmt: skip


def get_addon_associations(eks: Any, cluster: str, addon: Mapping[str, Any]) -> dict[str, str]:
    """Return the role of each service account whose association belongs to the add-on."""
    ids = [arn.rpartition("/")[2] for arn in addon.get("podIdentityAssociations") or ()]
    found = [identity.get_association(eks, cluster, own) for own in ids]
    return {item["serviceAccount"]: item["roleArn"] for item in found if item}


def create_addon(eks: Any, cluster: str, name: str, params: Mapping[str, Any]) -> None:
    with_new_role(
        lambda: call(
            eks, "create_addon", f"create eks_addon {name}", eventual=BUSY,
            found=lambda: get_addon(eks, cluster, name), clusterName=cluster, addonName=name, **params,
        ),
        NEW_ROLE,
    )  # fmt: skip


def update_addon(eks: Any, cluster: str, name: str, params: Mapping[str, Any]) -> str:
    what = f"modify eks_addon {name}"
    found = call(eks, "update_addon", what, eventual=BUSY, clusterName=cluster, addonName=name, **params)
    return found["update"]["id"]


def delete_addon(eks: Any, cluster: str, name: str, preserve: bool) -> None:
    call(
        eks, "delete_addon", f"delete eks_addon {name}", missing=MISSING, eventual=BUSY,
        clusterName=cluster, addonName=name, preserve=preserve,
    )  # fmt: skip
