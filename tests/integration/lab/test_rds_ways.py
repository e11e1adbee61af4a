"""The role rds by its rarer ways: keys of one's own, SQL from another host, without a proxy and with one later.

The tests of this file share one lab and follow each other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bahnvision_lab.testing import running_lab
from rds_world import make_network
from stage import Outcome, Stage, assert_four_runs

pytestmark = pytest.mark.full
NAME = "bahnvision-lab"
# A host with a Python of its own, which writes down each time that it is used.
PYTHON = '#!/bin/sh\necho "$@" >> "$(dirname "$0")/used"\nexec {python} "$@"\n'
RESULT = "result | Hand the facts to the roles that follow"


class Ways:
    """A stage, the keys that its inputs name, and a host from which SQL is sent."""

    def __init__(self, stage: Stage, far: Path) -> None:
        kms = stage.lab.client("kms")
        self.stage, self.far = stage, far
        self.keys = {name: kms.create_key(Description=name)["KeyMetadata"]["Arn"] for name in ("data", "master", "app")}
        self.inputs = {
            "rds_kms_key_id": self.keys["data"], "rds_master_secret_kms_key_id": self.keys["master"],
            "rds_app_secret_kms_key_id": self.keys["app"], "rds_sql_delegate_to": "far", "rds_multi_az": False,
        }  # fmt: skip

    def connect(self, told: dict[str, Any], host: str, port: int) -> str:
        content = json.loads(
            self.stage.lab.client("secretsmanager").get_secret_value(SecretId=told["app_secret_arn"])["SecretString"]
        )
        with psycopg.connect(
            host=host, port=port, dbname=content["dbname"], user=content["username"], password=content["password"],
            sslmode="verify-full", sslrootcert=self.stage.lab.status()["ca_bundle"], prepare_threshold=None,
        ) as client:  # fmt: skip
            return client.execute("select session_user").fetchone()[0]

    def groups(self) -> set[str]:
        found = self.stage.lab.client("ec2").describe_security_groups()["SecurityGroups"]
        return {group["GroupName"] for group in found} - {"default"}

    def roles(self) -> set[str]:
        return {role["RoleName"] for role in self.stage.lab.client("iam").list_roles()["Roles"]}


def facts(outcome: Outcome) -> dict[str, Any]:
    return outcome.tasks[RESULT]["ansible_facts"]["rds_result"]


def made_as_foreseen(ways: Ways, **inputs: Any) -> Outcome:
    foreseen = ways.stage.run("--check", **ways.inputs, **inputs)
    made = ways.stage.run(**ways.inputs, **inputs)
    assert (foreseen.code, made.code, made.changed) == (0, 0, foreseen.changed), made.errors
    left = ways.stage.run("--check", **ways.inputs, **inputs)
    assert (left.code, left.changed) == (0, [])
    return made


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    far = tmp_path_factory.mktemp("far")
    python = far / "python"
    python.write_text(PYTHON.format(python=f"'{sys.executable}'"))
    python.chmod(0o755)
    host = {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
    (far / "hosts.json").write_text(json.dumps({"all": {"hosts": {"far": host}}}))
    with running_lab(tmp_path_factory.mktemp("rds-ways") / "lab") as lab:
        make_network(lab)
        yield Ways(FarStage(lab, "rds", "data.yml", rds_poll_seconds=0.5, hosts=str(far / "hosts.json")), far)


class FarStage(Stage):
    """A stage whose inventory knows the other host."""

    def start(self, *options: str, **inputs: Any) -> Any:
        return super().start("-i", self.inputs["hosts"], *options, **inputs)


@pytest.fixture(scope="module")
def bare(ways: Ways) -> Outcome:
    return assert_four_runs(ways.stage, rds_proxy=False, **ways.inputs)[1]


def test_keys_of_ones_own_protect_data_and_secrets(ways: Ways, bare: Outcome) -> None:
    told = facts(bare)
    instance = ways.stage.lab.client("rds").describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]
    secret = ways.stage.lab.client("secretsmanager").describe_secret(SecretId=told["app_secret_arn"])

    assert (instance["StorageEncrypted"], instance["KmsKeyId"]) == (True, ways.keys["data"])
    assert instance["MasterUserSecret"]["KmsKeyId"] == ways.keys["master"]
    assert secret["KmsKeyId"] == ways.keys["app"]


def test_sql_is_sent_from_the_other_host_and_a_client_gets_in(ways: Ways, bare: Outcome) -> None:
    told = facts(bare)

    # Twice in each of four runs: what is checked before the first write, and the user itself.
    assert (ways.far / "used").read_text().count("\n") >= 8, "the far Python has sent the SQL"
    assert ways.connect(told, told["endpoint"], told["port"]) == told["app_username"]


def test_without_a_proxy_nothing_of_one_is_made(ways: Ways, bare: Outcome) -> None:
    told = facts(bare)

    assert (told["proxy_endpoint"], told["proxy_port"], told["proxy_security_group_id"]) == ("", 0, "")
    assert ways.groups() == {f"{NAME}-rds", f"{NAME}-rds-client"}
    assert f"{NAME}-rds-proxy" not in ways.roles()
    assert ways.stage.lab.client("rds").describe_db_proxies()["DBProxies"] == []


def test_a_proxy_comes_later_and_reads_the_secret_by_its_key(ways: Ways, bare: Outcome) -> None:
    told = facts(made_as_foreseen(ways, rds_proxy=True))

    assert ways.connect(told, told["proxy_endpoint"], told["proxy_port"]) == told["app_username"]
    assert f"{NAME}-rds-proxy" in ways.groups() & ways.roles()
    policy = ways.stage.lab.client("iam").get_role_policy(RoleName=f"{NAME}-rds-proxy", PolicyName="read-the-secret")
    allowed = {entry["Action"]: entry["Resource"] for entry in policy["PolicyDocument"]["Statement"]}
    assert allowed["kms:Decrypt"] == ways.keys["app"]


def test_a_proxy_that_is_no_longer_wanted_goes_with_all_that_was_made_for_it(ways: Ways, bare: Outcome) -> None:
    told = facts(made_as_foreseen(ways, rds_proxy=False))

    test_without_a_proxy_nothing_of_one_is_made(ways, bare)
    assert ways.connect(told, told["endpoint"], told["port"]) == told["app_username"]
