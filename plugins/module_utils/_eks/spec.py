# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the EKS modules."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster_fields import LOG_TYPES, MODES
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC, WAIT_SPEC

Spec = dict[str, dict[str, Any]]

STATE: Spec = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
CLUSTER_SPEC: Spec = {
    **IDENTITY_SPEC,
    **STATE,
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "allow_version_upgrade": {"type": "bool", "default": False},
    "role_arn": {"type": "str"},
    "subnet_ids": {"type": "list", "elements": "str"},
    "security_group_ids": {"type": "list", "elements": "str", "default": []},
    "endpoint_private_access": {"type": "bool", "default": True},
    "endpoint_public_access_cidrs": {"type": "list", "elements": "str", "default": []},
    "authentication_mode": {"type": "str", "choices": list(MODES), "default": "API"},
    "logging": {"type": "list", "elements": "str", "choices": list(LOG_TYPES), "default": list(LOG_TYPES)},
    # The name of a key, not a key.
    "encryption_key_arn": {"type": "str", "no_log": False},
    "support_type": {"type": "str", "choices": ["STANDARD", "EXTENDED"], "default": "STANDARD"},
    "zonal_shift": {"type": "bool", "default": True},
    "deletion_protection": {"type": "bool", "default": True},
    "auto_mode": {"type": "bool", "default": False},
    "node_pools": {
        "type": "list", "elements": "str", "choices": ["general-purpose", "system"],
        "default": ["general-purpose", "system"],
    },
    "node_role_arn": {"type": "str"},
    "service_ipv4_cidr": {"type": "str"},
    "ip_family": {"type": "str", "choices": ["ipv4", "ipv6"], "default": "ipv4"},
    "gone_before": {"type": "list", "elements": "str", "default": []},
    **TAGS_SPEC,
    **WAIT_SPEC,
    "wait_timeout": {"type": "int", "default": 2400},
    "wait_pause": {"type": "float", "default": 5},
}  # fmt: skip

SIZE: Spec = {"min_size": {"type": "int", "default": 2}, "max_size": {"type": "int", "default": 6}}
TAINT_SPEC: Spec = {
    "key": {"type": "str", "required": True, "no_log": False},
    "value": {"type": "str", "default": ""},
    "effect": {"type": "str", "required": True, "choices": ["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"]},
}
NODE_GROUP_SPEC: Spec = {
    **IDENTITY_SPEC,
    **STATE,
    "cluster_name": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "node_role_arn": {"type": "str"},
    "subnet_ids": {"type": "list", "elements": "str"},
    "instance_types": {"type": "list", "elements": "str", "default": ["t3.medium"]},
    "ami_type": {"type": "str", "default": "AL2023_x86_64_STANDARD"},
    "capacity_type": {"type": "str", "choices": ["ON_DEMAND", "SPOT"], "default": "ON_DEMAND"},
    "disk_size": {"type": "int"},
    "launch_template": {
        "type": "dict",
        "options": {"id": {"type": "str", "required": True}, "version": {"type": "str", "required": True}},
    },
    **SIZE,
    "desired_size": {"type": "int"},
    "pods_per_node": {"type": "int"},
    "labels": {"type": "dict", "default": {}},
    "taints": {"type": "list", "elements": "dict", "options": TAINT_SPEC, "default": []},
    "max_unavailable": {"type": "int"},
    "max_unavailable_percentage": {"type": "int"},
    "node_repair": {"type": "bool", "default": True},
    "version": {"type": "str", "default": ""},
    "release_version": {"type": "str", "default": ""},
    "force_update": {"type": "bool", "default": False},
    "keep": {"type": "list", "elements": "str", "default": []},
    **TAGS_SPEC,
    **WAIT_SPEC,
    "wait_timeout": {"type": "int", "default": 3600},
    "wait_pause": {"type": "float", "default": 5},
}
POD_IDENTITY_SPEC: Spec = {
    "service_account": {"type": "str", "required": True},
    "role_arn": {"type": "str", "required": True},
}
ADDON_SPEC: Spec = {
    **IDENTITY_SPEC,
    **STATE,
    "cluster_name": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "configuration": {"type": "dict", "default": {}},
    "service_account_role_arn": {"type": "str"},
    "pod_identity_associations": {"type": "list", "elements": "dict", "options": POD_IDENTITY_SPEC, "default": []},
    "resolve_conflicts": {"type": "str", "choices": ["NONE", "OVERWRITE", "PRESERVE"], "default": "OVERWRITE"},
    "preserve": {"type": "bool", "default": False},
    **TAGS_SPEC,
    **WAIT_SPEC,
    "wait_timeout": {"type": "int", "default": 1200},
    "wait_pause": {"type": "float", "default": 5},
}
POLICY_SPEC: Spec = {
    "policy": {"type": "str", "required": True},
    "namespaces": {"type": "list", "elements": "str", "default": []},
}
ACCESS_ENTRY_SPEC: Spec = {
    **IDENTITY_SPEC,
    **STATE,
    "cluster_name": {"type": "str", "required": True},
    "principal_arn": {"type": "str", "required": True},
    "type": {"type": "str", "default": "STANDARD"},
    "username": {"type": "str"},
    "kubernetes_groups": {"type": "list", "elements": "str", "default": []},
    "policies": {"type": "list", "elements": "dict", "options": POLICY_SPEC, "default": []},
    "keep": {"type": "list", "elements": "str", "default": []},
    **TAGS_SPEC,
}
POD_IDENTITY_ASSOCIATION_SPEC: Spec = {
    **IDENTITY_SPEC,
    **STATE,
    "cluster_name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "service_account": {"type": "str", "required": True},
    "role_arn": {"type": "str"},
    **TAGS_SPEC,
}
CAPABILITY_IDENTITY_SPEC: Spec = {
    "id": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["SSO_USER", "SSO_GROUP"], "default": "SSO_GROUP"},
}
ROLE_MAPPING_SPEC: Spec = {
    "role": {"type": "str", "choices": ["ADMIN", "EDITOR", "VIEWER"], "required": True},
    "identities": {"type": "list", "elements": "dict", "options": CAPABILITY_IDENTITY_SPEC, "required": True},
}
ARGOCD_SPEC: Spec = {
    "namespace": {"type": "str", "default": "argocd"},
    "idc_instance_arn": {"type": "str", "required": True},
    "idc_region": {"type": "str"},
    "role_mappings": {"type": "list", "elements": "dict", "options": ROLE_MAPPING_SPEC, "default": []},
    "vpc_endpoint_ids": {"type": "list", "elements": "str", "default": []},
}
CAPABILITY_SPEC: Spec = {
    **IDENTITY_SPEC,
    **STATE,
    "cluster_name": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["ARGOCD", "ACK", "KRO"], "default": "ARGOCD"},
    "role_arn": {"type": "str"},
    "argocd": {"type": "dict", "options": ARGOCD_SPEC},
    "access_policies": {"type": "list", "elements": "dict", "options": POLICY_SPEC, "default": []},
    **TAGS_SPEC,
    **WAIT_SPEC,
    "wait_timeout": {"type": "int", "default": 1800},
    "wait_pause": {"type": "float", "default": 5},
}
VERSION_INFO_SPEC: Spec = {
    "version": {"type": "str", "default": ""},
    "running_version": {"type": "str", "default": ""},
    "allow_version_upgrade": {"type": "bool", "default": False},
    "extended_support": {"type": "bool", "default": False},
    "minimum_support_days": {"type": "int", "default": 0},
    "addons": {"type": "list", "elements": "str", "default": []},
}
CLUSTER_INFO_SPEC: Spec = {
    "name": {"type": "str", "required": True},
    "leftovers": {"type": "bool", "default": False},
}
