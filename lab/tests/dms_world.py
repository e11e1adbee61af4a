"""A source outside of AWS, an instance of RDS, endpoints and a network: what a replication of DMS stands on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from aws_world import PASSWORD, connect, fresh, instance_arguments, vpc_with_subnets, wait_available
from bahnvision_lab.testing import Lab

SETTINGS: dict[str, Any] = {
    "FullLoadSettings": {"TargetTablePrepMode": "TRUNCATE_BEFORE_LOAD"},
    "ValidationSettings": {"EnableValidation": True},
    "ErrorBehavior": {"TableErrorPolicy": "STOP_TASK"},
}
EXTRA = "MapUnboundedNumericAsString=true"
MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonDMSVPCManagementRole"


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def mappings(*tables: str) -> str:
    rules = [
        {
            "rule-type": "selection", "rule-id": str(number), "rule-name": str(number), "rule-action": "include",
            "object-locator": {"schema-name": "public", "table-name": table},
        }
        for number, table in enumerate(tables, start=1)
    ]  # fmt: skip
    return json.dumps({"rules": rules})


def wait_for(check: Callable[[], Any], what: str, patience: float = 180) -> Any:
    deadline = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < deadline, f"waited {patience:g} s for {what}"
        time.sleep(0.05)
    return found


@dataclass
class World:
    """One account's part that replications need. The target is a database of RDS with open security groups."""

    lab: Lab
    dms: Any
    vpc: str
    subnets: list[str]
    group: str
    instance: str
    role: str
    endpoints: dict[str, str]

    @classmethod
    def make(cls, lab: Lab) -> World:
        ec2, rds, iam = lab.client("ec2"), lab.client("rds"), lab.client("iam")
        vpc, subnets = vpc_with_subnets(ec2)
        groups = [
            ec2.create_security_group(GroupName=fresh(name), Description="x", VpcId=vpc)["GroupId"]
            for name in ("database", "dms")
        ]
        pair = [{"GroupId": groups[1]}]
        rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": pair}
        ec2.authorize_security_group_ingress(GroupId=groups[0], IpPermissions=[rule])
        home = fresh("home")
        rds.create_db_subnet_group(DBSubnetGroupName=home, DBSubnetGroupDescription="x", SubnetIds=subnets)
        arguments = instance_arguments(DBName="app", DBSubnetGroupName=home, VpcSecurityGroupIds=groups[:1])
        instance = rds.create_db_instance(**arguments)["DBInstance"]["DBInstanceIdentifier"]
        iam.create_role(RoleName="dms-vpc-role", AssumeRolePolicyDocument=trust("dms.amazonaws.com"))
        iam.attach_role_policy(RoleName="dms-vpc-role", PolicyArn=MANAGED)
        role = iam.create_role(RoleName="dms", AssumeRolePolicyDocument=trust("dms.eu-central-1.amazonaws.com"))["Role"]
        statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="dms", PolicyName="secrets", PolicyDocument=document)
        wait_available(rds, instance)
        world = cls(lab, lab.client("dms"), vpc, subnets, groups[1], instance, role["Arn"], {})
        world.dms.create_replication_subnet_group(
            ReplicationSubnetGroupIdentifier="walk", ReplicationSubnetGroupDescription="x", SubnetIds=subnets,
            Tags=[{"Key": "a", "Value": "b"}],
        )  # fmt: skip
        source, target = lab.status()["source"], lab.status()["databases"][instance]
        world.endpoint("source", source, source["user"], source["password"], source["database"])
        world.endpoint("target", target, "master", PASSWORD, "app", SslMode="require")
        return world

    def endpoint(self, kind: str, at: dict[str, Any], user: str, password: str, database: str, **more: Any) -> str:
        content = {"username": user, "password": password, "host": at["host"], "port": at["port"]}
        secret = self.lab.client("secretsmanager").create_secret(
            Name=fresh("dms-secret"), SecretString=json.dumps(content)
        )["ARN"]
        settings = {
            "DatabaseName": database, "SecretsManagerSecretId": secret, "SecretsManagerAccessRoleArn": self.role,
            "FailTasksOnLobTruncation": True,
        }  # fmt: skip
        made = self.dms.create_endpoint(
            EndpointIdentifier=fresh(kind), EndpointType=kind, EngineName="postgres", PostgreSQLSettings=settings,
            **{"ExtraConnectionAttributes": EXTRA, **more},
        )["Endpoint"]  # fmt: skip
        self.endpoints[kind] = made["EndpointArn"]
        return str(made["EndpointArn"])

    def arguments(self, *tables: str, **changes: Any) -> dict[str, Any]:
        compute = {"MaxCapacityUnits": 2, "ReplicationSubnetGroupId": "walk", "VpcSecurityGroupIds": [self.group]}
        return {
            "ReplicationConfigIdentifier": fresh("load"), "SourceEndpointArn": self.endpoints["source"],
            "TargetEndpointArn": self.endpoints["target"], "ReplicationType": "full-load",
            "TableMappings": mappings(*tables), "ReplicationSettings": json.dumps(SETTINGS), "ComputeConfig": compute,
            **changes,
        }  # fmt: skip

    def create(self, *tables: str, **changes: Any) -> str:
        made = self.dms.create_replication_config(**self.arguments(*tables, **changes))
        return str(made["ReplicationConfig"]["ReplicationConfigArn"])

    def start(self, arn: str, kind: str = "start-replication") -> dict[str, Any]:
        return self.dms.start_replication(ReplicationConfigArn=arn, StartReplicationType=kind)["Replication"]

    def state(self, arn: str) -> dict[str, Any]:
        filters = [{"Name": "replication-config-arn", "Values": [arn]}]
        return self.dms.describe_replications(Filters=filters)["Replications"][0]

    def run(self, arn: str, kind: str = "start-replication") -> dict[str, Any]:
        """Start, and return the state at the end."""
        self.start(arn, kind)
        return wait_for(
            lambda: (found := self.state(arn)) and found["Status"] in ("stopped", "failed") and found, "the load's end"
        )

    def tables(self, arn: str) -> dict[str, dict[str, Any]]:
        found = self.dms.describe_replication_table_statistics(ReplicationConfigArn=arn)["ReplicationTableStatistics"]
        return {table["TableName"]: table for table in found}

    def source(self) -> psycopg.Connection:
        return psycopg.connect(self.lab.status()["source"]["dsn"], autocommit=True)

    def target(self) -> psycopg.Connection:
        return connect(self.lab, self.instance)

    def both(self, statement: str) -> None:
        for connection in (self.source(), self.target()):
            with connection:
                connection.execute(statement)

    def remove(self, arn: str) -> None:
        def over() -> bool:
            told = self.state(arn)
            provision = told.get("ProvisionData", {}).get("ProvisionState")
            return told["Status"] in ("stopped", "failed", "created") and provision in (None, "deprovisioned")

        wait_for(over, "the end of its servers")
        self.dms.delete_replication_config(ReplicationConfigArn=arn)
