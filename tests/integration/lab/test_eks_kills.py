"""The role eks is killed at its writes, making and removing: the next run completes what it finds."""

from __future__ import annotations

import pytest
from bahnvision_lab.testing import running_lab
from eks_stage import NAME, NOTHING, WHOLE, EksStage
from stage import Stage

ABSENT = {"eks_state": "absent", "eks_confirm_absent": "lab"}
# The key before its alias, within the roles, the cluster, an entry without its policy, add-ons, template, nodes.
MAKING = (1, 3, 8, 15, 16, 17, 18, 20, 22, 23)
REMOVING = (1, 2, 4, 8)


@pytest.mark.full
def test_a_run_that_is_killed_anywhere_is_completed_by_the_next(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_lab(tmp_path_factory.mktemp("eks-kills") / "lab") as lab:
        network = Stage(lab, "vpc", "network.yml", vpc_nat="none", vpc_interface_endpoints=[], vpc_flow_logs="none")
        assert network.run().code == 0
        stage = EksStage(lab)
        written = 0
        for number in MAKING:
            if number > written:  # in all, however many runs it took
                written += stage.kill_at(number - written, within=0.1)
        done = stage.run()
        assert (done.code, stage.living(), stage.keys()) == (0, WHOLE, ["Enabled"]), done.errors
        left = stage.run()
        assert (left.code, left.changed, left.writes) == (0, [], []), left.errors

        written = 0
        for number in REMOVING:
            if number > written:
                written += stage.kill_at(number - written, within=0.1, **ABSENT)
        gone = stage.run(**ABSENT)
        assert (gone.code, stage.living(), stage.keys()) == (0, NOTHING, ["PendingDeletion"]), gone.errors
        assert stage.kills >= len(MAKING) // 2, "the runs ended before they were killed"
        assert NAME not in stage.eks.list_clusters()["clusters"]
