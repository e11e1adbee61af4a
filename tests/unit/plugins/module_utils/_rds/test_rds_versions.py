"""Which version an instance gets, and what is refused with which advice."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.versions import (
    nearest,
    offers_from,
    ordered,
    resolve,
    target_for,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from hypothesis import given
from hypothesis import strategies as st
from rds_fakes import VERSIONS, version

OFFERS = offers_from(VERSIONS)


@pytest.mark.parametrize(
    ("asked", "chosen"), [("", "18.4"), ("17", "17.10"), ("17.9", "17.9"), ("15", "15.18"), ("18", "18.4")]
)
def test_a_wish_becomes_an_exact_version(asked, chosen):
    assert resolve(OFFERS, asked).version == chosen


def test_the_tenth_minor_is_newer_than_the_ninth():
    assert ordered("17.10") > ordered("17.9")
    assert [offer.version for offer in OFFERS][:3] == ["18.4", "18.3", "17.10"]


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ("15.4", "15.17"),  # the guide's own version: the next newer of the same major
        ("17.99", "17.10"),  # newer than any: the newest of the major
        ("14", "15.18"),  # a retired major: the next one
        ("99.99", "18.4"),
        ("9.6", "15.18"),
    ],
)
def test_what_is_not_offered_is_refused_with_the_nearest(asked, advice):
    with pytest.raises(ResourceError, match=rf"does not offer PostgreSQL {asked}.*nearest offered is {advice};"):
        resolve(OFFERS, asked)


@pytest.mark.parametrize("asked", ["latest", "17.", "17.x", ">=17", "17 ", "17.1.2"])
def test_what_is_no_version_is_refused(asked):
    with pytest.raises(ResourceError, match="is no PostgreSQL version"):
        resolve(OFFERS, asked)


def test_retired_versions_are_no_offer():
    retired = version("17.1") | {"Status": "deprecated"}
    assert offers_from([retired]) == ()


def test_a_version_older_than_the_source_is_refused():
    with pytest.raises(ResourceError, match=r"15\.18 is older than the source's major version 17.*17\.10"):
        resolve(OFFERS, "15", minimum_major=17)


@pytest.mark.parametrize(
    ("running", "asked", "target"),
    [
        ("17.9", "", "17.9"),  # nothing moves unasked, although 18 exists
        ("17.9", "17", "17.9"),  # minors come in the maintenance window
        ("17.9", "17.10", "17.10"),
        ("13.7", "13.7", "13.7"),  # retired, but it runs
    ],
)
def test_a_running_instance_moves_only_when_asked(running, asked, target):
    assert target_for(OFFERS, running, asked) == target


@pytest.mark.parametrize(("running", "asked"), [("17.10", "17.9"), ("17.9", "16"), ("18.4", "17")])
def test_a_downgrade_is_refused(running, asked):
    with pytest.raises(ResourceError, match="never goes back"):
        target_for(OFFERS, running, asked, allow_major=True)


def test_a_major_upgrade_wants_permission():
    with pytest.raises(ResourceError, match="allow_major_version_upgrade"):
        target_for(OFFERS, "16.14", "17")
    assert target_for(OFFERS, "16.14", "17", allow_major=True) == "17.10"


def test_an_upgrade_in_two_steps_names_the_first():
    with pytest.raises(ResourceError, match=r"in one step; upgrade to 17\.10 first"):
        target_for(OFFERS, "16.14", "18", allow_major=True)


def test_a_running_version_too_old_for_the_source_is_refused():
    with pytest.raises(ResourceError, match="older than the source's major version 17"):
        target_for(OFFERS, "16.14", "", minimum_major=17)


@given(st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2})?", fullmatch=True))
def test_the_nearest_is_always_an_offer_and_resolves(asked):
    found = nearest(OFFERS, asked)
    assert resolve(OFFERS, found).version == found
