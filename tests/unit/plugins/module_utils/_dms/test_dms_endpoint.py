"""What is planned for an endpoint; its password is nowhere in the plan."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.endpoint import (
    ENDPOINT_SPEC,
    EXTRA,
    Seen,
    plan_absent,
    plan_present,
    wanted_secret,
    wanted_settings,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

SIDE = {"host": "db", "port": 5432, "database": "shop", "user": "u", "password": "canary", "sslmode": "require"}
ROLE = "arn:aws:iam::123456789012:role/dms"
WISH: dict[str, Any] = {
    **{name: option.get("default") for name, option in ENDPOINT_SPEC.items()},
    "app": "shop", "stage": "lab", "name": "shop-lab-dms-source", "endpoint_type": "source", "connection": SIDE,
    "role_arn": ROLE, "tags": {},
}  # fmt: skip


def seen(**changes: Any) -> Seen:
    endpoint = {
        "EndpointArn": "arn:e", "EndpointType": "SOURCE", "SslMode": "require", "ExtraConnectionAttributes": EXTRA,
        "PostgreSQLSettings": {**wanted_settings(WISH, "arn:secret"), "HeartbeatEnable": False},
    }  # fmt: skip
    secret = {"arn": "arn:secret", "tags": wanted_tags(WISH), "content": wanted_secret(WISH), "deleted": False}
    return Seen(**{"endpoint": endpoint, "tags": wanted_tags(WISH), "secret": secret, **changes})


def steps(found: Seen, **changes: Any) -> list[str]:
    return [str(action) for action in plan_present({**WISH, **changes}, found, complete=True).actions]


def test_the_secret_comes_first_and_a_second_run_does_nothing() -> None:
    name = WISH["name"]

    assert steps(Seen()) == [f"create secret {name}", f"create dms_endpoint {name}"]
    assert steps(seen()) == []
    assert [str(action) for action in plan_absent(WISH, seen()).actions] == [
        f"delete dms_endpoint {name}", f"delete secret {name}",
    ]  # fmt: skip
    assert plan_absent(WISH, Seen()).actions == ()


def test_a_changed_password_changes_the_secret_and_is_shown_nowhere() -> None:
    changed = {**WISH, "connection": {**SIDE, "password": "another-canary"}}

    plan = plan_present(changed, seen(), complete=True)

    assert [str(action) for action in plan.actions] == [f"modify secret {WISH['name']}"]
    assert "canary" not in str(plan) + str(plan.diff())
    assert "canary" not in str(plan_present(WISH, Seen(), complete=True))


@pytest.mark.parametrize(
    ("sslmode", "certificate", "word", "noted"),
    [
        ("disable", "", "none", "does not encrypt"), ("prefer", "", "none", "does not encrypt"),
        ("require", "", "require", ""), ("verify-full", "", "require", "does not verify"),
        ("verify-full", "arn:cert", "verify-full", ""),
    ],
)  # fmt: skip
def test_the_protection_that_was_asked_for(sslmode: str, certificate: str, word: str, noted: str) -> None:
    wish = {**WISH, "connection": {**SIDE, "sslmode": sslmode}, "certificate_arn": certificate}

    plan = plan_present(wish, Seen(), complete=True)

    assert plan.actions[1].after["ssl_mode"] == word
    assert noted in "".join(plan.notes)
    assert bool(plan.notes) == bool(noted)


@pytest.mark.parametrize(
    ("found", "change", "words"),
    [
        (seen(tags={}), {}, "is not ours"),
        (seen(secret={"arn": "a", "tags": {}, "content": {}, "deleted": False}), {}, "secret .* is not ours"),
        (Seen(), {"role_arn": "dms"}, "is not the ARN of a role"),
        (Seen(), {"name": "1a"}, "a letter first"),
        (seen(), {"endpoint_type": "target"}, "it is a source and cannot become a target"),
        (Seen(), {"connection": {**SIDE, "sslmode": "always"}}, "sslmode 'always' is none of"),
    ],
)
def test_what_cannot_be_is_refused(found: Seen, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ResourceError, match=words):
        plan_present({**WISH, **change}, found, complete=True)
