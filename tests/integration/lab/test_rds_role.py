"""The role rds against a lab: what is foreseen is made, changes happen in place, what RDS would refuse is not tried.

The tests of this file share one lab and follow each other: an empty account, a network, a database, its changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from bahnvision_lab.testing import running_lab
from rds_world import World, make_network
from stage import ROOT, Outcome, Stage, assert_four_runs

NAME = "bahnvision-lab"
ALL = {"rds_proxy": True, "rds_poll_seconds": 0.5}
INSTANCE = "instance | Ensure the instance and wait for it"
PARAMETERS = "instance | Ensure the parameter group"
USER = "user | Ensure the application's user, its secret and that they work"
PROXY = "proxy | Ensure the proxy and wait until it reaches the database"
OPENED = "access | Ensure whom the database lets in"
OBJECTS = [
    "security_groups | Ensure the group of the clients",
    "security_groups | Ensure the group of the database",
    "instance | Ensure the role that writes the monitoring",
    "instance | Ensure the subnet group",
    PARAMETERS,
    INSTANCE,
    "access | Ensure the group of the proxy",
    OPENED,
    USER,
    "proxy | Ensure the role that reads the secret",
    PROXY,
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_lab(tmp_path_factory.mktemp("rds-role") / "lab") as lab:
        yield Stage(lab, "rds", "data.yml", **ALL)


@pytest.fixture(scope="module")
def network(stage: Stage) -> Stage:
    # Without a database, and before there is a network, the role stops and says what to do.
    refused = stage.run()
    assert (len(refused.errors), refused.writes) == (1, [])
    assert "run site.yml with --tags vpc" in refused.errors[0]
    make_network(stage.lab)
    return stage


@pytest.fixture(scope="module")
def database(network: Stage) -> tuple[Outcome, Outcome]:
    return assert_four_runs(network)


def instance(stage: Stage) -> dict[str, Any]:
    return stage.lab.client("rds").describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]


def facts(outcome: Outcome) -> dict[str, Any]:
    return outcome.tasks["result | Hand the facts to the roles that follow"]["ansible_facts"]["rds_result"]


@pytest.mark.parametrize(
    ("inputs", "texts"),
    [
        (
            {"rds_instance_class": "db.t4g.mediun", "rds_backup_retention_period": 0},
            ("cannot be ordered for PostgreSQL 15", "say so with allow_no_backups"),
        ),
        pytest.param(
            {"rds_parameters": {"log_statment": "ddl"}}, ("did you mean log_statement?",), marks=pytest.mark.full
        ),
        pytest.param({"rds_app_password": "with/slash"}, ("none of / @",), marks=pytest.mark.full),
        pytest.param(
            {"rds_identifier": "b" * 50}, ("longer than the 64 characters that IAM takes",), marks=pytest.mark.full
        ),
    ],
    ids=["instance", "parameter", "password", "identifier"],
)
def test_what_would_be_refused_is_one_error_and_no_write(
    network: Stage, inputs: dict[str, Any], texts: tuple[str, ...]
) -> None:
    refused = network.run(**inputs)

    assert (refused.code != 0, refused.writes, len(refused.errors)) == (True, [], 1)
    # What refuses one input of a list says so beside it.
    (told,) = [json.dumps(result) for result in refused.tasks.values() if result.get("failed")]
    assert [text for text in texts if text not in told] == []


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ({"engine_version": "15.4"}, "does not offer PostgreSQL 15.4 (any more); the nearest offered is 15."),
        ({"instance_class": "db.t4g.micro", "performance_insights": True}, "has no Performance Insights"),
    ],
    ids=["unknown version", "class without a feature"],
)
def test_what_the_offers_of_rds_rule_out_is_refused_by_the_module(
    network: Stage, wish: dict[str, Any], text: str
) -> None:
    world = World(network.lab)
    before = world.writes()
    with pytest.raises(ResourceError, match=re.escape(text)):
        world.instance(**wish)
    assert world.writes() == before


def test_the_four_runs(network: Stage, database: tuple[Outcome, Outcome]) -> None:
    foreseen, made = database

    assert foreseen.changed == made.changed == OBJECTS
    for task in (INSTANCE, USER, PROXY):
        assert made.tasks[task]["actions"] == foreseen.tasks[task]["actions"]
    now = instance(network)
    assert (now["MultiAZ"], now["StorageEncrypted"], now["DeletionProtection"]) == (True, True, True)
    assert (now["MonitoringInterval"], now["BackupRetentionPeriod"]) == (60, 30)
    told = facts(made)
    assert (told["endpoint"], told["port"]) == (now["Endpoint"]["Address"], now["Endpoint"]["Port"])
    assert told["master_secret_arn"] == now["MasterUserSecret"]["SecretArn"]


def secret(stage: Stage, arn: str) -> dict[str, Any]:
    return json.loads(stage.lab.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])


def test_a_client_gets_in_with_tls_directly_and_through_the_proxy(
    network: Stage, database: tuple[Outcome, Outcome]
) -> None:
    told = facts(database[1])
    pair = secret(network, told["app_secret_arn"])
    settings = {
        "dbname": pair["dbname"], "user": pair["username"], "password": pair["password"], "connect_timeout": 60,
        "sslrootcert": network.lab.status()["ca_bundle"],
    }  # fmt: skip
    for host, port in ((told["endpoint"], told["port"]), (told["proxy_endpoint"], told["proxy_port"])):
        way = {"host": host, "port": port, **settings}
        with psycopg.connect(**way, sslmode="verify-full", prepare_threshold=None) as client:
            assert client.execute("select current_user").fetchone() == ("bahnvision_owner",)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**way, sslmode="disable")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**{**way, "password": "wrong"}, sslmode="verify-full")


def test_no_password_is_told(network: Stage, database: tuple[Outcome, Outcome]) -> None:
    told = facts(database[1])
    output = json.dumps(database[1].tasks)
    for arn in (told["master_secret_arn"], told["app_secret_arn"]):
        assert secret(network, arn)["password"] not in output


def test_the_readme_names_the_actions_that_a_full_run_needs(network: Stage, database: tuple[Outcome, Outcome]) -> None:
    prefixes = {
        "rds": "rds",
        "ec2": "ec2",
        "iam": "iam",
        "secretsmanager": "secretsmanager",
        "kms": "kms",
        "sts": "sts",
    }
    asked = {f"{prefixes[entry['service']]}:{entry['operation']}" for run in database for entry in run.requests}
    named = set(re.findall(r"`([a-z0-9]+:[A-Za-z]+)`", (ROOT / "roles" / "rds" / "README.md").read_text()))

    assert asked
    assert sorted(asked - named) == []


CHANGES: dict[str, dict[str, Any]] = {
    "storage": {"rds_allocated_storage": 30},
    "autoscaling": {"rds_max_allocated_storage": 200},
    "retention": {"rds_backup_retention_period": 14},
    "class": {"rds_instance_class": "db.t4g.large"},
    "parameter": {"rds_parameters": {"rds.force_ssl": 1, "log_min_duration_statement": 250}},
    "tag": {"rds_tags": {"team": "data"}},
    "logs": {"rds_log_exports": ["postgresql"]},
    "window": {"rds_backup_window": "05:00-06:00"},
    "maintenance": {"rds_maintenance_window": "mon:01:00-mon:02:00"},
    "protection": {"rds_deletion_protection": False},
    "client": {"rds_client_cidrs": ["127.0.0.1/32", "10.8.0.0/16"]},
    "monitoring": {"rds_monitoring_interval": 15},
    "pool": {"rds_proxy_max_connections_percent": 75},
    "borrow": {"rds_proxy_connection_borrow_timeout": 60},
    "limit": {"rds_app_connection_limit": 40},
    "multi_az": {"rds_multi_az": False},
    "minor": {"rds_auto_minor_version_upgrade": False},
    "authority": {"rds_ca_certificate_identifier": "rds-ca-ecc384-g1"},
}


def standing(stage: Stage) -> dict[str, Any]:
    """Return all changes as one wish; storage stays as it is, it never shrinks."""
    wish = {key: value for inputs in CHANGES.values() for key, value in inputs.items()}
    return wish | {"rds_allocated_storage": instance(stage)["AllocatedStorage"]}


def change(stage: Stage, inputs: dict[str, Any]) -> Outcome:
    """Foresee a change, make it, and see that nothing is left to do; return what was foreseen."""
    foreseen = stage.run("--check", "--diff", **inputs)
    assert (foreseen.code, foreseen.writes) == (0, []), foreseen.errors
    made = stage.run("--diff", **inputs)
    assert (made.code, made.changed) == (0, foreseen.changed), made.errors
    for name in (PARAMETERS, INSTANCE, USER, PROXY):
        assert made.tasks[name].get("diff") == foreseen.tasks[name].get("diff"), name
    left = stage.run("--check", **inputs)
    assert (left.code, left.changed) == (0, [])
    return foreseen


@pytest.mark.usefixtures("database")
def test_all_changes_at_once_are_foreseen_made_in_place_and_made_once(network: Stage) -> None:
    before = instance(network)

    foreseen = change(network, standing(network) | CHANGES["storage"])

    assert foreseen.after(INSTANCE)[f"db_instance {NAME}"] == {
        "allocated_storage": 30, "max_allocated_storage": 200, "backup_retention_period": 14, "multi_az": False,
        "instance_class": "db.t4g.large", "enabled_cloudwatch_logs_exports": ["postgresql"],
        "backup_window": "05:00-06:00", "maintenance_window": "mon:01:00-mon:02:00", "deletion_protection": False,
        "monitoring_interval": 15, "auto_minor_version_upgrade": False,
        "ca_certificate_identifier": "rds-ca-ecc384-g1", "tags": {"team": "data", "requested-storage-gib": "30"},
    }  # fmt: skip
    parameters = foreseen.after(PARAMETERS)[f"db_parameter_group {NAME}-postgres15"]
    assert parameters["log_min_duration_statement"] == "250"
    assert foreseen.after(USER)["database_role bahnvision_app"] == {"connection_limit": 40}
    assert OPENED in foreseen.changed
    assert "75" in str(foreseen.after(PROXY))
    assert any("restarts" in note for note in foreseen.tasks[INSTANCE]["notes"]), "what a change costs is told before"
    now = instance(network)
    assert now["DbiResourceId"] == before["DbiResourceId"], "in place"
    assert (now["AllocatedStorage"], now["DBInstanceClass"], now["MultiAZ"]) == (30, "db.t4g.large", False)


# Where the default of an input leaves what is there.
INSTEAD: dict[str, dict[str, Any]] = {
    "tag": {"rds_tags": {"team": "other"}},
    "authority": {"rds_ca_certificate_identifier": "rds-ca-rsa4096-g1"},
}


@pytest.fixture(scope="module")
def held(network: Stage, database: tuple[Outcome, Outcome]) -> dict[str, Any]:
    """All changes made: the next test takes them back one after the other."""
    start = standing(network)
    assert network.run(**start).code == 0
    return start


@pytest.mark.full
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_alone_is_foreseen_made_and_made_once(network: Stage, held: dict[str, Any], name: str) -> None:
    for key in CHANGES[name]:
        del held[key]
    if name == "storage":
        held["rds_allocated_storage"] = instance(network)["AllocatedStorage"] + 10
    held |= INSTEAD.get(name, {})
    assert change(network, held).changed


@pytest.mark.usefixtures("database")
def test_what_has_no_way_back_is_refused_and_nothing_is_written(network: Stage) -> None:
    size, world = instance(network)["AllocatedStorage"], World(network.lab)
    before = world.writes()
    with pytest.raises(ResourceError, match=f"cannot shrink from {size} to 20"):
        world.instance(allocated_storage=20, backup_retention_period=3, multi_az=False)
    assert world.writes() == before


@pytest.mark.usefixtures("database")
def test_removal_wants_the_name_of_the_stage(network: Stage) -> None:
    unnamed = network.run(rds_state="absent")
    assert (len(unnamed.errors), unnamed.writes) == (1, [])
    assert "Set rds_confirm_absent" in unnamed.errors[0]


# The molecule scenario removes one in each `make test`, and looks for the snapshot, the roles and the groups.
@pytest.mark.full
@pytest.mark.usefixtures("database")
def test_removal_takes_what_is_ours_and_keeps_the_data(network: Stage) -> None:
    gone = network.run(rds_state="absent", rds_confirm_absent="lab")

    assert gone.code == 0, gone.errors
    rds, ec2, iam = (network.lab.client(name) for name in ("rds", "ec2", "iam"))
    assert rds.describe_db_instances()["DBInstances"] == rds.describe_db_proxies()["DBProxies"] == []
    assert ec2.describe_security_groups(Filters=[{"Name": "tag:component", "Values": ["rds"]}])["SecurityGroups"] == []
    assert [role for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(f"{NAME}-rds")] == []
    snapshots = [item["DBSnapshotIdentifier"] for item in rds.describe_db_snapshots()["DBSnapshots"]]
    assert [name for name in snapshots if name.startswith(f"{NAME}-final-")]
    again = network.run(rds_state="absent", rds_confirm_absent="lab")
    assert (again.code, again.changed, again.writes) == (0, [], [])
