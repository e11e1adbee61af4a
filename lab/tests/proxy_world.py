"""A database with an application's user, its secret, a role and security groups: what a proxy stands on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from aws_world import connect, fresh, instance_arguments, wait_available
from bahnvision_lab.testing import Lab

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
PASSWORD = "ap\"p:%'#&=pass word"  # what an INI file, a URI and a user list must quote


def policy(secret_arn: str, *more: dict[str, Any]) -> str:
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret_arn}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement, *more]})


@dataclass
class World:
    """One account's part that proxies need."""

    lab: Lab
    rds: Any
    ec2: Any
    secrets: Any
    iam: Any
    vpc: str
    subnets: list[str]
    database_group: str
    proxy_group: str
    instance: str
    user: str

    @classmethod
    def make(cls, lab: Lab, vpc: str, subnets: list[str], **changes: Any) -> World:
        rds, ec2 = lab.client("rds"), lab.client("ec2")
        database_group, proxy_group = (
            ec2.create_security_group(GroupName=fresh(name), Description="x", VpcId=vpc)["GroupId"]
            for name in ("database", "proxy")
        )
        home = fresh("home")
        rds.create_db_subnet_group(DBSubnetGroupName=home, DBSubnetGroupDescription="x", SubnetIds=subnets)
        arguments = instance_arguments(
            DBName="app", DBSubnetGroupName=home, VpcSecurityGroupIds=[database_group], **changes
        )
        instance = rds.create_db_instance(**arguments)["DBInstance"]["DBInstanceIdentifier"]
        world = cls(
            lab, rds, ec2, lab.client("secretsmanager"), lab.client("iam"), vpc, subnets, database_group, proxy_group,
            instance, fresh("app").replace("-", "_"),
        )  # fmt: skip
        world.allow()
        wait_available(rds, instance)
        world.set_password(PASSWORD, "CREATE ROLE {} LOGIN")
        return world

    def rule(self) -> dict[str, Any]:
        return {"GroupId": self.database_group, "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432,
             "UserIdGroupPairs": [{"GroupId": self.proxy_group}]},
        ]}  # fmt: skip

    def allow(self) -> None:
        self.ec2.authorize_security_group_ingress(**self.rule())

    def forbid(self) -> None:
        self.ec2.revoke_security_group_ingress(**self.rule())

    def set_password(self, password: str, statement: str = "ALTER ROLE {}") -> None:
        with connect(self.lab, self.instance) as master:
            command = psycopg.sql.SQL(statement + " PASSWORD {}")
            master.execute(command.format(psycopg.sql.Identifier(self.user), psycopg.sql.Literal(password)))

    def content(self, password: str = PASSWORD) -> str:
        return json.dumps({"username": self.user, "password": password, "dbname": "app", "engine": "postgres"})

    def make_secret(self, **changes: Any) -> str:
        arguments = {"Name": fresh("secret"), "SecretString": self.content(), **changes}
        return self.secrets.create_secret(**arguments)["ARN"]

    def make_role(self, document: str | None, trust: dict[str, Any] | None = None) -> str:
        name = fresh("role")
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust or TRUST))["Role"]
        if document:
            self.iam.put_role_policy(RoleName=name, PolicyName="secret", PolicyDocument=document)
        return role["Arn"]

    def arguments(self, secret: str, role: str, **changes: Any) -> dict[str, Any]:
        arguments = {
            "DBProxyName": fresh("proxy"), "EngineFamily": "POSTGRESQL", "RoleArn": role,
            "Auth": [{"SecretArn": secret}], "VpcSubnetIds": self.subnets,
            "VpcSecurityGroupIds": [self.proxy_group], "RequireTLS": True, **changes,
        }  # fmt: skip
        return {name: value for name, value in arguments.items() if value is not None}

    def make_proxy(self, secret: str, role: str, **changes: Any) -> str:
        """Make a proxy and register the instance; its target may be in any health."""
        arguments = self.arguments(secret, role, **changes)
        name = arguments["DBProxyName"]
        self.rds.create_db_proxy(**arguments)
        self.wait_status(name, "available")
        self.rds.register_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=[self.instance])
        return name

    def status(self, name: str) -> str:
        return self.rds.describe_db_proxies(DBProxyName=name)["DBProxies"][0]["Status"]

    def wait_status(self, name: str, wanted: str) -> None:
        wait_for(lambda: self.status(name) == wanted, f"{name} to be {wanted}")

    def health(self, name: str) -> dict[str, str]:
        return self.rds.describe_db_proxy_targets(DBProxyName=name)["Targets"][0]["TargetHealth"]

    def wait_health(self, name: str, wanted: str) -> dict[str, str]:
        """Wait for a state or a reason."""
        return wait_for(lambda: (found := self.health(name)) and wanted in found.values() and found,
                        f"{name} to be {wanted}")  # fmt: skip

    def dsn(self, name: str, password: str = PASSWORD, **options: Any) -> str:
        place = self.lab.status()["proxies"][name]
        settings = {
            "host": place["host"], "port": place["port"], "user": self.user, "password": password, "dbname": "app",
            "sslmode": "verify-full", "sslrootcert": self.lab.status()["ca_bundle"], "connect_timeout": 60, **options,
        }  # fmt: skip
        return psycopg.conninfo.make_conninfo("", **settings)

    def connect(self, name: str, password: str = PASSWORD, **options: Any) -> psycopg.Connection:
        return psycopg.connect(self.dsn(name, password, **options), autocommit=True)

    def logs_in(self, name: str) -> bool:
        try:
            self.connect(name, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def wait_login(self, name: str) -> None:
        wait_for(lambda: self.logs_in(name), f"a login through {name}")


def wait_for(check: Callable[[], Any], what: str, patience: float = 180) -> Any:
    deadline = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < deadline, f"waited {patience:g} s for {what}"
        time.sleep(0.05)
    return found
