"""Which version of Kubernetes a cluster gets, and an add-on."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon_plan import builds_from, choose
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import (
    offers_from,
    refuse_short_lived,
    resolve,
    target_for,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError


def offer(version, status, **more):
    return {"clusterVersion": version, "versionStatus": status, "clusterType": "eks", **more}


# As EKS offered them in November 2026, out of order.
OFFERS = offers_from([
    offer("1.34", "STANDARD_SUPPORT", endOfStandardSupportDate=datetime(2026, 12, 2, tzinfo=UTC)),
    offer("1.36", "STANDARD_SUPPORT"),
    offer("1.33", "EXTENDED_SUPPORT", endOfStandardSupportDate=datetime(2026, 7, 29, tzinfo=UTC)),
    offer("1.35", "STANDARD_SUPPORT", defaultVersion=True),
    offer("1.31", "UNSUPPORTED"),
])  # fmt: skip


def test_the_newest_in_standard_support_is_taken_and_not_the_default_of_eks():
    assert resolve(OFFERS, "", extended=False).version == "1.36"
    assert resolve(OFFERS, "1.34", extended=False).version == "1.34"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("1.28", "Kubernetes 1.28 is not offered by EKS (any more); the nearest offered is 1.34"),
        ("1.31", "the nearest offered is 1.34"),
        ("1.33", "has left standard support (on 2026-07-29); EKS bills extended support six times as high"),
        ("1.99", "the nearest offered is 1.36"),
        ("1.35.2", "no Kubernetes version of EKS"),
        ("latest", "no Kubernetes version of EKS"),
    ],
)
def test_what_eks_would_refuse_is_refused_with_the_nearest(asked, told):
    with pytest.raises(ResourceError) as refused:
        resolve(OFFERS, asked, extended=False)
    assert told in refused.value.message


def test_extended_support_is_for_those_who_ask_for_it():
    assert resolve(OFFERS, "1.33", extended=True).version == "1.33"
    assert resolve(OFFERS, "", extended=True).version == "1.36"


def test_a_region_without_versions_is_told():
    with pytest.raises(ResourceError, match="check the region"):
        resolve((), "", extended=False)


def test_a_running_cluster_moves_only_when_it_is_asked_and_allowed():
    assert target_for(OFFERS, "1.34", "", allow=False, extended=False) == "1.34"
    assert target_for(OFFERS, "1.34", "1.34", allow=False, extended=False) == "1.34"
    assert target_for(OFFERS, "1.34", "1.35", allow=True, extended=False) == "1.35"


@pytest.mark.parametrize(
    ("running", "asked", "allow", "told"),
    [
        ("1.34", "1.36", True, "ask for 1.35 first"),
        ("1.35", "1.34", True, "does not go back to 1.34"),
        ("1.34", "1.35", False, "allow_version_upgrade"),
        ("1.36", "1.37", True, "not offered"),
    ],
)
def test_an_upgrade_that_cannot_be_is_refused(running, asked, allow, told):
    with pytest.raises(ResourceError) as refused:
        target_for(OFFERS, running, asked, allow=allow, extended=False)
    assert told in refused.value.message


def addon(*builds):
    return [{
        "addonName": "vpc-cni",
        "addonVersions": [
            {"addonVersion": version, "compatibilities": [{"clusterVersion": kubernetes, "defaultVersion": default}]}
            for version, kubernetes, default in builds
        ],
    }]  # fmt: skip


BUILDS = builds_from(
    addon(
        ("v1.9.3-eksbuild.10", "1.35", False), ("v1.19.0-eksbuild.1", "1.35", True),
        ("v1.20.0-eksbuild.1", "1.35", False), ("v1.21.0-eksbuild.1", "1.36", True),
    ),
    "vpc-cni", "1.35",
)  # fmt: skip


def test_an_addon_gets_the_default_that_fits_and_keeps_what_fits():
    assert [build.version for build in BUILDS] == ["v1.20.0-eksbuild.1", "v1.19.0-eksbuild.1", "v1.9.3-eksbuild.10"]
    assert choose("vpc-cni", BUILDS, "", "", "1.35") == "v1.19.0-eksbuild.1"
    assert choose("vpc-cni", BUILDS, "", "v1.9.3-eksbuild.10", "1.35") == "v1.9.3-eksbuild.10"
    assert choose("vpc-cni", BUILDS, "", "v1.5.0-eksbuild.1", "1.35") == "v1.19.0-eksbuild.1"
    assert choose("vpc-cni", BUILDS, "latest", "v1.9.3-eksbuild.10", "1.35") == "v1.20.0-eksbuild.1"
    assert choose("vpc-cni", BUILDS, "v1.19", "", "1.35") == "v1.19.0-eksbuild.1"
    assert choose("vpc-cni", BUILDS, "v1.9.3-eksbuild.10", "", "1.35") == "v1.9.3-eksbuild.10"


def test_an_addon_that_does_not_fit_is_refused_with_what_does():
    with pytest.raises(ResourceError, match=r"v1\.21\.0-eksbuild\.1 does not fit Kubernetes 1\.35.*v1\.20\.0"):
        choose("vpc-cni", BUILDS, "v1.21.0-eksbuild.1", "", "1.35")
    with pytest.raises(ResourceError, match="no add-on vpc-cnx"):
        choose("vpc-cnx", (), "", "", "1.35")


def test_what_would_have_to_be_upgraded_at_once_is_not_begun_with():
    soon = resolve(OFFERS, "1.34", extended=False)
    refuse_short_lived(soon, date(2026, 11, 23), 0)
    refuse_short_lived(soon, date(2026, 11, 23), 9)
    refuse_short_lived(resolve(OFFERS, "1.36", extended=False), date(2026, 11, 23), 400)
    with pytest.raises(ResourceError, match=r"1\.34 leaves standard support on 2026-12-02, in less than 10 days"):
        refuse_short_lived(soon, date(2026, 11, 23), 10)
