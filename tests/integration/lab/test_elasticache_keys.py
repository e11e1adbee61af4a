"""Keys of one's own for the cache and for the login of its user, against a lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import spec
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.groups import ensure_subnet_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.user_groups import ensure_user_group
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.groups import GROUP_SPEC
from bahnvision_lab.testing import running_lab
from test_elasticache_modules import NAME, ZONES, World

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_lab(tmp_path_factory.mktemp("elasticache-keys") / "lab") as lab:
        world = World(lab)
        ec2 = world.clients["ec2"]
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for number, zone in enumerate(ZONES)
        ]
        options = {**GROUP_SPEC, "subnet_ids": {}}
        world.write(ensure_subnet_group, options, name=NAME, description="of the tests", subnet_ids=subnets)
        world.parameters("redis7")
        world.user("default", user_name="default", access_string="off -@all")
        yield world


def key(world: World, alias: str) -> tuple[str, str]:
    kms = world.clients["kms"]
    arn = kms.create_key(Description=alias)["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{alias}", TargetKeyId=arn)
    return arn, f"alias/{alias}"


def secret(world: World) -> dict[str, Any]:
    return world.clients["secretsmanager"].describe_secret(SecretId=world.secret["name"])


def test_a_key_of_ones_own_keeps_the_login_and_can_be_exchanged(world: World) -> None:
    (first, by_alias), (second, _alias) = key(world, "first"), key(world, "second")
    world.secret["kms_key_id"] = by_alias
    world.user("app", secret=world.secret)
    assert secret(world)["KmsKeyId"] in (first, by_alias)
    password = world.login()["password"]

    world.secret["kms_key_id"] = second
    changed = world.user("app", secret=world.secret)

    assert changed["actions"] == [f"rekey secret {world.secret['name']}"]
    assert secret(world)["KmsKeyId"] == second
    assert world.login()["password"] == password


def test_a_key_of_ones_own_keeps_the_data(world: World) -> None:
    arn, alias = key(world, "data")
    members = {"user_group_id": NAME, "engine": "redis"}
    world.write(ensure_user_group, spec.USER_GROUP_SPEC, **members, user_ids=[f"{NAME}-app", f"{NAME}-default"])

    assert world.group(kms_key_id=alias) == ["create"]

    assert (world.told()["KmsKeyId"], world.told()["AtRestEncryptionEnabled"]) == (arn, True)
    assert world.client().set("kept", "1")
