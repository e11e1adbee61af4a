"""The planner of rds_proxy: whatever there is and whatever is wanted, one run is enough and says what it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.desired import PROXY_SPEC, input_problems
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.plan import (
    POOL_MEMBERS,
    Seen,
    plan_absent,
    plan_present,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_dict, tags_to_list
from hypothesis import given, settings
from hypothesis import strategies as st

SECRETS = [f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:user-{number}-AbCdEf" for number in range(3)]
ROLES = [f"arn:aws:iam::123456789012:role/proxy-{number}" for number in range(2)]
OPTIONS = {
    "name": "bahnvision-lab", "app": "bahnvision", "stage": "lab", "role_arn": ROLES[0],
    "auth": [{"secret_arn": SECRETS[0]}], "vpc_subnet_ids": ["subnet-b", "subnet-a"],
    "vpc_security_group_ids": ["sg-a"], "db_instance_identifier": "db",
}  # fmt: skip
INSTANCE = {"DBInstanceIdentifier": "db", "DBSubnetGroup": {"VpcId": "vpc-1"}}


def wanted(**changes):
    checked = ArgumentSpecValidator(PROXY_SPEC).validate(OPTIONS | changes)
    assert not checked.error_messages
    return checked.validated_parameters


class Account:
    """What RDS would keep, changed by the actions of a plan alone."""

    def __init__(self):
        self.seen = Seen(None, instance=INSTANCE)

    def carry_out(self, plan):
        for action in plan.actions:
            getattr(self, f"_{action.verb}")(action)

    def _create(self, action):
        params = dict(action.params)
        tags = params.pop("Tags")
        # AWS keeps no order of its own.
        proxy = params | {"DBProxyArn": "arn:proxy", "Status": "available", "VpcId": "vpc-1", "TagList": tags}
        pool = {"MaxConnectionsPercent": 100, "MaxIdleConnectionsPercent": 50, "ConnectionBorrowTimeout": 120}
        self.seen = replace(self.seen, proxy=proxy, pool=pool)

    def _modify(self, action):
        if action.kind == "db_proxy_pool":
            self.seen = replace(self.seen, pool={**self.seen.pool, **action.params})
            return
        params = dict(action.params)
        if "SecurityGroups" in params:
            params["VpcSecurityGroupIds"] = list(reversed(params.pop("SecurityGroups")))
        self._proxy(**params)

    def _tag(self, action):
        self._proxy(TagList=tags_to_list(tags_to_dict(self.seen.proxy["TagList"]) | action.params["tags"]))

    def _untag(self, action):
        self._proxy(TagList=[tag for tag in self.seen.proxy["TagList"] if tag["Key"] not in action.params["keys"]])

    def _register(self, action):
        assert not self.seen.targets, "a target group takes one target"
        target = {"RdsResourceId": action.params["instance"], "Type": "RDS_INSTANCE"}
        self.seen = replace(self.seen, targets=(target,))

    def _deregister(self, action):
        gone = action.params["DBInstanceIdentifiers"]
        kept = tuple(target for target in self.seen.targets if target["RdsResourceId"] not in gone)
        self.seen = replace(self.seen, targets=kept)

    def _delete(self, _action):
        assert not self.seen.targets
        self.seen = Seen(None, instance=INSTANCE)

    def _proxy(self, **changes):
        self.seen = replace(self.seen, proxy={**self.seen.proxy, **changes})


@st.composite
def proxies(draw):
    most = draw(st.integers(1, 100))
    secrets = draw(st.lists(st.sampled_from(SECRETS), min_size=1, unique=True))
    return wanted(
        role_arn=draw(st.sampled_from(ROLES)),
        auth=[
            {"secret_arn": secret, "iam_auth": draw(st.sampled_from(["DISABLED", "REQUIRED"])),
             "description": draw(st.sampled_from(["", "a user"]))}
            for secret in secrets
        ],
        vpc_security_group_ids=draw(st.lists(st.sampled_from(["sg-a", "sg-b", "sg-c"]), min_size=1)),
        idle_client_timeout=draw(st.sampled_from([1, 900, 28800])),
        debug_logging=draw(st.booleans()),
        max_connections_percent=most,
        max_idle_connections_percent=draw(st.none() | st.integers(0, most)),
        connection_borrow_timeout=draw(st.integers(0, 300)),
        init_query=draw(st.sampled_from(["", "SET x = 1"])),
        db_instance_identifier=draw(st.sampled_from(["db", "restored"])),
        tags=draw(st.none() | st.dictionaries(st.sampled_from(["team", "cost"]), st.sampled_from(["a", "b"]))),
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(proxies(), proxies())
def test_one_run_leads_from_anything_to_anything(first, second):
    account = Account()
    for want in (first, second):
        account.carry_out(plan_present(want, account.seen, complete=True))
        assert plan_present(want, account.seen, complete=True).actions == ()
    pool = account.seen.pool
    assert 0 <= pool["MaxIdleConnectionsPercent"] <= pool["MaxConnectionsPercent"]
    account.carry_out(plan_absent(second, account.seen))
    assert plan_absent(second, account.seen).actions == ()


@settings(max_examples=50, deadline=None)
@given(proxies(), proxies())
def test_the_diff_is_what_differs(first, second):
    account = Account()
    account.carry_out(plan_present(first, account.seen, complete=True))
    diff = plan_present(second, account.seen, complete=True).diff()
    sides = {side: diff[side].get("db_proxy bahnvision-lab", {}) for side in ("before", "after")}
    for option in set(sides["after"]) - {"tags", "removed_tags"}:
        assert sides["before"][option] != sides["after"][option]
    pool = diff["after"].get("db_proxy_pool bahnvision-lab", {})
    assert {option: second[option] for option in pool if option in second and second[option] is not None} == {
        option: value for option, value in pool.items() if second[option] is not None
    }


def present(account=None, complete=True, **changes):
    account = account or Account()
    return plan_present(wanted(**changes), account.seen, complete)


def made(**changes):
    account = Account()
    account.carry_out(present(account, **changes))
    return account


def test_the_shares_of_the_pool_go_together():
    account = made(max_connections_percent=80, max_idle_connections_percent=20)
    action = next(iter(present(account, max_connections_percent=60, max_idle_connections_percent=20).actions))
    assert action.params == {"MaxConnectionsPercent": 60, "MaxIdleConnectionsPercent": 20}
    assert action.after == {"max_connections_percent": 60}


def test_only_what_rds_knows_is_sent():
    create = present().actions[0].params
    assert set(create) == {
        "DBProxyName", "EngineFamily", "Auth", "RoleArn", "VpcSubnetIds", "VpcSecurityGroupIds", "RequireTLS",
        "IdleClientTimeout", "DebugLogging", "Tags",
    }  # fmt: skip
    assert create["Auth"] == [
        {"AuthScheme": "SECRETS", "SecretArn": SECRETS[0], "IAMAuth": "DISABLED",
         "ClientPasswordAuthType": "POSTGRES_SCRAM_SHA_256"},
    ]  # fmt: skip
    assert present(auth=[{"secret_arn": SECRETS[0], "iam_auth": "REQUIRED"}]).actions[0].params["Auth"] == [
        {"AuthScheme": "SECRETS", "SecretArn": SECRETS[0], "IAMAuth": "REQUIRED"},
    ]
    assert set(POOL_MEMBERS.values()) >= set(present(connection_borrow_timeout=1).actions[1].params)


def test_a_target_is_exchanged_in_the_order_that_rds_needs():
    account = made()
    actions = present(account, db_instance_identifier="restored", complete=False).actions
    assert [(action.verb, action.before, action.after) for action in actions] == [
        ("deregister", {"target": "db"}, {}), ("register", {}, {"target": "restored"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Capital"}, "no name for a proxy"),
        ({"name": "two--hyphens"}, "no name for a proxy"),
        ({"name": "a" * 64}, "no name for a proxy"),
        ({"idle_client_timeout": 0}, "between 1 and 28800"),
        ({"max_connections_percent": 0}, "between 1 and 100"),
        ({"max_connections_percent": 40, "max_idle_connections_percent": 41}, "between 0 and 40"),
        ({"connection_borrow_timeout": 301}, "between 0 and 300"),
        ({"session_pinning_filters": ["EXCLUDE_VARIABLE_SETS"]}, "only for MySQL"),
        ({"auth": []}, "1 to 200 secrets"),
        ({"auth": [{"secret_arn": SECRETS[0][:-7]}]}, "not the whole ARN"),
        ({"auth": [{"secret_arn": ""}]}, "not the whole ARN"),
        ({"auth": [{"secret_arn": SECRETS[0]}] * 2}, "same secret twice"),
        ({"auth": [{"secret_arn": SECRETS[0], "iam_auth": "REQUIRED"}], "require_tls": False}, "needs require_tls"),
        ({"role_arn": "bahnvision"}, "not the ARN of a role"),
        ({"vpc_subnet_ids": ["subnet-a", "subnet-a"]}, "two zones"),
        ({"vpc_security_group_ids": []}, "one group or more"),
        ({"db_instance_identifier": ""}, "is empty"),
    ],
)
def test_what_rds_would_refuse(changes, words):
    with pytest.raises(ResourceError, match="cannot create db_proxy") as refusal:
        present(**changes)
    assert words in refusal.value.message


def test_nothing_is_asked_of_what_is_yet_to_be_made():
    blank = {"role_arn": "", "auth": [{"secret_arn": ""}], "vpc_subnet_ids": ["", ""], "vpc_security_group_ids": [""]}
    assert input_problems(wanted(**{**blank, "vpc_subnet_ids": []}), complete=False) == []
    assert input_problems(wanted(**blank), complete=False) == []
    assert len(input_problems(wanted(**blank), complete=True)) == 4
    assert present(made(), complete=False, **blank).changed


def test_the_instance_must_exist_and_live_in_the_same_vpc():
    account = Account()
    account.seen = Seen(None)
    with pytest.raises(ResourceError, match="db does not exist"):
        present(account)
    assert present(account, complete=False).changed
    account = made()
    elsewhere = {"DBInstanceIdentifier": "new", "DBSubnetGroup": {"VpcId": "vpc-2"}}
    account.seen = replace(account.seen, instance=elsewhere)
    with pytest.raises(ResourceError, match="must be in the same VPC"):
        present(account, db_instance_identifier="new")


def test_what_cannot_change_in_place():
    account = made()
    with pytest.raises(ResourceError, match=r"it has subnet-a, subnet-b; wanted are .*make it anew"):
        present(account, vpc_subnet_ids=["subnet-a", "subnet-c"])
    left_out = present(account, vpc_subnet_ids=["subnet-a", "subnet-b", "subnet-c"])
    assert not left_out.changed
    assert "does not use subnet-c" in left_out.notes[0]
    account._proxy(EngineFamily="MYSQL")
    with pytest.raises(ResourceError, match="engine family MYSQL cannot become POSTGRESQL"):
        present(account)


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("key", ["app", "stage", "managed-by"])
def test_what_is_not_ours_is_not_touched(state, key):
    account = made()
    account._proxy(TagList=[tag for tag in account.seen.proxy["TagList"] if tag["Key"] != key])
    plan = plan_absent if state == "absent" else lambda want, seen: plan_present(want, seen, complete=True)
    with pytest.raises(ResourceError, match=f"is not ours .*{key}=no such tag"):
        plan(wanted(), account.seen)


def test_a_proxy_that_is_going_is_let_go():
    account = made()
    account._proxy(Status="deleting", TagList=[])
    assert not plan_absent(wanted(state="absent"), account.seen).changed
