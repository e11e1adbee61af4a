"""Policies for tests: one that is accepted, to be changed part by part."""

from __future__ import annotations

import json
from typing import Any


def policy(**changes: Any) -> str:
    """Return a document with one statement that is accepted, with changes; None takes a part out."""
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", **changes}
    return json.dumps({
        "Version": "2012-10-17",
        "Statement": [{key: value for key, value in statement.items() if value is not None}],
    })  # fmt: skip


def trust(**changes: Any) -> str:
    return policy(
        **{"Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole", "Resource": None, **changes}
    )
