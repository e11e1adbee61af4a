"""RDS Proxy, with the database, the secret and the role behind it."""

from __future__ import annotations

from typing import Any

from aws_world import fresh, vpc_with_subnets
from bahnvision_lab.testing import Lab
from proxy_world import World, policy


def walk(lab: Lab) -> None:
    vpc, subnets = vpc_with_subnets(lab.client("ec2"))
    world = World.make(lab, vpc, subnets)
    rds, name = world.rds, fresh("walked")
    secret = world.make_secret()
    arguments: dict[str, Any] = {
        "Auth": [{"AuthScheme": "SECRETS", "SecretArn": secret, "IAMAuth": "DISABLED"}],
        "RoleArn": world.make_role(policy(secret)),
    }
    rds.create_db_proxy(
        DBProxyName=name, EngineFamily="POSTGRESQL", VpcSubnetIds=subnets, RequireTLS=True,
        VpcSecurityGroupIds=[world.proxy_group], Tags=[{"Key": "a", "Value": "b"}], **arguments,
    )  # fmt: skip
    world.wait_status(name, "available")
    rds.describe_db_proxy_target_groups(DBProxyName=name)
    pool = {"MaxConnectionsPercent": 60, "MaxIdleConnectionsPercent": 10}
    rds.modify_db_proxy_target_group(DBProxyName=name, TargetGroupName="default", ConnectionPoolConfig=pool)
    rds.register_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=[world.instance])
    rds.describe_db_proxy_targets(DBProxyName=name)
    rds.modify_db_proxy(DBProxyName=name, IdleClientTimeout=900)
    world.wait_status(name, "available")
    rds.describe_db_proxies(DBProxyName=name)
    rds.deregister_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=[world.instance])
    rds.delete_db_proxy(DBProxyName=name)
    rds.delete_db_instance(DBInstanceIdentifier=world.instance, SkipFinalSnapshot=True)
