"""What rds_proxy waits for, what it says while it waits in vain, and what it does when answers are lost."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.desired import PROXY_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.health import FINAL_AFTER, Look, Watch
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.proxy import ensure_proxy
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from botocore.exceptions import ClientError, ReadTimeoutError

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf"
ROLE = "arn:aws:iam::123456789012:role/proxy"
OPTIONS = {
    "name": "orders", "app": "orders", "stage": "lab", "role_arn": ROLE, "auth": [{"secret_arn": SECRET}],
    "vpc_subnet_ids": ["subnet-a", "subnet-b"], "vpc_security_group_ids": ["sg-a"], "db_instance_identifier": "db",
    "wait_pause": 0.001, "wait_timeout": 5,
}  # fmt: skip
REGISTERING = {"State": "REGISTERING"}
CAPACITY = {"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY", "Description": "waits for capacity"}
REFUSED = {"State": "UNAVAILABLE", "Reason": "AUTH_FAILURE", "Description": "no credentials"}
AVAILABLE = {"State": "AVAILABLE"}


def params(**changes):
    return ArgumentSpecValidator(PROXY_SPEC).validate(OPTIONS | changes).validated_parameters


def error(code, message="x", status=400):
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "X"
    )


class SlowRds:
    """A proxy and an instance that are slow: each list is what the next looks show; the last entry stays."""

    def __init__(self, **stories):
        self.proxy = None
        self.target = None
        self.tags = []
        self.writes = []
        self.stories = {
            "proxy": ["creating", "creating", "available"], "instance": ["available"],
            "health": [REGISTERING, CAPACITY, AVAILABLE], **stories,
        }  # fmt: skip
        self.lose = set()

    def _next(self, story):
        left = self.stories[story]
        return left.pop(0) if len(left) > 1 else left[0]

    def _write(self, operation):
        self.writes.append(operation)
        if operation in self.lose:
            self.lose.discard(operation)
            raise ReadTimeoutError(endpoint_url="x")
        return {}

    def describe_db_proxies(self, DBProxyName):
        if self.proxy is None:
            raise error("DBProxyNotFoundFault", status=404)
        self.proxy["Status"] = self._next("proxy")
        if self.proxy["Status"] == "gone":
            self.proxy = None
            raise error("DBProxyNotFoundFault", status=404)
        return {"DBProxies": [dict(self.proxy)]}

    def describe_db_proxy_target_groups(self, DBProxyName):
        pool = {"MaxConnectionsPercent": 100, "MaxIdleConnectionsPercent": 50, "ConnectionBorrowTimeout": 120}
        return {"TargetGroups": [{"ConnectionPoolConfig": pool}]}

    def describe_db_proxy_targets(self, DBProxyName):
        if self.target is None:
            return {"Targets": []}
        return {"Targets": [{"RdsResourceId": self.target, "TargetHealth": self._next("health")}]}

    def describe_db_instances(self, DBInstanceIdentifier):
        status = self._next("instance")
        return {"DBInstances": [{"DBInstanceIdentifier": DBInstanceIdentifier, "DBInstanceStatus": status}]}

    def list_tags_for_resource(self, ResourceName):
        return {"TagList": self.tags}

    def create_db_proxy(self, Tags, **proxy):
        self.proxy, self.tags = {**proxy, "DBProxyArn": "arn:proxy", "Endpoint": "address", "VpcId": "vpc"}, Tags
        return self._write("create")

    def register_db_proxy_targets(self, DBProxyName, TargetGroupName, DBInstanceIdentifiers):
        if self.target is not None:
            raise error("DBProxyTargetAlreadyRegisteredFault")
        assert self.proxy["Status"] == "available"
        self.target = DBInstanceIdentifiers[0]
        return self._write("register")

    def deregister_db_proxy_targets(self, DBProxyName, TargetGroupName, DBInstanceIdentifiers):
        if self.target not in DBInstanceIdentifiers:
            raise error("DBProxyTargetNotFoundFault", status=404)
        self.target = None
        return self._write("deregister")

    def delete_db_proxy(self, DBProxyName):
        if self.proxy is None:
            raise error("DBProxyNotFoundFault", status=404)
        self.stories["proxy"] = ["deleting", "deleting", "gone"]
        return self._write("delete")


def run(rds, **changes):
    return ensure_proxy({"rds": rds}, params(**changes), False)


def test_each_step_waits_for_what_it_stands_on():
    rds = SlowRds(instance=["creating", "creating", "backing-up"])
    made = run(rds)
    assert rds.writes == ["create", "register"]
    assert rds.stories["instance"] == ["backing-up"]
    assert made["proxy"]["target_health"] == {"state": "AVAILABLE"}
    assert (made["proxy"]["endpoint"], made["proxy"]["port"]) == ("address", 5432)
    assert not run(rds)["changed"]


def test_without_wait_nobody_waits_for_the_target():
    rds = SlowRds(health=[CAPACITY])
    assert run(rds, wait=False)["proxy"]["target_health"]["reason"] == "PENDING_PROXY_CAPACITY"


def test_lost_answers_do_nothing_twice(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    rds = SlowRds()
    rds.lose = {"create", "register"}
    assert run(rds)["changed"]
    assert rds.writes == ["create", "register"]
    rds.lose = {"deregister", "delete"}
    assert run(rds, state="absent")["proxy"] == {}
    assert rds.writes[2:] == ["deregister", "delete", "delete"]


def test_a_run_that_meets_a_proxy_on_its_way_out_waits_and_makes_it_anew():
    rds = SlowRds()
    run(rds)
    rds.target = None
    rds.stories["proxy"] = ["deleting", "deleting", "gone", "creating", "available"]
    rds.stories["health"] = [AVAILABLE]
    assert run(rds)["actions"] == ["create db_proxy orders", "register db_proxy_target orders"]


@pytest.mark.parametrize(
    ("stories", "patience", "words"),
    [
        ({"proxy": ["creating", "insufficient-resource-limits"]}, 5, "its status is insufficient-resource-limits"),
        ({"instance": ["available", "creating", "failed"]}, 5, "no target for db_proxy orders: failed"),
        ({"health": [REFUSED]}, 5, "AUTH_FAILURE (no credentials); check that the role"),
        ({"proxy": ["creating"]}, 0.02, "not there after 0.02 s; last seen: creating"),
        ({"health": [CAPACITY]}, 0.02, "last seen: proxy available, target UNAVAILABLE, PENDING_PROXY_CAPACITY"),
    ],
)
def test_a_wait_in_vain_says_what_was_seen(stories, patience, words):
    with pytest.raises(ResourceError) as failure:
        ensure_proxy({"rds": SlowRds(**stories)}, params() | {"wait_timeout": patience}, False)
    assert words in failure.value.message


def test_a_refusal_is_final_only_when_it_lasts():
    watch = Watch(params())
    proxy = {"Status": "available"}

    def look(health):
        return Look(proxy, [{"RdsResourceId": "db", "TargetHealth": health}])

    for _number in range(FINAL_AFTER - 1):
        assert watch.failed(look(REFUSED)) is None
    assert watch.failed(look(CAPACITY)) is None
    for _number in range(FINAL_AFTER - 1):
        assert watch.failed(look(REFUSED)) is None
    assert f"({FINAL_AFTER} looks in a row)" in watch.failed(look(REFUSED))
    assert "deregistered" in watch.failed(Look(proxy, []))
    assert "disappeared" in watch.failed(Look(None, []))
    assert not watch.done(Look({"Status": "modifying"}, look(AVAILABLE).targets))
    assert watch.done(look(AVAILABLE))


def test_a_role_made_a_moment_ago_is_waited_for():
    class Young:
        left = 3

        def create_db_proxy(self, **_params):
            self.left -= 1
            if self.left >= 0:
                raise error("InvalidParameterValue", "RDS is not authorized to assume the IAM role")
            return {}

    pauses = []
    api.create_proxy(Young(), {"DBProxyName": "orders"}, sleep=pauses.append)
    assert len(pauses) == 3
    never = Young()
    never.left = 99
    with pytest.raises(ResourceError, match="not authorized to assume"):
        api.create_proxy(never, {"DBProxyName": "orders"}, sleep=pauses.append)


def test_another_refusal_counts_at_once():
    class Strict:
        def create_db_proxy(self, **_params):
            raise error("InvalidSubnet", "two zones")

    with pytest.raises(ResourceError, match="two zones"):
        api.create_proxy(Strict(), {"DBProxyName": "orders"}, sleep=lambda _seconds: pytest.fail("it waited"))
