"""What an upgrade would do and what is in its way: from what AWS tells, without AWS."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon_plan import Build
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_checks import aws_findings
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_look import Look
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_plan import plan_part
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import Offer
from ansible_collections.bahnvision.aws.plugins.module_utils._report.eks_upgrade import content
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.findings import accepted

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WANT = {
    "name": "shop", "version": "1.35", "addon_versions": {}, "force_node_groups": [], "resolve_conflicts": "OVERWRITE",
}  # fmt: skip
GROUP = {
    "nodegroupName": "main", "version": "1.34", "status": "ACTIVE", "subnets": ["subnet-a", "subnet-b"],
    "scalingConfig": {"desiredSize": 3}, "updateConfig": {"maxUnavailable": 1}, "instanceTypes": ["t3.large"],
    "amiType": "AL2023_x86_64_STANDARD",
}  # fmt: skip
INSIGHT = {
    "name": "Deprecated APIs", "kubernetesVersion": "1.35", "lastRefreshTime": NOW,
    "insightStatus": {"status": "PASSING", "reason": "none found"},
}  # fmt: skip
SEEN = Look(
    cluster={"version": "1.34", "status": "ACTIVE", "resourcesVpcConfig": {"subnetIds": ["subnet-a", "subnet-b"]}},
    offers=[Offer(f"1.{minor}", "standard", standard_until=date(2027, 3, 27)) for minor in (36, 35, 34)],
    addons=[{"addonName": "coredns", "addonVersion": "v1.11.1-eksbuild.1", "status": "ACTIVE"}],
    builds={"coredns": (Build("v1.13.0-eksbuild.1", False), Build("v1.12.0-eksbuild.1", True))},
    groups=[GROUP],
    insights=[INSIGHT],
    subnets=[{"SubnetId": f"subnet-{zone}", "AvailabilityZone": zone, "AvailableIpAddressCount": 100} for zone in "ab"],
    types=[{"InstanceType": "t3.large", "NetworkInfo": {"Ipv4AddressesPerInterface": 12}}],
    now=NOW,
)


def steps(seen=SEEN, **wish):
    want = {**WANT, **wish}
    return [(action.name, action.after) for part in ("control_plane", "addons", "node_groups")
            for action in plan_part(part, want, seen)]  # fmt: skip


def failing(seen=SEEN, **wish):
    return [f"{one.name}: {one.detail}" for one in aws_findings({**WANT, **wish}, seen) if one.result == "fail"]


def test_all_is_left_to_do_before_the_first_step():
    assert steps() == [
        ("shop", {"version": "1.35"}), ("coredns", {"version": "v1.12.0-eksbuild.1"}), ("main", {"version": "1.35"}),
    ]  # fmt: skip
    assert failing() == []


def test_what_a_killed_run_has_done_is_not_done_again():
    seen = replace(SEEN, cluster={**SEEN.cluster, "version": "1.35"})
    assert [name for name, _after in steps(seen)] == ["coredns", "main"]
    seen = replace(seen, addons=[{**SEEN.addons[0], "addonVersion": "v1.12.0-eksbuild.1"}])
    assert [name for name, _after in steps(seen)] == ["main"]
    assert steps(replace(seen, groups=[{**GROUP, "version": "1.35"}])) == []
    # The insights are then about the version after this one.
    error = {**INSIGHT, "kubernetesVersion": "1.36", "insightStatus": {"status": "ERROR", "reason": "old"}}
    assert failing(replace(seen, insights=[error])) == []


def test_a_newer_addon_that_fits_stays_and_one_that_is_named_is_taken():
    seen = replace(SEEN, addons=[{**SEEN.addons[0], "addonVersion": "v1.13.0-eksbuild.1"}])
    assert [name for name, _after in steps(seen)] == ["shop", "main"]
    named = steps(seen, addon_versions={"coredns": "v1.12"})
    assert ("coredns", {"version": "v1.12.0-eksbuild.1"}) in named


def test_pods_are_ended_only_in_groups_that_are_named():
    (group,) = plan_part("node_groups", WANT, SEEN)
    assert group.params == {"version": "1.35", "force": False}
    (group,) = plan_part("node_groups", {**WANT, "force_node_groups": ["main"]}, SEEN)
    assert group.params == {"version": "1.35", "force": True}
    assert "there is no node group other" in failing(force_node_groups=["other"])[0]


def test_an_image_of_ones_own_is_left_to_its_owner():
    seen = replace(SEEN, groups=[{**GROUP, "amiType": "CUSTOM"}])
    assert plan_part("node_groups", WANT, seen) == []
    assert [one.result for one in aws_findings(WANT, seen) if one.name == "Node group main"] == ["warn"]


@pytest.mark.parametrize(
    ("version", "words"),
    [("1.36", "one minor version at a time: ask for 1.35"), ("1.33", "does not go back"), ("two", "is no Kubernetes")],
)
def test_skips_and_ways_back_cannot_be_accepted(version, words):
    (finding,) = aws_findings({**WANT, "version": version}, SEEN)
    assert (finding.result, finding.mark) == ("fail", "")
    assert words in finding.detail


def test_a_version_that_has_left_support_is_refused():
    offers = [Offer("1.36", "standard"), Offer("1.35", "extended", standard_until=date(2026, 3, 1))]
    assert "left standard support" in failing(replace(SEEN, offers=offers))[0]
    extended = {**SEEN.cluster, "upgradePolicy": {"supportType": "EXTENDED"}}
    assert failing(replace(SEEN, offers=offers, cluster=extended)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"insights": [{**INSIGHT, "insightStatus": {"status": "ERROR", "reason": "in use"}, "categorySpecificSummary":
                        {"deprecationDetails": [{"usage": "/apis/x/v1beta1", "replacedWith": "/apis/x/v1"}]}}]},
         "in use: /apis/x/v1beta1 (instead: /apis/x/v1)"),
        ({"addons": [{**SEEN.addons[0], "status": "DEGRADED", "health": {"issues": [{"code": "C", "message": "m"}]}}]},
         "it is DEGRADED: C: m"),
        ({"builds": {}}, "EKS offers no version of it for Kubernetes 1.35"),
        ({"groups": [{**GROUP, "health": {"issues": [{"code": "AsgInstanceLaunchFailures", "message": "none"}]}}]},
         "AsgInstanceLaunchFailures"),
        ({"groups": [{**GROUP, "version": "1.31"}]}, "too old for a control plane of 1.35"),
        ({"subnets": [{**one, "AvailableIpAddressCount": 4} for one in SEEN.subnets]}, "it needs 5 in each"),
        ({"subnets": [{**one, "AvailableIpAddressCount": 20} for one in SEEN.subnets]}, "4 nodes more need 48"),
        ({"cluster": {**SEEN.cluster, "status": "FAILED"}}, "it is FAILED"),
    ],
)  # fmt: skip
def test_what_would_break_is_refused(change, words):
    assert words in " | ".join(failing(replace(SEEN, **change)))


def test_what_eks_has_not_looked_at_for_a_day_is_doubted():
    old = {**INSIGHT, "lastRefreshTime": NOW - timedelta(hours=30)}
    findings = {one.name: one for one in aws_findings(WANT, replace(SEEN, insights=[old]))}
    assert findings["Insight: Deprecated APIs"].result == "warn"
    assert "StartInsightsRefresh" in findings["Insight: Deprecated APIs"].detail
    assert "EKS tells nothing of 1.35" in aws_findings(WANT, replace(SEEN, insights=[]))[3].detail


def test_one_finding_is_accepted_by_its_mark_and_no_other():
    bad = replace(SEEN, builds={}, groups=[{**GROUP, "status": "DEGRADED"}])
    left = accepted(aws_findings(WANT, bad), ["addon:coredns"])
    assert [one.mark for one in left if one.result == "fail"] == ["node-group:main"]


def test_the_report_tells_what_is_done_and_what_is_left():
    plan = {"control_plane": [{"name": "shop", "from": "1.34", "to": "1.35"}], "addons": [],
            "node_groups": [{"name": name, "from": "1.34", "to": "1.35"} for name in ("a", "b")]}  # fmt: skip
    results = {"aws": {"plan": plan, "findings": [], "running_version": "1.34"}, "control_plane": {"changed": True},
               "node_groups": {"failed": True, "msg": "PodEvictionFailure"}}  # fmt: skip
    told = content(results, "1.35")
    assert told["verdict"] == {"result": "fail", "sentence": "PodEvictionFailure"}
    assert [row["state"] for row in told["sections"][0]["rows"]] == ["pass", "fail", "fail"]
    foreseen = content({"aws": results["aws"]}, "1.35", True)
    assert "3 steps are left" in foreseen["verdict"]["sentence"]
    done = {**results, "node_groups": {"changed": True}, "aws_after": {"plan": {}, "findings": []}}
    assert content(done, "1.35")["verdict"]["result"] == "pass"
