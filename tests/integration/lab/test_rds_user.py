"""The application's user on a real server: the pair works, owns its database, is rotated, and survives kills.

The tests of this file share one lab and one instance, and follow each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user import secret as secret_calls
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.user import Work
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from bahnvision_lab.testing import running_lab
from rds_world import SECRET, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_lab(tmp_path_factory.mktemp("rds-user") / "lab") as lab:
        world = World(lab)
        world.parameter_group("logged", "postgres15", {"log_statement": "ddl", "rds.force_ssl": "1"})
        world.instance(db_parameter_group_name="logged")
        yield world


def opens(world: World, content: dict[str, Any], **options: Any) -> bool:
    try:
        world.connect(content, **options).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_four_runs_and_a_pair_that_works(world: World) -> None:
    before = world.writes()
    foreseen = world.user(check_mode=True)
    assert world.writes() == before
    made = world.user()
    assert made["changed"]
    assert (made["actions"], made["diff"]) == (foreseen["actions"], foreseen["diff"])
    before = world.writes()
    for check_mode in (True, False):
        assert world.user(check_mode=check_mode)["actions"] == []
    assert world.writes() == before

    content = world.content()
    keys = ["dbInstanceIdentifier", "dbname", "engine", "host", "password", "port", "username"]
    assert sorted(content) == keys, "the keys that AWS's rotation functions and the proxy read"
    with world.connect(content) as connection:
        assert connection.execute("select current_user, session_user").fetchone() == (
            "bahnvision_owner", "bahnvision_app",
        )  # fmt: skip
    assert content["password"] not in json.dumps(made)
    tags = {tag["Key"]: tag["Value"] for tag in world.secrets.describe_secret(SecretId=SECRET)["Tags"]}
    assert (tags["app"], tags["stage"], tags["managed-by"]) == ("bahnvision", "lab", "bahnvision.aws")


def test_plain_connections_and_wrong_passwords_are_refused(world: World) -> None:
    assert not opens(world, world.content(), sslmode="disable", sslrootcert=None)
    assert not opens(world, world.content(), password="wrong")


def test_no_password_is_in_the_servers_log_or_in_the_labs(world: World) -> None:
    logs = [path for path in world.lab.state.folder.rglob("*") if path.is_file() and path.suffix in (".log", ".jsonl")]
    assert any("ALTER ROLE" in path.read_text(errors="replace").upper() for path in logs), "nothing was looked at"
    password = world.content()["password"]
    assert [path.name for path in logs if password in path.read_text(errors="replace")] == []


def test_migrations_of_the_application_may_alter_what_the_master_moved_in(world: World) -> None:
    with world.master() as master:
        master.execute("create type colour as enum ('red')")
        master.execute("create table moved (id bigint generated always as identity, old serial, c colour)")
        master.execute("create function one() returns int language sql as 'select 1'")
        master.execute("create schema extra create table extra.second (id int)")
        master.execute("insert into moved (c) values ('red')")
    with world.connect(world.content()) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("alter table moved add column late int")

    foreseen = world.user(check_mode=True)
    handed = world.user()

    assert handed["diff"] == foreseen["diff"]
    told = handed["diff"]["before"]["database bahnvision"]["objects_of_master"]
    for name in ("schema extra", "table public.moved", "type public.colour", "function public.one()"):
        assert name in told
    with world.connect(world.content()) as app:
        app.execute("alter table moved add column late int")
        app.execute("alter type colour add value 'blue'")
        app.execute("create table own (id int)")
        app.execute("drop table extra.second")
        assert app.execute("select count(*) from moved").fetchone() == (1,)
    with world.master() as master:
        owners = master.execute("select distinct tableowner from pg_tables where schemaname = 'public'").fetchall()
    assert owners == [("bahnvision_owner",)]
    assert world.user()["actions"] == []


def test_the_user_is_no_superuser_and_makes_no_roles(world: World) -> None:
    with world.connect(world.content()) as app:
        for statement in ("create role other", "create database other", "select * from pg_authid"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


@pytest.mark.parametrize("limit", [3, -1])
def test_the_connection_limit_is_changed_in_place(world: World, limit: int) -> None:
    foreseen = world.user(check_mode=True, connection_limit=limit)
    made = world.user(connection_limit=limit)

    assert made["diff"] == foreseen["diff"]
    assert made["diff"]["after"] == {"database_role bahnvision_app": {"connection_limit": limit}}
    assert world.user(connection_limit=limit)["actions"] == []


def test_a_rotation_ends_the_old_password(world: World) -> None:
    old = world.content()

    foreseen = world.user(check_mode=True, rotate=True)
    made = world.user(rotate=True)

    assert foreseen["actions"] == made["actions"] == ["rotate password bahnvision_app"]
    assert world.content()["password"] != old["password"]
    assert (opens(world, world.content()), opens(world, old)) == (True, False)
    assert world.content("AWSPREVIOUS") == old
    assert world.user()["actions"] == []


class Killed(BaseException):
    """Nothing of ours catches it, as nothing catches SIGKILL: what is left is what AWS and the server keep."""


STEPS = [(secret_calls, "put"), (Work, "_set_password"), (Work, "_test"), (secret_calls, "finish")]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=[name for _owner, name in STEPS])
def test_a_rotation_that_was_killed_is_completed_with_the_same_password(
    world: World, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str], after: bool
) -> None:
    old, (owner, name) = world.content(), step
    real = getattr(owner, name)

    def kill(*arguments: Any) -> None:
        if after:
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, kill)
        with pytest.raises(Killed):
            world.user(rotate=True)
    known = [world.content()]
    if "AWSPENDING" in world.stages():
        known.append(world.content("AWSPENDING"))
    assert [content for content in known if opens(world, content)], "nobody knows the password any more"

    world.user(rotate=True) if (name, after) == ("put", False) else world.user()

    assert opens(world, world.content())
    assert not opens(world, old)
    assert world.content()["password"] == known[-1]["password"] or (name, after) == ("put", False)
    assert world.user()["actions"] == []


def test_a_password_that_somebody_changed_is_set_back(world: World) -> None:
    with world.master() as master:
        master.execute("alter role bahnvision_app password 'somebody-elses'")
    assert not opens(world, world.content())

    assert world.user()["actions"] == ["set password bahnvision_app"]

    assert opens(world, world.content())


def test_a_password_of_ones_own_is_taken_and_one_against_the_rules_is_not(world: World) -> None:
    before = world.writes()
    for wrong, text in (("with/slash1", "none of"), ("short", "8 to 128"), ("ümlaut-word", "printable ASCII")):
        with pytest.raises(ResourceError, match=text) as refused:
            world.user(password=wrong)
        assert wrong not in refused.value.message
    assert world.writes() == before

    world.user(password="chosen:by%hand#1")

    assert world.content()["password"] == "chosen:by%hand#1"
    assert opens(world, world.content())
    assert world.user(password="chosen:by%hand#1")["actions"] == []


def test_what_is_not_ours_is_refused_before_the_first_write(world: World) -> None:
    with world.master() as master:
        master.execute("create role stranger")
    world.secrets.create_secret(Name="foreign", SecretString="{}")
    before = world.writes()
    for wish, text in (
        ({"username": "stranger"}, "database role stranger exists and is not ours"),
        ({"username": "postgres"}, "keeps for itself"),
        ({"secret_name": "foreign"}, "secret foreign exists and is not ours"),
        ({"username": "Bad Name"}, "lower-case letters"),
        ({"identifier": "absent"}, "no endpoint"),
    ):
        with pytest.raises(ResourceError, match=text):
            world.user(**wish)
    assert world.writes() == before


def test_a_database_out_of_reach_says_what_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = api.get_instance
    moved = {"Endpoint": {"Address": "127.0.0.1", "Port": 9}}
    monkeypatch.setattr(api, "get_instance", lambda rds, name: real(rds, name) | moved)

    with pytest.raises(ResourceError, match="rds_sql_delegate_to"):
        world.user()
    foreseen = world.user(check_mode=True)

    assert "out of reach" in foreseen["notes"][0]


def test_the_user_goes_its_data_and_its_secret_stay_for_a_while(world: World) -> None:
    foreseen = world.user(check_mode=True, state="absent")
    gone = world.user(state="absent")

    assert gone["actions"] == foreseen["actions"] == ["delete database_role bahnvision_app", f"delete secret {SECRET}"]
    assert world.user(state="absent")["actions"] == []
    with world.master() as master:
        assert master.execute("select count(*) from moved").fetchone() == (1,)

    back = world.user()

    assert f"restore secret {SECRET}" in back["actions"]
    assert opens(world, world.content())
    assert world.user()["actions"] == []
