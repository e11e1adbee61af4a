"""One IAM role from nothing to gone, on moto's IAM: foreseen, made, made once, changed, and never a stranger's."""

from __future__ import annotations

import json

import boto3
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._iam.role import ROLE_SPEC, ensure_role
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from botocore.exceptions import ClientError
from moto import mock_aws

READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
LIST = json.loads(json.dumps(READ).replace("GetObject", "ListBucket"))
WANT = {name: option.get("default") for name, option in ROLE_SPEC.items()} | {
    "name": "orders-lab-rds-proxy", "app": "orders", "stage": "lab", "component": "rds", "service": "rds.amazonaws.com",
    "policies": {"read": READ}, "tags": {},
}  # fmt: skip


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("iam", region_name="eu-central-1")


@pytest.fixture
def policy(iam) -> str:
    made = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(READ))
    return made["Policy"]["Arn"]


def ensure(iam, check_mode=False, **wish):
    return ensure_role({"iam": iam}, WANT | wish, check_mode)


def test_the_four_runs(iam, policy):
    wish = {"managed_policies": [policy]}
    foreseen = ensure(iam, check_mode=True, **wish)
    assert iam.list_roles()["Roles"] == []
    made = ensure(iam, **wish)
    assert (made["actions"], made["diff"]) == (foreseen["actions"], foreseen["diff"])
    assert made["role"]["arn"].endswith(":role/orders-lab-rds-proxy")
    for check_mode in (True, False):
        assert ensure(iam, check_mode=check_mode, **wish)["actions"] == []


@pytest.mark.parametrize(
    ("change", "verbs"),
    [
        ({"policies": {}}, ["drop"]),
        ({"policies": {"read": LIST}}, ["put"]),
        ({"policies": {"read": READ, "more": READ}}, ["put"]),
        ({"service": "monitoring.rds.amazonaws.com"}, ["trust"]),
        ({"tags": {"team": "data"}}, ["tag"]),
    ],
)
def test_a_change_is_foreseen_made_and_made_once(iam, change, verbs):
    ensure(iam)

    foreseen = ensure(iam, check_mode=True, **change)
    made = ensure(iam, **change)

    assert made["diff"] == foreseen["diff"]
    assert [action.split()[0] for action in made["actions"]] == verbs
    assert ensure(iam, **change)["actions"] == []


def test_a_policy_that_was_attached_by_hand_is_taken_away(iam, policy):
    ensure(iam)
    iam.attach_role_policy(RoleName=WANT["name"], PolicyArn=policy)

    assert ensure(iam)["actions"] == [f"detach iam_role {WANT['name']}"]


def test_a_role_killed_between_its_policies_is_completed(iam):
    ensure(iam, policies={})
    assert ensure(iam)["actions"] == [f"put iam_role {WANT['name']}"]


def test_a_strangers_role_is_neither_changed_nor_removed(iam):
    iam.create_role(RoleName=WANT["name"], AssumeRolePolicyDocument="{}")
    for state in ("present", "absent"):
        with pytest.raises(ResourceError, match="is not ours"):
            ensure(iam, state=state)
    assert len(iam.list_roles()["Roles"]) == 1


def test_the_removal_empties_the_role_first_and_is_done_once(iam, policy):
    ensure(iam, managed_policies=[policy])
    gone = ensure(iam, state="absent")
    assert [action.split()[0] for action in gone["actions"]] == ["detach", "drop", "delete"]
    assert iam.list_roles()["Roles"] == []
    assert ensure(iam, state="absent")["actions"] == []


def test_a_policy_of_aws_lies_in_the_partition_of_the_region(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    wish = {"managed_policies": ["service-role/AmazonRDSEnhancedMonitoringRole"]}
    with mock_aws():
        for region, partition in (("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-central-1", "aws")):
            client = boto3.client("iam", region_name=region)
            foreseen = ensure(client, check_mode=True, **wish)
            arn = f"arn:{partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
            assert foreseen["diff"]["after"][f"iam_role {WANT['name']}"][arn] == "attached"


class Untold:
    """An IAM whose other half learns of a role only with the third call about it."""

    def __init__(self, iam, operations):
        self.iam, self.left = iam, dict.fromkeys(operations, 2)
        self.meta = iam.meta

    def __getattr__(self, operation):
        def slow(**params):
            made = self.iam.list_roles()["Roles"]
            if made and self.left.get(operation, 0):
                self.left[operation] -= 1
                told = {"Code": "NoSuchEntity", "Message": "The role cannot be found."}
                raise ClientError({"Error": told, "ResponseMetadata": {"HTTPStatusCode": 404}}, operation)
            return getattr(self.iam, operation)(**params)

        return slow


def test_a_role_of_which_iam_does_not_know_everywhere_yet_is_made_whole(iam, policy):
    slow = Untold(iam, ("get_role", "attach_role_policy", "put_role_policy"))

    made = ensure(slow, managed_policies=[policy])

    assert made["role"]["arn"].endswith(WANT["name"])
    assert set(slow.left.values()) == {0}
    assert ensure(iam, managed_policies=[policy])["actions"] == []


def test_a_boundary_is_exchanged_and_never_taken_away(iam, policy):
    ensure(iam)

    assert ensure(iam, permissions_boundary=policy)["actions"] == [f"bound iam_role {WANT['name']}"]

    for wish in ({"permissions_boundary": policy}, {}):
        assert ensure(iam, **wish)["actions"] == []
    held = iam.get_role(RoleName=WANT["name"])["Role"]["PermissionsBoundary"]
    assert held["PermissionsBoundaryArn"] == policy


@pytest.mark.parametrize("name", ["r" * 65, "with blank"])
def test_a_name_that_iam_does_not_take_is_refused_before_the_first_write(iam, name):
    with pytest.raises(ResourceError, match="IAM takes 64"):
        ensure(iam, name=name)
    assert iam.list_roles()["Roles"] == []


def test_a_source_limits_the_trust_also_of_a_role_that_was_made_without(iam):
    sts = boto3.client("sts", region_name="eu-central-1")
    wish = {**WANT, "service": "monitoring.rds.amazonaws.com", "region": "eu-central-1"}
    limited = {**wish, "trusted_source": "rds:db:*"}
    ensure_role({"iam": iam, "sts": sts}, wish, False)

    foreseen = ensure_role({"iam": iam, "sts": sts}, limited, True)
    made = ensure_role({"iam": iam, "sts": sts}, limited, False)

    assert foreseen["actions"] == made["actions"] == ["trust iam_role orders-lab-rds-proxy"]
    assert made["diff"] == foreseen["diff"]
    document = iam.get_role(RoleName=WANT["name"])["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:rds:eu-central-1:123456789012:db:*"},
    }
    assert ensure_role({"iam": iam, "sts": sts}, limited, True)["actions"] == []
    ensure_role({"iam": iam, "sts": sts}, {**limited, "state": "absent"}, False)
    anew = ensure_role({"iam": iam, "sts": sts}, limited, False)
    assert anew["actions"][0].startswith("create")
    assert ensure_role({"iam": iam, "sts": sts}, limited, False)["actions"] == []
    with pytest.raises(ResourceError, match="such as rds:db"):
        ensure_role({"iam": iam, "sts": sts}, {**limited, "trusted_source": "everything"}, True)


CLUSTER = "https://oidc.eks.eu-central-1.amazonaws.com/id/0123ABCD"
POD = {"service": "pods.eks.amazonaws.com", "cluster_name": "orders-lab", "service_accounts": ["orders/backend"]}


def document(iam):
    (statement,) = iam.get_role(RoleName=WANT["name"])["Role"]["AssumeRolePolicyDocument"]["Statement"]
    return statement


def test_pods_of_one_service_account_take_a_role_by_pod_identity(iam):
    assert ensure(iam, check_mode=True, **POD)["actions"] == ensure(iam, **POD)["actions"]
    assert document(iam) == {
        "Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {
            "aws:RequestTag/eks-cluster-name": "orders-lab", "aws:RequestTag/kubernetes-namespace": "orders",
            "aws:RequestTag/kubernetes-service-account": "backend",
        }},
    }  # fmt: skip
    assert ensure(iam, **POD)["actions"] == []


def test_each_service_account_has_a_statement_of_its_own(iam):
    ensure(iam, **{**POD, "service_accounts": ["shop/web", "orders/backend"]})
    held = iam.get_role(RoleName=WANT["name"])["Role"]["AssumeRolePolicyDocument"]["Statement"]
    # In one condition the namespace of the one and the name of the other would fit together.
    tags = [statement["Condition"]["StringEquals"] for statement in held]
    assert [tag["aws:RequestTag/kubernetes-namespace"] for tag in tags] == ["orders", "shop"]


def test_a_cluster_with_auto_mode_tags_its_sessions(iam):
    ensure(iam, service="eks.amazonaws.com")
    wish = {"service": "eks.amazonaws.com", "trust_actions": ["sts:TagSession", "sts:AssumeRole"]}

    assert ensure(iam, **wish)["actions"] == [f"trust iam_role {WANT['name']}"]

    assert document(iam)["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert ensure(iam, **wish)["actions"] == []


def test_pods_take_a_role_by_the_cluster_s_oidc_provider(iam):
    clients = {"iam": iam, "sts": boto3.client("sts", region_name="eu-central-1")}
    wish = {**WANT, "service": None, "oidc_issuer": CLUSTER, "service_accounts": ["kube-system/controller"]}
    ensure_role(clients, {**WANT, **POD}, False)

    assert ensure_role(clients, wish, False)["actions"] == [f"trust iam_role {WANT['name']}"]

    issuer = CLUSTER.removeprefix("https://")
    assert document(iam) == {
        "Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": "system:serviceaccount:kube-system:controller",
        }},
    }  # fmt: skip
    assert ensure_role(clients, wish, True)["actions"] == []


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"service": None, "oidc_issuer": CLUSTER}, "every Pod of the cluster"),
        ({"service": None, "oidc_issuer": "an issuer", "service_accounts": ["a/b"]}, "no address"),
        ({"service_accounts": ["a/b"]}, "service_accounts are for pods"),
        ({"cluster_name": "orders-lab"}, "cluster_name is for pods"),
        ({**POD, "service_accounts": ["backend"]}, "namespace/name"),
        ({**POD, "service_accounts": ["orders/*"]}, "namespace/name"),
        ({"trust_actions": ["sts:TagSession"]}, "lack sts:AssumeRole"),
    ],
)
def test_a_trust_for_more_than_was_meant_is_refused_before_the_first_write(iam, wish, words):
    with pytest.raises(ResourceError, match=words):
        ensure(iam, **wish)
    assert iam.list_roles()["Roles"] == []
