"""One API call: what is repeated, what is not, and what a person reads in the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import calls
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import Patience, call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import ANY, Stubber

VPC = {"Vpc": {"VpcId": "vpc-1"}}


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def patience(self, **limits: Any) -> Patience:
        return Patience(clock=lambda: self.now, sleep=self.sleep, jitter=lambda _low, high: high, **limits)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ec2() -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client("ec2", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b", config=once)


@pytest.fixture
def stub(ec2: Any) -> Iterator[Stubber]:
    with Stubber(ec2) as stub:
        yield stub
        stub.assert_no_pending_responses()


def failing(ec2: Any, *problems: Exception) -> list[str]:
    """Let the next calls end in botocore's own exceptions; return the list that records the calls."""
    pending, seen = list(problems), []

    def answer(model: Any, **_arguments: Any) -> None:
        seen.append(model.name)
        if pending:
            raise pending.pop(0)

    ec2.meta.events.register_first("before-call.ec2", answer)
    return seen


@pytest.mark.parametrize("code", sorted(calls.THROTTLED))
def test_every_throttling_code_is_repeated_even_for_creations(ec2: Any, stub: Stubber, time: Time, code: str) -> None:
    stub.add_client_error("create_vpc", code, http_status_code=400)
    stub.add_response("create_vpc", VPC, {"CidrBlock": "10.0.0.0/16"})

    assert call(ec2, "create_vpc", "create it", patience=time.patience(), CidrBlock="10.0.0.0/16") == VPC
    assert len(time.pauses) == 1


@pytest.mark.parametrize(("status", "repeated"), [(500, True), (502, True), (503, True), (501, False), (400, False)])
def test_an_unknown_code_is_judged_by_its_status(
    ec2: Any, stub: Stubber, time: Time, status: int, repeated: bool
) -> None:
    stub.add_client_error("describe_vpcs", "Strange", http_status_code=status)
    if repeated:
        stub.add_response("describe_vpcs", {"Vpcs": []})
        assert call(ec2, "describe_vpcs", "list them", patience=time.patience()) == {"Vpcs": []}
    else:
        with pytest.raises(ResourceError, match="cannot list them: Strange"):
            call(ec2, "describe_vpcs", "list them", patience=time.patience())


def test_pauses_double_up_to_the_cap_and_attempts_end(ec2: Any, stub: Stubber, time: Time) -> None:
    for _attempt in range(5):
        stub.add_client_error("describe_vpcs", "Throttling", "Rate exceeded")

    with pytest.raises(ResourceError, match=r"cannot list: Throttling: Rate exceeded \(given up after 5 attempts\)"):
        call(ec2, "describe_vpcs", "list", patience=time.patience(attempts=5, base=1, cap=3))
    assert time.pauses == [1, 2, 3, 3]


def test_the_deadline_ends_it_before_the_attempts(ec2: Any, stub: Stubber, time: Time) -> None:
    for _attempt in range(3):
        stub.add_client_error("describe_vpcs", "Throttling")

    with pytest.raises(ResourceError, match="given up after 3 attempts"):
        call(ec2, "describe_vpcs", "list", patience=time.patience(attempts=50, seconds=10, base=4, cap=4))
    assert time.now <= 10


def test_a_missing_object_is_none_and_other_errors_are_told(ec2: Any, stub: Stubber, time: Time) -> None:
    stub.add_client_error("delete_vpc", "InvalidVpcID.NotFound")
    assert call(ec2, "delete_vpc", "delete it", missing=("InvalidVpcID.NotFound",), VpcId="vpc-1") is None

    stub.add_client_error("delete_vpc", "DependencyViolation", "has dependencies")
    with pytest.raises(ResourceError) as caught:
        call(ec2, "delete_vpc", "delete VPC orders", patience=time.patience(), VpcId="vpc-1")
    assert caught.value.message == "cannot delete VPC orders: DependencyViolation: has dependencies"
    assert caught.value.details == {"error_code": "DependencyViolation"}


def test_an_object_made_a_second_ago_may_be_unknown_for_a_while(ec2: Any, stub: Stubber, time: Time) -> None:
    stub.add_client_error("delete_vpc", "InvalidVpcID.NotFound")
    stub.add_response("delete_vpc", {})

    call(ec2, "delete_vpc", "d", eventual=("InvalidVpcID.NotFound",), patience=time.patience(), VpcId="vpc-1")
    assert len(time.pauses) == 1


LOST = ConnectionClosedError(endpoint_url="http://aws")


@pytest.mark.parametrize("problem", [LOST, ReadTimeoutError(endpoint_url="http://aws")])
def test_a_creation_whose_answer_is_lost_looks_before_it_repeats(ec2: Any, time: Time, problem: Exception) -> None:
    seen = failing(ec2, problem)

    made = call(ec2, "create_vpc", "c", found=lambda: VPC, patience=time.patience(), CidrBlock="10.0.0.0/16")

    assert made == VPC
    assert seen == ["CreateVpc"], "a second call would have made a second VPC"


def test_a_creation_that_was_not_carried_out_is_repeated(ec2: Any, stub: Stubber, time: Time) -> None:
    failing(ec2, LOST)
    stub.add_response("create_vpc", VPC, {"CidrBlock": "10.0.0.0/16"})

    made = call(ec2, "create_vpc", "c", found=lambda: None, patience=time.patience(), CidrBlock="10.0.0.0/16")

    assert made == VPC


def test_a_creation_nobody_can_look_for_is_not_repeated(ec2: Any, time: Time) -> None:
    seen = failing(ec2, LOST)

    with pytest.raises(ResourceError, match=r"the answer was lost .* run again"):
        call(ec2, "create_vpc", "create it", patience=time.patience(), CidrBlock="10.0.0.0/16")
    assert seen == ["CreateVpc"]


def test_a_request_that_was_never_sent_is_repeated_also_for_creations(ec2: Any, stub: Stubber, time: Time) -> None:
    failing(ec2, EndpointConnectionError(endpoint_url="http://aws"))
    stub.add_response("create_vpc", VPC, {"CidrBlock": "10.0.0.0/16"})

    assert call(ec2, "create_vpc", "create it", patience=time.patience(), CidrBlock="10.0.0.0/16") == VPC


def test_a_client_token_stays_the_same_over_the_attempts(ec2: Any, stub: Stubber, time: Time) -> None:
    tokens = []
    ec2.meta.events.register("provide-client-params.ec2.*", lambda params, **_: tokens.append(params["ClientToken"]))
    stub.add_client_error("create_nat_gateway", "InternalError", http_status_code=500)
    stub.add_response("create_nat_gateway", {}, {"SubnetId": "subnet-1", "ClientToken": ANY})

    call(ec2, "create_nat_gateway", "c", patience=time.patience(), SubnetId="subnet-1")

    assert len(tokens) == 2
    assert len(set(tokens)) == 1


@pytest.mark.parametrize(("code", "hint"), [("UnauthorizedOperation", "README"), ("ExpiredToken", "log in again")])
def test_what_a_person_can_do_is_said(ec2: Any, stub: Stubber, code: str, hint: str) -> None:
    stub.add_client_error("describe_vpcs", code, "no", http_status_code=403)

    with pytest.raises(ResourceError, match=hint):
        call(ec2, "describe_vpcs", "list")


def test_missing_credentials_are_not_repeated(ec2: Any, time: Time) -> None:
    failing(ec2, NoCredentialsError())

    with pytest.raises(ResourceError, match=r"NoCredentialsError: .* AWS_PROFILE"):
        call(ec2, "describe_vpcs", "list", patience=time.patience())
    assert time.pauses == []


def test_pages_follow_tokens(ec2: Any, stub: Stubber) -> None:
    stub.add_response("describe_vpcs", {"Vpcs": [{"VpcId": "a"}], "NextToken": "t"}, {})
    stub.add_response("describe_vpcs", {"Vpcs": [{"VpcId": "b"}]}, {"NextToken": "t"})

    assert [vpc["VpcId"] for vpc in pages(ec2, "describe_vpcs", "Vpcs", "list")] == ["a", "b"]


def test_pages_of_a_service_with_markers() -> None:
    rds = boto3.client("rds", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(rds) as stub:
        stub.add_response("describe_db_instances", {"DBInstances": [{"DBInstanceIdentifier": "a"}], "Marker": "m"}, {})
        stub.add_response("describe_db_instances", {"DBInstances": []}, {"Marker": "m"})
        assert len(pages(rds, "describe_db_instances", "DBInstances", "list")) == 1


@pytest.mark.parametrize(
    ("service", "family"), [("rds", "DBParameterGroupFamily"), ("elasticache", "CacheParameterGroupFamily")]
)
def test_a_token_may_lie_one_level_down(service: str, family: str) -> None:
    client = boto3.client(service, "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    operation, asked = "describe_engine_default_parameters", {family: "f"}
    first = {"EngineDefaults": {"Parameters": [{"ParameterName": "a"}], "Marker": "m"}}
    with Stubber(client) as stub:
        stub.add_response(operation, first, asked)
        stub.add_response(
            operation, {"EngineDefaults": {"Parameters": [{"ParameterName": "b"}]}}, {**asked, "Marker": "m"}
        )
        found = pages(client, operation, "EngineDefaults.Parameters", "list", **asked)
        stub.assert_no_pending_responses()
    assert [parameter["ParameterName"] for parameter in found] == ["a", "b"]


def test_more_pages_are_there_only_when_the_service_says_so() -> None:
    iam = boto3.client("iam", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    asked = {"RoleName": "r"}
    with Stubber(iam) as stub:
        stub.add_response("list_role_policies", {"PolicyNames": ["a"], "IsTruncated": True, "Marker": "m"}, asked)
        stub.add_response("list_role_policies", {"PolicyNames": ["b"], "IsTruncated": False, "Marker": "n"},
                          {**asked, "Marker": "m"})  # fmt: skip
        assert pages(iam, "list_role_policies", "PolicyNames", "list", **asked) == ["a", "b"]
        stub.add_response("list_role_policies", {"PolicyNames": ["a"], "IsTruncated": True}, asked)
        with pytest.raises(ResourceError, match="truncated"):
            pages(iam, "list_role_policies", "PolicyNames", "list", **asked)


def test_kms_names_its_tokens_differently_in_and_out() -> None:
    kms = boto3.client("kms", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    key = {"KeyId": "k", "KeyArn": "arn:aws:kms:eu-central-1:123456789012:key/k"}
    with Stubber(kms) as stub:
        stub.add_response("list_keys", {"Keys": [key], "Truncated": True, "NextMarker": "m"}, {})
        stub.add_response("list_keys", {"Keys": [key], "Truncated": False}, {"Marker": "m"})
        assert pages(kms, "list_keys", "Keys", "list") == [key, key]


def test_a_client_without_a_model_is_followed_by_the_usual_names() -> None:
    class Plain:
        def describe_things(self, Marker: str = "") -> dict[str, Any]:
            return {"Things": {"Items": ["b"]}} if Marker else {"Things": {"Items": ["a"], "Marker": "m"}}

    assert pages(Plain(), "describe_things", "Things.Items", "list") == ["a", "b"]


def test_a_truncated_answer_without_a_token_is_never_taken_for_the_whole() -> None:
    with pytest.raises(ResourceError, match="truncated"):
        calls._next_page({"IsTruncated": True, "NextPartNumberMarker": 3}, "list")
