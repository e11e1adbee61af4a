"""Plans answer check mode and diff; waits end and say what they saw; a module ends in one error."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import module as resource_module
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    diff_tags,
    tags_to_dict,
    tags_to_list,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until
from hypothesis import given
from hypothesis import strategies as st

TWO = Plan((
    Action("create", "box", "a", None, {"size": 1}),
    Action("change", "box", "b", {"size": 1}, {"size": 2}),
    Action("tag", "box", "b", {"tags": {}}, {"tags": {"x": "y"}}),
))  # fmt: skip


@pytest.mark.parametrize("check_mode", [True, False])
def test_check_mode_tells_the_same_and_does_nothing(check_mode: bool) -> None:
    done: list[str] = []

    result = apply(TWO, lambda action: done.append(str(action)), check_mode)

    assert result["changed"] is True
    assert result["actions"] == ["create box a", "change box b", "tag box b"]
    assert result["diff"] == {
        "before": {"box b": {"size": 1, "tags": {}}},
        "after": {"box a": {"size": 1}, "box b": {"size": 2, "tags": {"x": "y"}}},
    }
    assert done == ([] if check_mode else result["actions"])


def test_an_empty_plan_changes_nothing() -> None:
    assert apply(Plan(), lambda action: pytest.fail(str(action)), False) == {
        "changed": False, "actions": [], "notes": [], "diff": {"before": {}, "after": {}},
    }  # fmt: skip


TAGS = st.dictionaries(st.sampled_from(["a", "b", "c", "aws:d", "e"]), st.sampled_from(["1", "2"]))


@given(current=TAGS, desired=TAGS, purge=st.one_of(st.booleans(), st.sets(st.sampled_from("abc"))))
def test_tags_reach_what_is_wanted(current: dict[str, str], desired: dict[str, str], purge: Any) -> None:
    to_set, to_remove = diff_tags(current, desired, purge)
    after = {key: value for key, value in {**current, **to_set}.items() if key not in to_remove}

    assert desired.items() <= after.items()
    assert diff_tags(after, desired, purge) == ({}, [])
    kept = current.keys() - desired.keys() - set(to_remove)
    assert all(key.startswith("aws:") or (purge is not True and key not in (purge or ())) for key in kept)


@given(tags=TAGS)
def test_tags_survive_the_way_to_aws_and_back(tags: dict[str, str]) -> None:
    assert tags_to_dict(tags_to_list(tags)) == tags


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_waiting_ends_at_the_deadline_and_says_what_it_saw() -> None:
    time = Time()

    with pytest.raises(ResourceError, match="NAT nat-1 is not there after 20 s; last seen: pending"):
        wait_until(
            lambda: "pending", lambda state: state == "available", "NAT nat-1", 20, clock=lambda: time.now,
            sleep=time.sleep,
        )  # fmt: skip
    assert time.now == 20


def test_waiting_ends_early_when_it_is_in_vain() -> None:
    time = Time()

    with pytest.raises(ResourceError, match="it has failed: no address"):
        wait_until(
            lambda: "failed", lambda _state: False, "it", 20, failed=lambda _state: "no address",
            clock=lambda: time.now, sleep=time.sleep,
        )  # fmt: skip
    assert time.now == 0


def test_first_looks_are_close_together() -> None:
    time, seen = Time(), []

    wait_until(
        lambda: seen.append(time.now) or time.now, lambda now: now > 10, "it", 60, pause=3, clock=lambda: time.now,
        sleep=time.sleep,
    )  # fmt: skip
    assert seen[1] == pytest.approx(0.2)
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) <= 3


class Left(Exception):
    pass


class Module:
    params: dict[str, Any] = {"size": 1}  # noqa: RUF012 - as in AnsibleModule
    check_mode = False

    def client(self, service: str, config: Any) -> str:
        assert config.retries == {"total_max_attempts": 1}
        return f"client of {service}"

    def warn(self, text: str) -> None:
        raise AssertionError("upstream's warn() would hand it to exit_json too, which core deprecates")

    def exit_json(self, **result: Any) -> None:
        raise Left("well", result)

    def fail_json(self, **result: Any) -> None:
        raise Left("badly", result)


def test_a_module_leaves_with_its_result_and_warns_of_its_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    # Where it is called: core's own sends it to the terminal when the controller's code is loaded too.
    monkeypatch.setattr(resource_module, "warn", warned.append)
    with pytest.raises(Left) as left:
        run(
            Module(),
            ["ec2"],
            lambda clients, params, _check: {"changed": False, "notes": [str((clients["ec2"], params))]},
        )

    assert left.value.args[0] == "well"
    note = str(("client of ec2", {"size": 1}))
    assert left.value.args[1] == {"changed": False, "notes": [note]}
    assert warned == [note]


def test_a_module_leaves_with_its_one_error() -> None:
    def ensure(*_arguments: Any) -> dict[str, Any]:
        raise ResourceError("cannot make it", error_code="Nope")

    with pytest.raises(Left) as left:
        run(Module(), ["ec2"], ensure)

    assert left.value.args == ("badly", {"msg": "cannot make it", "error_code": "Nope"})
