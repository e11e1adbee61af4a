"""Parts of the role rds that depend on the region, without a lab: labs lie in one region."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

TASKS = Path(__file__).resolve().parents[2] / "roles" / "rds" / "tasks"


def trusted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: trusted(inner) for key, inner in value.items()}
    return trust_as_template(value) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("partition", "region", "service"),
    [
        ("aws", "eu-central-1", "secretsmanager.eu-central-1.amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", "secretsmanager.us-gov-west-1.amazonaws.com"),
        ("aws-cn", "cn-north-1", "secretsmanager.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_proxy_decrypts_through_secrets_manager_of_its_region_only(
    partition: str, region: str, service: str
) -> None:
    said = yaml.safe_load((TASKS / "proxy.yml").read_text())[0]["vars"]
    key = f"arn:{partition}:kms:{region}:123456789012:key/one"
    secret = {"arn": f"arn:{partition}:secretsmanager:{region}:123456789012:secret:s-AbCdEf", "kms_key_arn": key}
    variables = {**trusted(said), "__rds_user": {"secret": secret}}

    decrypt = Templar(loader=DataLoader(), variables=variables).template(variables["__rds_decrypt"])

    assert decrypt == {
        "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key,
        "Condition": {"StringEquals": {"kms:ViaService": service}},
    }  # fmt: skip
