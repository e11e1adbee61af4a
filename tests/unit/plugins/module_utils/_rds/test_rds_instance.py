"""One instance from reading to waiting, on a fake that remembers."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from botocore.stub import Stubber
from rds_fakes import FakeRds, ensure, error


def test_the_four_runs():
    rds = FakeRds()

    foreseen = ensure(rds, check_mode=True)
    assert (foreseen["changed"], rds.writes) == (True, [])
    assert foreseen["instance"]["engine_version"] == "17.10"
    assert foreseen["instance"]["parameter_group_family"] == "postgres17"

    made = ensure(rds)
    assert (made["changed"], made["diff"]) == (True, foreseen["diff"])
    assert made["instance"]["status"] == "available"
    assert made["instance"]["endpoint"] == {"address": "db.example", "port": 5432}
    assert made["instance"]["master_user_secret"] == {"secret_arn": "arn:secret"}

    for check_mode in (True, False):
        assert ensure(rds, check_mode=check_mode)["changed"] is False
    assert [name for name, _params in rds.writes] == ["create_db_instance"]


CHANGES = [
    {"allocated_storage": 40},
    {"backup_retention_period": 7},
    {"instance_class": "db.m7g.large"},
    {"multi_az": False},
    {"deletion_protection": False},
    {"enabled_cloudwatch_logs_exports": ["postgresql"]},
    {"tags": {"team": "data"}},
    {"engine_version": "18.4", "allow_major_version_upgrade": True},
]


@pytest.mark.parametrize("immediate", [True, False])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_change_is_foreseen_made_and_made_once(change, immediate):
    rds = FakeRds()
    ensure(rds)
    rds.writes.clear()
    wish = change | {"apply_immediately": immediate}

    foreseen = ensure(rds, check_mode=True, **wish)
    assert rds.writes == []
    made = ensure(rds, **wish)

    assert foreseen["changed"]
    assert made["changed"]
    assert made["diff"] == foreseen["diff"]
    assert 1 <= len(rds.writes) <= 2  # the change, and a tag where the size is remembered
    assert ensure(rds, **wish)["changed"] is False


def test_a_run_after_a_killed_one_waits_and_converges():
    rds = FakeRds()
    ensure(rds, wait=False)
    assert rds.instance["DBInstanceStatus"] == "creating"

    again = ensure(rds)

    assert (again["changed"], again["instance"]["status"]) == (False, "available")


def test_a_change_waits_for_what_is_under_way():
    rds = FakeRds()
    ensure(rds, wait=False)

    again = ensure(rds, multi_az=False, apply_immediately=True)

    assert again["changed"]
    assert rds.instance["MultiAZ"] is False


@pytest.mark.parametrize("status", ["failed", "incompatible-network", "incompatible-parameters"])
def test_a_failed_creation_ends_early_with_the_last_events(status):
    rds = FakeRds(settled=status)
    with pytest.raises(ResourceError, match=rf"status is {status}; last events: .*no free address"):
        ensure(rds, wait_timeout=3600)


def test_the_wait_ends_at_the_deadline_with_what_was_seen():
    rds = FakeRds(settled="creating")
    with pytest.raises(ResourceError, match=r"not there after 0\.01 s; last seen: creating"):
        ensure(rds, wait_timeout=0.01)


def test_an_instance_of_somebody_else_is_refused():
    rds = FakeRds()
    ensure(rds)
    rds.instance["TagList"] = []
    rds.writes.clear()
    for state in ("present", "absent"):
        with pytest.raises(ResourceError, match="not ours"):
            ensure(rds, state=state, deletion_protection=False)
    assert rds.writes == []


def test_removal_in_four_runs():
    rds = FakeRds()
    ensure(rds, deletion_protection=False)
    rds.writes.clear()

    assert ensure(rds, check_mode=True, state="absent")["changed"]
    assert rds.writes == []
    gone = ensure(rds, state="absent")
    assert gone["changed"]
    assert rds.instance is None
    assert gone["final_snapshot_identifier"].startswith("bahnvision-lab-final-2")
    assert [ensure(rds, check_mode=check, state="absent")["changed"] for check in (True, False)] == [False, False]


def test_what_is_being_removed_is_made_anew_when_it_is_gone():
    rds = FakeRds()
    ensure(rds, deletion_protection=False)
    ensure(rds, state="absent", wait=False)

    again = ensure(rds)

    assert again["changed"]
    assert again["instance"]["status"] == "available"


def test_facts_show_no_password():
    rds = FakeRds()
    ensure(rds)
    rds.instance["PendingModifiedValues"] = {"MasterUserPassword": "****", "MultiAZ": True}
    facts = ensure(rds, check_mode=True)["instance"]
    assert facts["pending_modified_values"] == {"multi_az": True}


def test_an_unknown_class_reads_all_classes_for_the_advice():
    rds = FakeRds()
    with pytest.raises(ResourceError, match=r"db\.t4g\.medium"):
        ensure(rds, instance_class="db.t4g.mediun")
    assert rds.reads.count("describe_orderable_db_instance_options") == 2
    assert rds.writes == []


def test_a_missing_permission_is_told():
    class Forbidden(FakeRds):
        def describe_db_instances(self, **_params):
            raise error("AccessDenied", status=403)

    with pytest.raises(ResourceError, match=r"cannot read db_instance bahnvision-lab: AccessDenied.*permission"):
        ensure(Forbidden())


@pytest.fixture
def rds():
    return boto3.client("rds", "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_calls_pass_the_model_of_the_api(rds):
    row = {"DBInstanceClass": "db.t4g.medium", "StorageType": "gp3"}
    with Stubber(rds) as stub:
        stub.add_client_error("describe_db_instances", "DBInstanceNotFound", http_status_code=404)
        stub.add_response("describe_db_engine_versions", {"DBEngineVersions": []}, {"Engine": "postgres"})
        stub.add_response(
            "describe_orderable_db_instance_options",
            {"OrderableDBInstanceOptions": [row, row | {"DBInstanceClass": "db.t4g.large"}]},
            {"Engine": "postgres", "EngineVersion": "17.10", "DBInstanceClass": "db.t4g.medium", "Vpc": True},
        )
        assert api.get_instance(rds, "bahnvision-lab") is None
        assert api.get_offers(rds) == ()
        assert api.get_orderable(rds, "17.10", "db.t4g.medium") == (row,)
        stub.assert_no_pending_responses()


def test_the_plan_of_a_creation_passes_the_model_of_the_api(rds):
    plain = FakeRds()
    ensure(plain, iops=None, backup_window="02:00-03:00", vpc_security_group_ids=["sg-1"])
    (_name, params), = plain.writes  # fmt: skip
    with Stubber(rds) as stub:
        stub.add_response("create_db_instance", {"DBInstance": {}}, params)
        api.create_instance(rds, params)
        stub.assert_no_pending_responses()
