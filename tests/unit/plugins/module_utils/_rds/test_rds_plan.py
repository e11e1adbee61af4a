"""The plan for an instance: what is done, what is refused, what is told."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.plan import (
    REQUESTED,
    Seen,
    needs_order,
    plan_absent,
    plan_present,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.spec import INSTANCE_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.versions import offers_from
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from rds_fakes import ROWS, VERSIONS, instance_of

OFFERS = offers_from(VERSIONS)
DEFAULTS = {name: option.get("default") for name, option in INSTANCE_SPEC.items()}
WANT = DEFAULTS | {
    "identifier": "bahnvision-lab",
    "app": "bahnvision",
    "stage": "lab",
    "engine_version": "17",
    "max_allocated_storage": 100,
    "db_name": "bahnvision",
    "db_subnet_group_name": "bahnvision-lab",
    "vpc_security_group_ids": ["sg-1"],
    "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"],
    "tags": {},
}


def seen(**changes):
    """An instance exactly as WANT has it, with some members of the API's answer changed."""
    made = instance_of(plan_present(WANT, empty()).actions[0].params)
    return look(made | {"DBInstanceStatus": "available"} | changes)


def look(instance, instance_class="db.t4g.medium"):
    rows = tuple(row for row in ROWS if row["DBInstanceClass"] == instance_class)
    return Seen(instance, OFFERS, rows, tuple(row["DBInstanceClass"] for row in ROWS))


def empty(instance_class="db.t4g.medium"):
    return look(None, instance_class)


def test_creation_says_everything_and_no_password():
    plan = plan_present(WANT, empty())
    (action,) = plan.actions
    assert action.verb == "create"
    assert action.params["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in action.params
    expected = {
        "EngineVersion": "17.10", "DBInstanceClass": "db.t4g.medium", "AllocatedStorage": 20, "StorageType": "gp3",
        "MaxAllocatedStorage": 100, "StorageEncrypted": True, "MultiAZ": True, "BackupRetentionPeriod": 30,
        "DeletionProtection": True, "PubliclyAccessible": False, "CopyTagsToSnapshot": True, "Engine": "postgres",
    }  # fmt: skip
    assert {key: action.params.get(key) for key in expected} == expected
    assert {"Key": "managed-by", "Value": "bahnvision.aws"} in action.params["Tags"]
    assert plan.diff()["after"]["db_instance bahnvision-lab"]["engine_version"] == "17.10"


def test_what_is_as_wanted_is_left_alone():
    plan = plan_present(WANT, seen())
    assert (plan.changed, plan.notes) == (False, ())


@pytest.mark.parametrize(
    ("changes", "sent", "told"),
    [
        ({"allocated_storage": 30}, {"AllocatedStorage": 30}, "six hours"),
        ({"max_allocated_storage": 200}, {"MaxAllocatedStorage": 200}, ""),
        ({"max_allocated_storage": 0}, {"MaxAllocatedStorage": 20}, ""),
        ({"instance_class": "db.m7g.large"}, {"DBInstanceClass": "db.m7g.large"}, "restarts"),
        ({"multi_az": False}, {"MultiAZ": False}, ""),
        ({"backup_retention_period": 7}, {"BackupRetentionPeriod": 7}, ""),
        ({"backup_retention_period": 0, "allow_no_backups": True}, {"BackupRetentionPeriod": 0}, "restarts"),
        ({"backup_window": "02:00-03:00"}, {"PreferredBackupWindow": "02:00-03:00"}, ""),
        ({"maintenance_window": "sun:04:00-sun:05:00"}, {"PreferredMaintenanceWindow": "sun:04:00-sun:05:00"}, ""),
        ({"deletion_protection": False}, {"DeletionProtection": False}, ""),
        ({"auto_minor_version_upgrade": False}, {"AutoMinorVersionUpgrade": False}, ""),
        ({"db_parameter_group_name": "own"}, {"DBParameterGroupName": "own"}, "reboot"),
        ({"vpc_security_group_ids": ["sg-2", "sg-1"]}, {"VpcSecurityGroupIds": ["sg-1", "sg-2"]}, ""),
        (
            {"enabled_cloudwatch_logs_exports": ["upgrade"]},
            {"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["postgresql"]}},
            "",
        ),
        ({"ca_certificate_identifier": "rds-ca-ecc384-g1"}, {"CACertificateIdentifier": "rds-ca-ecc384-g1"}, ""),
        ({"port": 5433}, {"DBPortNumber": 5433}, "restarts"),
        ({"publicly_accessible": True}, {"PubliclyAccessible": True}, ""),
        ({"storage_type": "gp2"}, {"StorageType": "gp2"}, "slows"),
        (
            {"performance_insights": True, "performance_insights_retention_period": 7},
            {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 7},
            "",
        ),
        (
            {"engine_version": "18", "allow_major_version_upgrade": True},
            {"EngineVersion": "18.4", "AllowMajorVersionUpgrade": True},
            "stops the database",
        ),
    ],
)
def test_only_what_differs_is_sent_and_its_price_is_told(changes, sent, told):
    want = WANT | changes | {"apply_immediately": True}
    there = seen()
    there = Seen(there.instance, OFFERS, look(None, want["instance_class"]).rows)
    plan = plan_present(want, there)
    modify = next(action for action in plan.actions if action.verb == "modify")
    assert dict(modify.params) == sent | {"ApplyImmediately": True}
    assert set(modify.before) == set(modify.after) <= set(changes) | {"engine_version"}
    assert told in " ".join(plan.notes)
    assert bool(plan.notes) == bool(told)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"allocated_storage": 19}, "allocated_storage cannot shrink from 20 to 19"),
        ({"storage_encrypted": False}, "storage_encrypted is True and cannot become False"),
        ({"kms_key_id": "arn:aws:kms:x:1:key/2"}, "kms_key_id is None and cannot become"),
        ({"db_subnet_group_name": "other"}, "db_subnet_group_name is bahnvision-lab and cannot become other"),
        ({"db_name": "other"}, "db_name is bahnvision and cannot become other"),
        ({"master_username": "root"}, "master_username is postgres and cannot become root"),
        ({"instance_class": "db.nope"}, "instance_class db.nope cannot be ordered"),
        ({"storage_type": "io2", "iops": 3000}, "cannot have storage_type io2; it can have gp2, gp3"),
        ({"backup_retention_period": 0}, "allow_no_backups"),
        ({"backup_retention_period": 36}, "between 1 and 35"),
        ({"engine_version": "16"}, "never goes back"),
        ({"engine_version": "17.11"}, "nearest offered is 17.10"),
        ({"engine_version": "18"}, "allow_major_version_upgrade"),
        ({"max_allocated_storage": 21}, "at least 10 % above"),
        ({"enabled_cloudwatch_logs_exports": ["audit"]}, "exports no log audit"),
        ({"ca_certificate_identifier": "rds-ca-2019"}, "rds-ca-2019 is not offered"),
        ({"iops": 4000}, "iops cannot be set on gp3 below 400"),
        ({"database_insights_mode": "advanced"}, "needs performance_insights true"),
        ({"backup_window": "23:30-00:30", "maintenance_window": "mon:00:00-mon:01:00"}, "lies within"),
        ({"backup_window": "02:00-02:10"}, "at least 30 minutes"),
        ({"performance_insights": True, "performance_insights_retention_period": 94}, "a multiple of 31"),
        ({"maintenance_window": "sun:04:00-tue:05:00"}, "30 minutes to 24 hours"),
        ({"app": "other"}, "is not ours (app=bahnvision)"),
    ],
)
def test_a_change_that_rds_would_refuse_is_refused_here(changes, text):
    want = WANT | changes
    there = Seen(seen().instance, OFFERS, look(None, want["instance_class"]).rows, ("db.t4g.medium", "db.m7g.large"))
    with pytest.raises(ResourceError) as refusal:
        plan_present(want, there)
    assert text in refusal.value.message


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"identifier": "Upper"}, "lower-case"),
        ({"identifier": "a" * 64}, "1 to 63"),
        ({"identifier": "a--b"}, "single hyphens"),
        ({"identifier": "a-"}, "not end with a hyphen"),
        ({"db_name": "with-hyphen"}, "db_name 'with-hyphen'"),
        ({"allocated_storage": 10}, "between 20 and 65536 GiB"),
        ({"max_allocated_storage": 20}, "at least 10 % above"),
        ({"engine_version": "15.4"}, "nearest offered is 15.17"),
        ({"minimum_major": 18}, "older than the source's major version 18"),
    ],
)
def test_a_creation_that_rds_would_refuse_is_refused_here(changes, text):
    with pytest.raises(ResourceError) as refusal:
        plan_present(WANT | changes, empty())
    assert text in refusal.value.message


def test_all_problems_come_in_one_error():
    with pytest.raises(ResourceError) as refusal:
        plan_present(WANT | {"identifier": "Upper", "backup_retention_period": 99}, empty("db.nope"))
    assert len(refusal.value.details["problems"]) == 3


def test_an_unknown_class_is_answered_with_the_nearest():
    with pytest.raises(ResourceError, match=r"nearest that can: db\.t4g\.medium"):
        plan_present(WANT | {"instance_class": "db.t4g.mediun"}, empty("db.t4g.mediun"))


def test_a_class_without_insights_is_refused():
    want = WANT | {"instance_class": "db.t4g.micro", "performance_insights": True}
    with pytest.raises(ResourceError, match="no Performance Insights"):
        plan_present(want, empty("db.t4g.micro"))


def test_an_old_class_may_stay():
    there = seen()
    assert not needs_order(WANT, there)
    assert not plan_present(WANT, Seen(there.instance, OFFERS, (), ())).changed


def test_what_waits_for_the_maintenance_window_counts_as_done():
    want = WANT | {"allocated_storage": 30, "multi_az": False}
    waiting = seen(PendingModifiedValues={"AllocatedStorage": 30, "MultiAZ": False})
    plan = plan_present(want, waiting)
    assert [action.verb for action in plan.actions] == ["tag"]  # the requested size is remembered
    assert "multi_az: a change is pending already" in plan.notes


def test_what_waits_and_is_no_longer_wanted_is_taken_back():
    plan = plan_present(WANT, seen(PendingModifiedValues={"MultiAZ": False}))
    assert plan.actions[0].params == {"MultiAZ": True, "ApplyImmediately": False}


def test_what_waits_is_made_at_once_when_that_is_asked():
    waiting = seen(PendingModifiedValues={"MultiAZ": False})
    plan = plan_present(WANT | {"multi_az": False, "apply_immediately": True}, waiting)
    assert plan.actions[0].params == {"MultiAZ": False, "ApplyImmediately": True}


def test_a_change_in_the_maintenance_window_is_told():
    plan = plan_present(WANT | {"multi_az": False}, seen())
    assert any("waits for the maintenance window" in note for note in plan.notes)


def test_growth_by_aws_is_no_wish_to_shrink():
    plan = plan_present(WANT, seen(AllocatedStorage=40))
    assert not plan.changed
    assert any("grown 20 to 40" in note for note in plan.notes)


def test_a_limit_near_the_grown_size_is_no_problem_until_it_changes():
    assert not plan_present(WANT, seen(AllocatedStorage=98)).changed


def test_a_wish_below_the_last_wish_is_a_wish_to_shrink():
    there = copy.deepcopy(dict(seen(AllocatedStorage=40).instance))
    there["TagList"] = [tag if tag["Key"] != REQUESTED else {**tag, "Value": "30"} for tag in there["TagList"]]
    with pytest.raises(ResourceError, match="cannot shrink from 40 to 20"):
        plan_present(WANT, look(there))


def test_storage_rests_after_a_change():
    with pytest.raises(ResourceError, match="still optimises"):
        plan_present(WANT | {"allocated_storage": 50}, seen(DBInstanceStatus="storage-optimization"))


def test_a_password_that_rds_does_not_manage_becomes_managed():
    plan = plan_present(WANT, seen(MasterUserSecret=None))
    assert plan.actions[0].params == {"ManageMasterUserPassword": True, "ApplyImmediately": False}


def test_tags_are_replaced_as_a_whole():
    there = copy.deepcopy(dict(seen().instance))
    there["TagList"] += [{"Key": "old", "Value": "1"}, {"Key": "aws:cloud", "Value": "x"}]
    plan = plan_present(WANT | {"tags": {"team": "data"}}, look(there))
    assert [(action.verb, str(action.params.get("tags") or action.params["keys"])) for action in plan.actions] == [
        ("tag", "{'team': 'data'}"),
        ("untag", "['old']"),
    ]


def test_a_stopped_instance_is_not_changed():
    with pytest.raises(ResourceError, match="start it first"):
        plan_present(WANT | {"multi_az": False}, seen(DBInstanceStatus="stopped"))


def test_a_static_parameter_that_waits_is_told():
    groups = [{"DBParameterGroupName": "own", "ParameterApplyStatus": "pending-reboot"}]
    assert "waits for a reboot" in " ".join(plan_present(WANT, seen(DBParameterGroups=groups)).notes)


def test_removal_is_refused_while_protected():
    with pytest.raises(ResourceError, match="deletion protection"):
        plan_absent(WANT, seen(), "last")


def test_removal_keeps_a_last_snapshot():
    plan = plan_absent(WANT, seen(DeletionProtection=False), "last")
    assert plan.actions[0].params == {
        "DBInstanceIdentifier": "bahnvision-lab", "DeleteAutomatedBackups": True, "SkipFinalSnapshot": False,
        "FinalDBSnapshotIdentifier": "last",
    }  # fmt: skip


def test_removal_of_what_is_not_ours_is_refused():
    with pytest.raises(ResourceError, match="not ours"):
        plan_absent(WANT, seen(DeletionProtection=False, TagList=[]), "last")


@pytest.mark.parametrize("there", [empty(), Seen({"DBInstanceStatus": "deleting"})])
def test_removal_of_what_is_gone_is_nothing(there):
    assert not plan_absent(WANT, there, "last").changed
