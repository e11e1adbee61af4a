"""The module vpc_network as a process of its own, to be killed: it starts in a fraction of a playbook's time."""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.network import ensure_network
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.spec import SPEC
from botocore.config import Config


def filled(options: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters as AnsibleModule would hand them on."""
    made = {name: option.get("default") for name, option in options.items()} | given
    for name, option in options.items():
        if "options" in option and isinstance(made[name], dict):
            made[name] = filled(option["options"], made[name])
    return made


if __name__ == "__main__":
    clients = {
        service: boto3.client(service, config=Config(retries={"total_max_attempts": 1}))
        for service in ("ec2", "iam", "logs", "s3")
    }
    ensure_network(clients, filled(SPEC, json.loads(sys.argv[1])), check_mode=False)
