"""The role vpc against a lab, judged by the requests that AWS saw: exact runs, changes, kills, refusals, removal."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from bahnvision_lab.testing import running_lab
from stage import ROOT, assert_four_runs
from vpc_world import ABSENT, BUCKET, FULL, FULL_OF_MODULE, NOTHING, WHOLE, NetworkStage

ENSURE = "present | Ensure the network"
REMOVE = "absent | Remove the network"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkStage]:
    with running_lab(tmp_path_factory.mktemp("vpc-role") / "lab") as lab:
        lab.client("s3").create_bucket(
            Bucket=BUCKET.rpartition(":")[2], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield NetworkStage(lab)


def test_the_four_runs_and_the_removal_with_all_there_is(stage: NetworkStage) -> None:
    foreseen, made = assert_four_runs(stage, **FULL)
    assert made.tasks[ENSURE]["actions"] == foreseen.tasks[ENSURE]["actions"]
    assert made.tasks[ENSURE]["diff"] == foreseen.tasks[ENSURE]["diff"]
    assert stage.living("bahnvision") == WHOLE

    unconfirmed = stage.run(vpc_state="absent")
    assert (unconfirmed.code, unconfirmed.reads, unconfirmed.writes) == (2, [], [])
    assert "Set vpc_confirm_absent to the name of the stage (lab)" in unconfirmed.errors[0]

    foreseen = stage.run("--check", **ABSENT)
    assert (foreseen.changed, foreseen.writes) == ([REMOVE], [])
    removed = stage.run(**ABSENT)
    assert (removed.code, removed.changed) == (0, [REMOVE])
    assert removed.tasks[REMOVE]["actions"] == foreseen.tasks[REMOVE]["actions"]
    assert stage.living("bahnvision") == NOTHING
    again = stage.run(**ABSENT)
    assert (again.code, again.changed, again.writes) == (0, [], [])


# Each change, with the steps that it alone must foresee. They build on each other from top to bottom.
CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one NAT gateway": ({"vpc_nat": "single"}, ["create elastic IP {n}-nat-{a}", "create NAT gateway {n}-nat-{a}"]),
    "an endpoint": ({"vpc_interface_endpoints": ["sts"]}, ["create interface endpoint {n}-sts"]),
    "a flow log": ({"vpc_flow_logs": "cloud-watch-logs"}, ["create flow log {n}-flow-logs", "create role {n}-vpc"]),
    "a tag": ({"vpc_tags": {"owner": "me"}}, ["tag VPC {n}", "tag route table {n}-data"]),
    "a further range": ({"vpc_secondary_cidrs": ["100.64.0.0/16"]}, ["extend VPC {n}"]),
    "a third zone": ({"vpc_zone_count": 3}, ["create subnet {n}-private-{c}", "create route table {n}-private-{c}"]),
    "NAT per zone": ({"vpc_nat": "per_az"}, ["create NAT gateway {n}-nat-{b}", "route route table {n}-private-{b}"]),
    "another endpoint": ({"vpc_interface_endpoints": ["xray"]}, ["delete interface endpoint {n}-sts"]),
    "IPv6": ({"vpc_ipv6": True}, ["create egress-only gateway {n}-eigw", "number subnet {n}-data-{a}"]),
    "retention": ({"vpc_flow_logs_retention_days": 30}, ["change log group /{app}/lab/vpc-flow-logs"]),
    "a subnet tag": (
        {"vpc_subnet_tags": {"public": {"tier-of": "edge"}, "private": {}, "data": {}}}, ["tag subnet {n}-public-{a}"],
    ),
    "endpoints with the data": ({"vpc_endpoint_tier": "data"}, ["move interface endpoint {n}-xray"]),
    "to a bucket": (
        {"vpc_flow_logs": "s3", "vpc_flow_logs_bucket_arn": BUCKET},
        ["create flow log {n}-flow-logs", "delete role {n}-vpc", "delete flow log {n}-flow-logs"],
    ),
    "a policy": (
        {"vpc_endpoint_policies": {"xray": {"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "xray:Put*", "Resource": "*"}
        ]}}}, ["allow interface endpoint {n}-xray"],
    ),
    "no NAT": ({"vpc_nat": "none"}, ["unroute route table {n}-private-{a}", "delete elastic IP {n}-nat-{c}"]),
    "no S3 endpoint": ({"vpc_s3_endpoint": []}, ["delete S3 endpoint {n}-s3"]),
    "the further range away": ({"vpc_secondary_cidrs": []}, ["reduce VPC {n}"]),
    "no host names": ({"vpc_interface_endpoints": [], "vpc_endpoint_policies": {}, "vpc_dns_hostnames": False}, [
        "change VPC {n}", "delete security group {n}-endpoints",
    ]),
}  # fmt: skip


def steps_of(change: str, app: str) -> list[str]:
    zones = {letter: f"eu-central-1{letter}" for letter in "abc"}
    return [text.format(n=f"{app}-lab", app=app, **zones) for text in CHANGES[change][1]]


def make_changes(stage: NetworkStage, app: str, held: dict[str, Any], changes: list[str], vpc_id: str) -> None:
    """Make some changes in one run, in place, each of them foreseen."""
    for change in changes:
        held |= CHANGES[change][0]

    foreseen = stage.run("--check", "--diff", vpc_app=app, **held)
    assert (foreseen.code, foreseen.writes) == (0, []), foreseen.errors
    for change in changes:
        for step in steps_of(change, app):
            assert [text for text in foreseen.tasks[ENSURE]["actions"] if text.startswith(step)], (change, step)
    made = stage.run("--diff", vpc_app=app, **held)
    assert (made.code, made.changed) == (0, [ENSURE]), made.errors
    assert made.tasks[ENSURE]["actions"] == foreseen.tasks[ENSURE]["actions"]
    assert made.tasks[ENSURE]["diff"] == foreseen.tasks[ENSURE]["diff"]
    assert made.tasks[ENSURE]["network"]["vpc_id"] == vpc_id
    assert not {"CreateVpc", "DeleteVpc"} & set(made.writes)


def settled(stage: NetworkStage, app: str, held: dict[str, Any]) -> str:
    """Nothing is left to do; return the id of the VPC."""
    left = stage.run("--check", vpc_app=app, **held)
    assert (left.code, left.changed) == (0, []), left.errors
    return left.tasks[ENSURE]["network"]["vpc_id"]


START = {"vpc_nat": "none", "vpc_zone_count": 2, "vpc_cidr": "10.40.0.0/16"}


@pytest.mark.timeout(1800)  # thirteen runs, beside other tests
def test_changes_are_foreseen_and_made_in_place(stage: NetworkStage) -> None:
    """All changes of the table in four runs; `make test-full` makes them one by one."""
    app, held = "changed", dict(START)
    vpc_id = stage.run(vpc_app=app, **held).tasks[ENSURE]["network"]["vpc_id"]
    names = list(CHANGES)
    for part in (names[:6], names[6:11], names[11:17], names[17:]):
        make_changes(stage, app, held, part, vpc_id)

    drifted = drift(stage, app)
    mended = stage.run("--diff", vpc_app=app, **held)
    assert mended.before(ENSURE)[f"default security group {app}-lab"] == {"ingress": ["tcp 22 0.0.0.0/0"], "egress": []}
    assert mended.tasks[ENSURE]["actions"] == [f"empty default security group {app}-lab"], drifted
    assert stage.run(vpc_app=app, **held).writes == []
    left = stage.living(app)
    assert (left["nats"], left["addresses"], left["endpoints"], left["flow logs"], left["roles"]) == (0, 0, 0, 1, 0)
    assert stage.run(vpc_app=app, **ABSENT).code == 0
    assert stage.living(app) == NOTHING


def drift(stage: NetworkStage, app: str) -> str:
    """Somebody opens the default security group."""
    ec2 = stage.lab.client("ec2")
    vpc_id = ec2.describe_vpcs(Filters=[{"Name": "tag:app", "Values": [app]}])["Vpcs"][0]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    return group


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_changes_one_by_one(stage: NetworkStage) -> None:
    app, held = "onebyone", dict(START)
    assert stage.run(vpc_app=app, **held).code == 0
    for change in CHANGES:
        make_changes(stage, app, held, [change], settled(stage, app, held))
    settled(stage, app, held)
    assert stage.run(vpc_app=app, **ABSENT).code == 0
    assert stage.living(app) == NOTHING


# How many runs are killed, and how many of these kills are kept for the removal.
KILLS = [(7, 3), pytest.param((20, 7), marks=pytest.mark.full)]


def converge_through_kills(
    stage: NetworkStage, dice: random.Random, most: int, module: dict[str, Any], inputs: dict[str, Any]
) -> int:
    """Kill every run of the module at a random write and let the next go on, until one comes through.

    Then the role goes on while three calls of ten are throttled, and the next run of it finds nothing. Return how many
    were killed; after `most` of them the run is left alone.
    """
    before = stage.kills
    while stage.kills - before < most:
        writes = dice.randint(1, 6)
        # A run that ends before that many writes is not killed.
        if stage.kill_at(writes, within=0.1, module=module) < writes:
            break
    with stage.lab.faults(throttle=0.3):
        last = stage.run(**inputs)
        assert last.code == 0, last.errors
        again = stage.run(**inputs)
    assert (again.code, again.changed, again.writes) == (0, [], []), again.errors
    told = {entry["error"] for entry in (*last.requests, *again.requests)}
    assert told & {"RequestLimitExceeded", "ThrottlingException"}, "nothing was throttled"
    return stage.kills - before


@pytest.mark.timeout(1800)  # thirty runs, beside other tests
@pytest.mark.parametrize("kills", KILLS, ids=lambda kills: str(kills[0]))
def test_killed_at_random_writes_and_throttled_it_converges_and_leaves_nothing(
    stage: NetworkStage, kills: tuple[int, int]
) -> None:
    """SIGKILL to the module, while it makes the network and while it removes it; the role goes on from there."""
    seed = random.randrange(10**6)
    dice, app, (left, kept) = random.Random(seed), "killed", kills
    makes = {"app": app, "stage": "lab", **FULL_OF_MODULE}
    removes = {"app": app, "stage": "lab", "state": "absent"}
    # A pause in each call, so that the time until the kill is not the time of a whole run.
    with stage.lab.faults(delay_ms=20):
        while left > 0:
            left -= converge_through_kills(stage, dice, max(left - kept, 1), makes, {"vpc_app": app, **FULL})
            assert stage.living(app) == WHOLE, f"seed {seed}"
            left -= converge_through_kills(stage, dice, left, removes, {"vpc_app": app, **ABSENT})
            assert stage.living(app) == NOTHING, f"seed {seed}"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "overlap": (
        {"vpc_subnets": [
            {"cidr": "10.0.0.0/20", "zone": "eu-central-1a", "tier": "data"},
            {"cidr": "10.0.1.0/24", "zone": "eu-central-1b", "tier": "data"},
        ], "vpc_nat": "none"}, "overlap",
    ),
    "small subnet": (
        {"vpc_subnets": [{"cidr": "10.0.0.0/28", "zone": "eu-central-1a", "tier": "data"}]},
        "too small: it has 11 usable addresses",
    ),
    "one zone": ({"vpc_zones": ["eu-central-1a"]}, "lie in one zone"),
    "service": ({"vpc_interface_endpoints": ["secretmanager"]}, "did you mean secretsmanager"),
    "further range": ({"vpc_secondary_cidrs": ["192.168.0.0/16"]}, "AWS does not allow the secondary range"),
    "forbidden range": ({"vpc_forbidden_cidrs": ["10.0.0.0/12"]}, "overlaps 10.0.0.0/12, which is forbidden"),
    "argument": ({"vpc_nat": "two"}, "value of vpc_nat must be one of: none, single, per_az"),
}  # fmt: skip


# What the module refuses is refused without a lab too (test_vpc_refusals, test_vpc_full_refusals).
QUICK = ("overlap", "argument")


@pytest.mark.parametrize(
    "case", [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in REFUSED]
)
def test_bad_input_is_one_clear_error_and_no_write(stage: NetworkStage, case: str) -> None:
    inputs, reason = REFUSED[case]

    refused = stage.run(vpc_app="refused", **inputs)

    assert (refused.code, refused.writes, len(refused.errors)) == (2, [], 1)
    assert reason in refused.errors[0] + json.dumps(refused.tasks)


def test_wrong_credentials_are_told_with_what_to_do(stage: NetworkStage) -> None:
    connection = {
        "region": "eu-central-1", "endpoint_url": stage.lab.environment()["AWS_ENDPOINT_URL"],
        "access_key": "AKIAWRONG", "secret_key": "wrong",
    }  # fmt: skip

    refused = stage.run(aws_connection=connection)

    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "cannot list the VPCs of the region" in refused.errors[0]
    assert "AWS does not know these credentials" in refused.errors[0]


# What no run of these tests asks for, and why the README names it nevertheless.
UNSEEN = {
    "iam:PassRole",  # no call of its own: AWS asks for it when the flow log gets the role
    "s3:ListBucket",  # the action behind HeadBucket
    "ec2:ReplaceRouteTableAssociation",  # a subnet that somebody put under another table
    "iam:UpdateAssumeRolePolicy",  # somebody changed who may use the role
    "logs:AssociateKmsKey", "logs:DisassociateKmsKey", "logs:DeleteRetentionPolicy",  # other inputs
    "logs:UntagResource", "iam:UntagRole", "ec2:DeleteTags",  # with vpc_purge_tags
    "ec2:CreateTags",  # also asked for by every creation with tags
    "logs:TagResource", "iam:TagRole", "logs:ListTagsForResource",
}  # fmt: skip


def test_the_readme_lists_the_actions_that_the_runs_above_used(stage: NetworkStage) -> None:
    text = (ROOT / "roles" / "vpc" / "README.md").read_text()
    listed = {
        f"{service}:{name}"
        for service, names in re.findall(r"^- `(ec2|iam|logs|s3)`[^:]*:((?:.*\n)(?:  .*\n)*)", text, re.M)
        for name in re.findall(r"`([A-Z][A-Za-z0-9]+)`", names)
    }
    used = stage.used - {"s3:HeadBucket"}

    assert used, "the tests above have not run"
    assert used - listed == set(), "the README lacks them"
    if {"ec2:DeleteVpc", "ec2:ReplaceRoute", "ec2:DisassociateVpcCidrBlock"} <= used:  # all tests have run
        assert listed - used - UNSEEN == set(), "the README names more than is needed"
