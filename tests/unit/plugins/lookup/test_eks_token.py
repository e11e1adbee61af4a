"""The lookup eks_token: its token is the one that botocore signs, with all that decides who signs and where."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
import yaml
from ansible.constants import config as ansible_config
from ansible.errors import AnsibleLookupError
from ansible_collections.amazon.aws.plugins.doc_fragments import common, region
from ansible_collections.bahnvision.aws.plugins.lookup import eks_token
from ansible_collections.bahnvision.aws.plugins.plugin_utils.presigning import Signer, presigned
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NAME = "bahnvision.aws.eks_token"
NOW = datetime(2026, 11, 23, 6, 40, 12, tzinfo=UTC)
GIVEN = {"access_key": "AKIAEXAMPLE", "secret_key": "se+cr/et=", "region": "eu-central-1"}


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch, tmp_path):
    """Nothing of this machine decides."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION", "DEFAULT_REGION",
                 "DEFAULT_PROFILE", "ENDPOINT_URL", "URL", "USE_FIPS_ENDPOINT"):  # fmt: skip
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True, scope="module")
def _documented():
    """The options as they are documented: what Ansible's loader does when it finds a plugin."""
    options = dict(yaml.safe_load(eks_token.DOCUMENTATION)["options"])
    for text in (common.ModuleDocFragment.PLUGINS, region.ModuleDocFragment.PLUGINS):
        options |= yaml.safe_load(text)["options"]
    ansible_config.initialize_plugin_configuration_definitions("lookup", NAME, options)


def looked_up(*names, **options):
    lookup = eks_token.LookupModule()
    lookup._load_name = lookup.ansible_name = NAME
    return lookup.run(list(names), {}, **options)


def address(token: str):
    kind, _dot, text = token.partition(".")
    assert kind == "k8s-aws-v1"
    assert "=" not in text
    return urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())


def query(token: str) -> dict[str, str]:
    return dict(parse_qsl(address(token).query))


@pytest.mark.parametrize("session_token", ["", "FwoG/with+odd=signs//"])
@pytest.mark.parametrize(
    ("place", "endpoint"),
    [
        ("eu-central-1", "https://sts.eu-central-1.amazonaws.com"), ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ("us-east-1", "https://sts-fips.us-east-1.amazonaws.com/"), ("eu-west-1", "http://127.0.0.1:4566"),
        ("us-east-1", "https://sts.amazonaws.com:443"),
    ],
)  # fmt: skip
def test_the_signature_is_that_of_botocore(session_token, place, endpoint, monkeypatch):
    signer = Signer("AKIAEXAMPLE", "se+cr/et=", session_token, place, endpoint)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))
    request = AWSRequest("GET", endpoint.removesuffix("/").removesuffix(":443") + "/", {"x-k8s-aws-id": "app-stage"})
    request.params = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    keys = Credentials("AKIAEXAMPLE", "se+cr/et=", session_token or None)
    SigV4QueryAuth(keys, "sts", place, expires=60).add_auth(request)
    wanted, got = urlsplit(request.url), urlsplit(presigned(signer, "app-stage", NOW))
    assert (got.scheme, got.netloc, got.path) == (wanted.scheme, wanted.netloc, "/")
    assert dict(parse_qsl(got.query)) == dict(parse_qsl(wanted.query))


def test_the_global_endpoint_is_signed_for_its_own_region():
    signer = Signer("AKIAEXAMPLE", "s", "", "eu-central-1", "https://sts.amazonaws.com")
    told = dict(parse_qsl(urlsplit(presigned(signer, "c", NOW)).query))
    assert told["X-Amz-Credential"] == "AKIAEXAMPLE/20261123/us-east-1/sts/aws4_request"


def test_each_name_gets_a_token():
    first, second = looked_up("app-one", "app-two", **GIVEN)
    assert address(first).netloc == "sts.eu-central-1.amazonaws.com"
    assert query(first)["X-Amz-Expires"] == "60"
    assert query(first)["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    assert query(first)["X-Amz-Signature"] != query(second)["X-Amz-Signature"]


@pytest.mark.parametrize(
    ("place", "config", "host"),
    [
        ("cn-northwest-1", {}, "sts.cn-northwest-1.amazonaws.com.cn"),
        ("us-gov-west-1", {"use_fips_endpoint": True}, "sts.us-gov-west-1.amazonaws.com"),
        ("us-east-2", {"use_fips_endpoint": True}, "sts-fips.us-east-2.amazonaws.com"),
    ],
)
def test_botocore_chooses_the_endpoint(place, config, host):
    [token] = looked_up("app", **{**GIVEN, "region": place}, aws_config=config)
    assert address(token).netloc == host
    assert f"/{place}/sts/" in query(token)["X-Amz-Credential"]


def test_the_environment_says_who_signs(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    [token] = looked_up("app")
    assert query(token)["X-Amz-Credential"].startswith("AKIAOTHER/")
    assert query(token)["X-Amz-Security-Token"] == "session"
    assert address(token).netloc == "sts.eu-west-3.amazonaws.com"


def test_a_profile_says_who_signs_and_where(tmp_path):
    (tmp_path / "SHARED_CREDENTIALS_FILE").write_text("[p]\naws_access_key_id=AKIAP\naws_secret_access_key=s\n")
    (tmp_path / "CONFIG_FILE").write_text("[profile p]\nregion=ap-south-1\n")
    [token] = looked_up("app", profile="p")
    assert query(token)["X-Amz-Credential"].startswith("AKIAP/")
    assert address(token).netloc == "sts.ap-south-1.amazonaws.com"


def test_boto3_is_not_asked_when_all_is_given(monkeypatch):
    monkeypatch.setattr(boto3.session, "Session", None)
    [token] = looked_up("app", **GIVEN, endpoint_url="http://127.0.0.1:4566", validate_certs=False)
    assert address(token).netloc == "127.0.0.1:4566"


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        ((), GIVEN, "needs the name of a cluster"),
        (("a/b",), GIVEN, "'a/b' is not the name of an EKS cluster"),
        (("a",), {**GIVEN, "region": ""}, "region"),
        (("a",), {"region": "eu-west-1"}, "found no AWS credentials"),
        (("a",), {**GIVEN, "profile": "p"}, "both a profile and access tokens"),
        (("a",), {"region": "eu-west-1", "profile": "nobody"}, "nobody"),
    ],
)
def test_what_is_missing_is_said(names, options, words):
    with pytest.raises(AnsibleLookupError, match=words) as caught:
        looked_up(*names, **options)
    assert "se+cr" not in str(caught.value)
