# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which flow log should be there; refuse what AWS would refuse. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import FlowLog

BUCKET = re.compile(r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/=-]*)?")
KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/.+")
FIELD = re.compile(r"\$\{[a-z0-9-]+\}")


def log_group_name(params: Mapping[str, Any]) -> str:
    return f"/{params['app']}/{params['stage']}/vpc-flow-logs"


def role_name(name: str) -> str:
    return f"{name}-vpc-flow-logs"


def desire_flow_log(params: Mapping[str, Any], name: str) -> FlowLog | None:
    wanted = params["flow_logs"]
    kind = wanted["destination"]
    if kind == "none":
        return None
    _refuse(wanted, role_name(name))
    common: dict[str, Any] = {
        "name": f"{name}-flow-logs", "destination_type": kind, "traffic": wanted["traffic"],
        "interval": wanted["interval"], "format": wanted["format"] or "",
    }  # fmt: skip
    if kind == "s3":
        return FlowLog(**common, bucket_arn=wanted["bucket_arn"])
    return FlowLog(
        **common, log_group=log_group_name(params), role=role_name(name), retention=wanted["retention_days"],
        key_arn=wanted["kms_key_arn"] or "",
    )  # fmt: skip


def _refuse(wanted: Mapping[str, Any], role: str) -> None:
    layout = wanted["format"] or ""
    if layout and not re.fullmatch(rf"{FIELD.pattern}( {FIELD.pattern})*", layout):
        raise ResourceError(
            f"the format of the flow logs must be fields such as ${{srcaddr}} between blanks: {layout!r}"
        )
    if wanted["destination"] == "s3":
        if not BUCKET.fullmatch(wanted["bucket_arn"] or ""):
            raise ResourceError(
                f"flow logs to S3 need the ARN of a bucket (arn:aws:s3:::name); it is {wanted['bucket_arn'] or 'empty'}"
            )
        return
    if wanted["kms_key_arn"] and not KEY.fullmatch(wanted["kms_key_arn"]):
        raise ResourceError(f"the key of the flow logs must be the ARN of a KMS key; it is {wanted['kms_key_arn']}")
    if len(role) > 64:
        raise ResourceError(f"the role {role} would have {len(role)} characters; IAM takes 64: choose a shorter app")
