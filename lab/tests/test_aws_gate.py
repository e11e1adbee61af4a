"""Who is let in, what is logged, and what the lab says of operations it has not got."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from aws_world import refused
from bahnvision_lab.testing import Lab
from botocore.config import Config
from botocore.exceptions import ClientError

WRONG_KEY = [
    ("rds", "describe_db_instances", "InvalidClientTokenId", 403),
    ("sts", "get_caller_identity", "InvalidClientTokenId", 403),
    ("iam", "list_roles", "InvalidClientTokenId", 403),
    ("ec2", "describe_vpcs", "AuthFailure", 401),
    ("secretsmanager", "list_secrets", "UnrecognizedClientException", 403),
    ("kms", "list_keys", "UnrecognizedClientException", 403),
    ("eks", "list_clusters", "UnrecognizedClientException", 403),
    ("s3", "list_buckets", "InvalidAccessKeyId", 403),
    ("route53", "list_hosted_zones", "InvalidClientTokenId", 403),
]


@pytest.mark.parametrize(("service", "call", "code", "status"), WRONG_KEY)
def test_a_foreign_access_key_is_refused(lab: Lab, service: str, call: str, code: str, status: int) -> None:
    client = lab.client(service, aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
    with refused(code, "", status):
        getattr(client, call)()


def test_a_wrong_secret_is_refused(lab: Lab) -> None:
    with refused("SignatureDoesNotMatch", "signature", 403):
        lab.client("rds", aws_secret_access_key="x" * 40).describe_db_instances()


def test_keys_made_through_the_api_open_it(lab: Lab) -> None:
    iam = lab.client("iam")
    iam.create_user(UserName="runner")
    key = iam.create_access_key(UserName="runner")["AccessKey"]
    mine = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert lab.client("sts", **mine).get_caller_identity()["Arn"].endswith("user/runner")
    role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }))  # fmt: skip
    assumed = lab.client("sts", **mine).assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="session")[
        "Credentials"
    ]
    session = {
        "aws_access_key_id": assumed["AccessKeyId"],
        "aws_secret_access_key": assumed["SecretAccessKey"],
        "aws_session_token": assumed["SessionToken"],
    }
    assert "assumed-role/deployer" in lab.client("sts", **session).get_caller_identity()["Arn"]


@pytest.mark.parametrize("path", ["/", "/moto-api/reset", "/moto-api/data.json"])
def test_nothing_is_open_without_a_key(lab: Lab, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(lab.status()["aws"]["endpoint_url"] + path, method="POST"))
    assert caught.value.code == 403


@pytest.mark.parametrize(
    ("service", "call", "arguments", "name"),
    [
        ("rds", "describe_reserved_db_instances", {}, "rds:DescribeReservedDBInstances"),
        ("eks", "list_eks_anywhere_subscriptions", {}, "eks:ListEksAnywhereSubscriptions"),
        ("grafana", "list_workspaces", {}, "grafana:ListWorkspaces"),
        ("cloudfront", "list_cache_policies", {}, "cloudfront:ListCachePolicies"),
        ("elasticache", "describe_global_replication_groups", {}, "elasticache:DescribeGlobalReplicationGroups"),
        ("ce", "get_tags", {"TimePeriod": {"Start": "2026-01-01", "End": "2026-01-02"}}, "ce:GetTags"),
    ],
)
@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_what_the_lab_lacks_it_names_at_once(
    lab: Lab, service: str, call: str, arguments: dict[str, Any], name: str, mode: str
) -> None:
    client = lab.client(service, config=Config(retries={"mode": mode, "total_max_attempts": 6}))
    with refused("NotImplementedByLab", name, 501):  # and not asked again
        getattr(client, call)(**arguments)


def log_of(lab: Lab, position: int) -> list[dict[str, Any]]:
    content = lab.state.request_log.read_bytes()[position:]
    return [json.loads(line) for line in content.splitlines()]


def test_the_log_tells_reads_from_writes(lab: Lab) -> None:
    position = lab.state.request_log.stat().st_size
    s3 = lab.client("s3", config=Config(s3={"addressing_style": "path"}))
    s3.create_bucket(Bucket="log-test", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="log-test", Key="a folder/key", Body=b"x" * 100_000)
    assert s3.get_object(Bucket="log-test", Key="a folder/key")["ContentLength"] == 100_000
    lab.client("eks").list_clusters()
    kms = lab.client("kms", region_name="us-east-1")
    kms.create_key()
    kms.list_keys()
    ec2 = lab.client("ec2")
    with pytest.raises(ClientError, match="DryRun"):
        ec2.create_vpc(CidrBlock="10.99.0.0/16", DryRun=True)
    with pytest.raises(ClientError, match="NotFound"):
        ec2.describe_vpcs(VpcIds=["vpc-0123456789abcdef0"])
    lab.client("sts").get_caller_identity()
    assert "10.99.0.0/16" not in [vpc["CidrBlock"] for vpc in lab.client("ec2").describe_vpcs()["Vpcs"]]
    told = [
        (line["service"], line["operation"], line["write"], line["status"], line["error"])
        for line in log_of(lab, position)
    ]
    assert told == [
        ("s3", "CreateBucket", True, 200, None),
        ("s3", "PutObject", True, 200, None),
        ("s3", "GetObject", False, 200, None),
        ("eks", "ListClusters", False, 200, None),
        ("kms", "CreateKey", True, 200, None),
        ("kms", "ListKeys", False, 200, None),
        ("ec2", "CreateVpc", False, 412, "DryRunOperation"),
        ("ec2", "DescribeVpcs", False, 400, "InvalidVpcID.NotFound"),
        ("sts", "GetCallerIdentity", False, 200, None),
        ("ec2", "DescribeVpcs", False, 200, None),
    ]
    regions = {line["region"] for line in log_of(lab, position)}
    assert regions == {"eu-central-1", "us-east-1"}
