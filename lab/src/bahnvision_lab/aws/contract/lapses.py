"""Where an answer differs from the model and is right all the same, each with its reason."""

from __future__ import annotations

import re

from bahnvision_lab.aws.contract.scalars import Problem
from bahnvision_lab.aws.naming import Call

# (service, operation, path, what is wrong, why that is as it should be); regular expressions, whole.
LAPSES: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "ec2", "(Create|Describe)VpcEndpoints?", r"VpcEndpoints?(\[\])?\.State",
        "is '(pending|available|deleting|deleted)'.*",
        "AWS sends the states of endpoints in small letters; the model alone writes them large",
    ),
    (
        "ec2", "DescribeInternetGateways", r"InternetGateways\[\]\.Attachments\[\]\.State", "is 'available'.*",
        "AWS's own reference says that an internet gateway's attachment is available; the model lists it as attached",
    ),
    (
        "dms", "(Create|Modify|Describe|Delete)Endpoints?", r"Endpoints?(\[\])?\.EndpointType",
        "is '(SOURCE|TARGET)'.*",
        "AWS takes an endpoint's type in small letters and tells it in large ones, as the examples of its CLI show",
    ),
)  # fmt: skip
_COMPILED = [tuple(re.compile(pattern) for pattern in lapse[:4]) for lapse in LAPSES]


def is_known(call: Call, problem: Problem) -> bool:
    told = (call.service, call.operation, problem.path, problem.what)
    return any(all(pattern.fullmatch(text) for pattern, text in zip(lapse, told, strict=True)) for lapse in _COMPILED)
