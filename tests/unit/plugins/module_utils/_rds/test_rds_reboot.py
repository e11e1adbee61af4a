"""Static parameters: the reboot is foreseen, told, made once, and only when it is allowed."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from rds_fakes import FakeRds, ensure

WAITS = "pending-reboot"


class Rds(FakeRds):
    """Shows `shown_after` looks late that a parameter waits."""

    def __init__(self, shown_after=0):
        super().__init__()
        self.shown_after = shown_after

    def change_parameter(self):
        self.looks, self.changed = self.shown_after, True

    def describe_db_instances(self, DBInstanceIdentifier):
        found = super().describe_db_instances(DBInstanceIdentifier)
        if getattr(self, "changed", False):
            self.looks -= 1
            status = "in-sync" if self.looks >= 0 else WAITS
            found["DBInstances"][0]["DBParameterGroups"] = [
                {"DBParameterGroupName": "own", "ParameterApplyStatus": status}
            ]
        return found

    def reboot_db_instance(self, DBInstanceIdentifier):
        self.writes.append(("reboot_db_instance", {}))
        self.changed, self.states = False, ["rebooting", "available"]
        return {}


def waiting(shown_after=0):
    rds = Rds(shown_after)
    ensure(rds)
    rds.writes.clear()
    rds.change_parameter()
    return rds


def test_without_leave_it_is_only_told():
    rds = waiting()

    left = ensure(rds, reboot_for=["rds.logical_replication"])

    assert (left["changed"], rds.writes) == (False, [])
    assert left["notes"] == ["a static parameter waits for a reboot of the instance"]


@pytest.mark.parametrize("shown_after", [0, 4])
def test_it_is_foreseen_told_and_made_once(shown_after):
    rds, wish = waiting(shown_after), {"reboot": True, "reboot_for": ["rds.logical_replication"]}

    foreseen = ensure(rds, check_mode=True, **wish)
    assert (foreseen["changed"], rds.writes) == (True, [])
    assert foreseen["notes"] == ["rds.logical_replication: the reboot ends all connections and takes a minute or so"]
    made = ensure(rds, **wish)

    assert (made["diff"], made["instance"]["status"]) == (foreseen["diff"], "available")
    assert [name for name, _params in rds.writes] == ["reboot_db_instance"]
    assert ensure(rds, reboot=True)["changed"] is False


def test_a_killed_run_is_completed_by_what_rds_shows():
    rds = waiting()

    assert ensure(rds, reboot=True)["actions"] == ["reboot db_instance bahnvision-lab"]
    assert [name for name, _params in rds.writes] == ["reboot_db_instance"]


def test_a_change_that_has_restarted_it_makes_the_reboot_needless():
    rds = waiting(shown_after=10**6)

    ensure(rds, multi_az=False, apply_immediately=True, reboot=True, reboot_for=["max_connections"])

    assert [name for name, _params in rds.writes] == ["modify_db_instance"]


def test_a_parameter_that_is_never_shown_as_waiting_is_an_error():
    rds = waiting(shown_after=10**6)

    with pytest.raises(ResourceError, match="with a parameter that waits for its reboot is not there after"):
        ensure(rds, reboot=True, reboot_for=["max_connections"], wait_timeout=0.2)
