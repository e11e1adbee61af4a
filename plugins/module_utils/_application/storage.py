# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes that outlive their Pod."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    Component,
    Context,
    Object,
    labels_of,
    make,
    name_of,
    slug,
)


def claims_of(component: Component) -> list[Component]:
    return [one for one in component["volumes"] if one["type"] == "claim"]


def claims(component: Component, context: Context) -> list[Object]:
    return [
        make(context, "v1", "PersistentVolumeClaim", f"{name_of(context, component)}-{slug(one['path'])}", component,
             spec={"accessModes": ["ReadWriteOnce"], "storageClassName": context["storage"]["class_name"],
                   "resources": {"requests": {"storage": one["size"]}}})
        for one in claims_of(component)
    ]  # fmt: skip


def storage_classes(context: Context, components: list[Component]) -> list[Object]:
    wanted = context["storage"]
    if not wanted["create_class"] or not any(claims_of(one) for one in components):
        return []
    key = {"kmsKeyId": wanted["kms_key_arn"]} if wanted["kms_key_arn"] else {}
    return [
        {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": wanted["class_name"], "labels": labels_of(context)},
            "provisioner": wanted["provisioner"],
            "parameters": {"type": "gp3", "encrypted": "true", **key},
            "reclaimPolicy": "Delete",
            "allowVolumeExpansion": True,
            # In the zone of the Pod, not in one that was drawn before.
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    ]  # fmt: skip
