"""The plan for the application's user: when it rotates, what it leaves to a function, what it refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user import database
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.password import password_problem, verifier
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.plan import Seen, content_of, plan_present
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.secret import Secret, Version
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.spec import USER_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import identity_tags

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WANT = {name: option.get("default") for name, option in USER_SPEC.items()} | {
    "identifier": "orders-lab", "app": "orders", "stage": "lab", "database": "orders", "username": "orders_app",
    "secret_name": "orders-lab-rds-app", "tags": {},
}  # fmt: skip
INSTANCE = {"Endpoint": {"Address": "db.example", "Port": 5432}}
LIMIT = {"connection_limit": -1}
LOGIN = {"login": True, "createdb": False, "createrole": False, "inherit": True, **LIMIT}
STATE = {
    "role": {**LOGIN, "comment": database.mark("orders", "lab")},
    "owner": {**LOGIN, "login": False, "comment": database.mark("orders", "lab")},
    "member": True, "master": "postgres", "master_member": True, "acts_as": "orders_owner",
    "database_owner": "orders_owner", "objects": [],
}  # fmt: skip


def version(password="aB3aB3aB3aB3", days=1, identifier="one"):
    content = content_of(WANT, INSTANCE) | {"password": password}
    return Version(identifier, NOW - timedelta(days=days), content)


def secret(**changes):
    fields = {"tags": identity_tags("orders", "lab", "rds"), "current": version()}
    return Secret(
        "arn:aws:secretsmanager:x:1:secret:orders-lab-rds-app-AbCdEf", "orders-lab-rds-app", **fields | changes
    )


def plan(held=None, state=..., logs_in=True, **wish):
    seen = Seen(INSTANCE, held or secret(), STATE if state is ... else state, logs_in)
    return plan_present(WANT | wish, seen, NOW)


def steps(*arguments, **wish):
    return [str(action) for action in plan(*arguments, **wish).actions]


def test_nothing_is_left_to_do():
    assert steps() == []


@pytest.mark.parametrize(
    ("held", "wish", "reason"),
    [
        (secret(current=version(days=30)), {}, "older than 30 days"),
        (secret(current=version(days=400)), {"rotate_after_days": 0, "rotate": True}, "asked for"),
        (secret(pending=version(identifier="two")), {}, "interrupted"),
        (secret(), {"password": "another:one1"}, "another password"),
        (secret(current=version(password="")), {}, "no password"),
        (secret(current=version(password="with/slash1")), {}, "no password that RDS takes"),
    ],
)
def test_it_rotates_for_a_reason(held, wish, reason):
    (action,) = plan(held, **wish).actions
    assert str(action) == "rotate password orders_app"
    assert reason in action.after["rotated"]


@pytest.mark.parametrize("wish", [{"rotate_after_days": 0}, {"rotate_after_days": 401}])
def test_it_does_not_rotate_before_its_time(wish):
    assert steps(secret(current=version(days=400)), **wish) == []


FUNCTION = {"rotation_lambda_arn": "arn:aws:lambda:x:1:function:rotate"}


def test_a_function_of_ones_own_is_configured_and_rotates_alone():
    old = secret(current=version(days=400), pending=version(identifier="two"))
    assert steps(old, **FUNCTION) == ["schedule rotation orders-lab-rds-app"]
    done = secret(current=version(days=400), rotated_by=FUNCTION["rotation_lambda_arn"], rotated_after=30)
    assert steps(done, **FUNCTION) == []
    assert steps(done, **FUNCTION, logs_in=False) == []
    assert steps(done, **FUNCTION, rotate=True) == ["schedule rotation orders-lab-rds-app"]
    assert steps(secret(rotated_by="arn:function", rotated_after=30)) == ["cancel rotation orders-lab-rds-app"]


def test_a_new_address_is_written_into_the_secret_with_the_same_password():
    moved = Seen({"Endpoint": {"Address": "copy.example", "Port": 5432}}, secret(), STATE, True)
    (action,) = plan_present(WANT, moved, NOW).actions
    assert (str(action), action.after) == ("modify secret orders-lab-rds-app", {"host": "copy.example"})
    assert "password" not in str(action)


def test_while_a_migration_is_under_way_its_objects_are_left_alone():
    state = STATE | {"objects": [["table", "public.stops"]]}
    under_way = Seen(INSTANCE, secret(), state, True, migrating=True)
    told = plan_present(WANT, under_way, NOW)
    assert told.actions == ()
    assert "migration" in told.notes[0]
    (action,) = plan(state=state).actions
    assert action.params["sql"] == ['alter table public.stops owner to "orders_owner"']


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ({"username": "pg_app"}, "keeps for itself"),
        ({"owner": "orders_app"}, "must differ"),
        ({"connection_limit": -2}, "must be -1"),
        ({"rotate_after_days": 1001}, "between 0"),
        ({"secret_recovery_days": 3}, "between 7 and 30"),
        ({**FUNCTION, "rotate_after_days": 0}, "needs rotate_after_days"),
        ({"password": "blank in it"}, "none of"),
        ({"password": "x" * 129}, "8 to 128"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(wish, text):
    with pytest.raises(ResourceError, match=text):
        plan(**wish)


@pytest.mark.parametrize(
    ("held", "state"),
    [(secret(tags={}), STATE), (None, STATE | {"role": {**LOGIN, "comment": None}}),
     (None, STATE | {"owner": {**LOGIN, "comment": "a person's"}})],
)  # fmt: skip
def test_what_is_not_ours_is_refused(held, state):
    with pytest.raises(ResourceError, match="is not ours"):
        plan(held, state)


def test_no_representation_of_a_version_shows_its_password():
    assert "aB3aB3aB3aB3" not in repr(secret())


def test_the_verifier_is_the_one_of_the_standard():
    """RFC 7677's example: user, password pencil, its salt, 4096 rounds."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    method, rounds, rest = verifier("pencil", salt).partition("$")[0], 4096, verifier("pencil", salt)
    stored, server = rest.rpartition("$")[2].split(":")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", salt, rounds)
    assert method == "SCRAM-SHA-256"
    assert stored == base64.b64encode(
        hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    ).decode()  # fmt: skip
    message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signed = hmac.digest(base64.b64decode(server), message, "sha256")
    assert base64.b64encode(signed).decode() == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.mark.parametrize("password", ["eight888", "a" * 128, "#;%&?=+:~"])
def test_passwords_within_the_rules_are_taken(password):
    assert password_problem(password) == ""
