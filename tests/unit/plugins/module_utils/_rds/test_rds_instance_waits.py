"""One instance while RDS is slow, busy, full or forgetful: what is waited for, what is repeated, what is said."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.instance import ensure_instance
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from rds_fakes import WANT, FakeRds, ensure, error


def test_the_secret_of_the_master_is_waited_for():
    """RDS makes it beside its other work, and calls the instance available meanwhile."""

    class Later(FakeRds):
        looks = 0

        def describe_db_instances(self, DBInstanceIdentifier):
            shown = super().describe_db_instances(DBInstanceIdentifier)
            if shown["DBInstances"][0]["DBInstanceStatus"] == "available":
                self.looks += 1
                secret = {1: None, 2: {"SecretArn": "arn:secret", "SecretStatus": "creating"}}
                shown["DBInstances"][0]["MasterUserSecret"] = secret.get(
                    self.looks, {"SecretArn": "arn:secret", "SecretStatus": "active"}
                )
            return shown

    assert ensure(Later())["instance"]["master_user_secret"]["secret_status"] == "active"


def test_an_instance_made_a_moment_ago_may_not_be_seen_yet_and_one_that_is_gone_is_missed():
    class Shy(FakeRds):
        def __init__(self, unseen):
            super().__init__()
            self.unseen = unseen

        def describe_db_instances(self, DBInstanceIdentifier):
            if self.instance is not None and self.unseen > 0:
                self.unseen -= 1
                raise error("DBInstanceNotFound", status=404)
            return super().describe_db_instances(DBInstanceIdentifier)

    assert ensure(Shy(3))["instance"]["status"] == "available"
    with pytest.raises(ResourceError, match="it has disappeared"):
        ensure(Shy(99))


@pytest.mark.parametrize("status", ["storage-optimization", "storage-initialization"])
def test_an_instance_that_serves_while_its_storage_is_worked_on_is_there(status):
    assert ensure(FakeRds(settled=status))["instance"]["status"] == status


def test_full_storage_is_cured_by_more_of_it():
    rds = FakeRds()
    ensure(rds)
    rds.states = ["storage-full", "modifying", "available"]

    assert ensure(rds, allocated_storage=40, apply_immediately=True)["instance"]["allocated_storage"] == 40

    rds.states = ["storage-full"]
    with pytest.raises(ResourceError, match="status is storage-full"):
        ensure(rds, allocated_storage=40, multi_az=False)
    with pytest.raises(ResourceError, match="ask for apply_immediately"):
        ensure(rds, allocated_storage=80)


def test_what_rds_began_by_itself_passes(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    class Busy(FakeRds):
        refusals = 2

        def modify_db_instance(self, **params):
            self.refusals -= 1
            if self.refusals >= 0:
                raise error("InvalidDBInstanceState")
            return super().modify_db_instance(**params)

    rds = Busy()
    ensure(rds)
    assert ensure(rds, multi_az=False, apply_immediately=True)["changed"]


def test_a_removal_whose_answer_was_lost_is_no_failure(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    class Lossy(FakeRds):
        def delete_db_instance(self, **params):
            if len(self.writes) > 1:
                raise error("InvalidDBInstanceState")
            super().delete_db_instance(**params)
            self.states = ["deleting", "deleting", "gone"]
            raise error("InternalFailure", status=500)

    rds = Lossy()
    ensure(rds, deletion_protection=False)
    assert ensure(rds, state="absent")["changed"]
    assert rds.instance is None


def test_a_removal_under_way_is_waited_for_and_not_repeated():
    rds = FakeRds()
    ensure(rds, deletion_protection=False)
    rds.states = ["delete-precheck", "deleting", "gone"]
    assert ensure(rds, state="absent")["changed"] is False
    assert rds.instance is None


def test_the_key_of_the_secret_may_be_named_by_its_alias():
    class Kms:
        def describe_key(self, KeyId):
            return {"KeyMetadata": {"Arn": f"arn:aws:kms:eu-central-1:123456789012:key/{KeyId.removeprefix('alias/')}"}}

    rds = FakeRds()

    def named(key):
        wish = WANT | {"master_user_secret_kms_key_id": key}
        return ensure_instance({"rds": rds, "kms": Kms()}, wish, False)

    named("alias/one")
    rds.instance["MasterUserSecret"]["KmsKeyId"] = "arn:aws:kms:eu-central-1:123456789012:key/one"
    assert named("alias/one")["changed"] is False
    with pytest.raises(ResourceError, match="the key of the managed master secret cannot be changed"):
        named("alias/two")


def test_a_copy_that_is_not_complete_is_completed_at_once_and_keeps_the_word_of_its_origin():
    rds = FakeRds()
    ensure(rds)
    rds.instance["TagList"].append({"Key": "restored-from", "Value": "snapshot old"})
    del rds.instance["MasterUserSecret"]
    rds.writes.clear()

    ensure(rds, multi_az=False, tags={"team": "data"})

    changed = dict(rds.writes)["modify_db_instance"]
    assert changed == {"MultiAZ": False, "ManageMasterUserPassword": True, "ApplyImmediately": True}
    assert "restored-from" in [tag["Key"] for tag in rds.instance["TagList"]]
    assert ensure(rds, multi_az=False, tags={"team": "data"})["changed"] is False
