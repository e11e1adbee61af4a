"""One user and its secret against fakes that remember: four runs, rotation killed at every step, removal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import access
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.users import ensure_user
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from elasticache_fakes import FakeCache, FakeManager, user_params

NAME = "bahnvision-lab-elasticache-app"
USER = "bahnvision-lab-app"


class World:
    def __init__(self):
        self.cache = FakeCache()
        self.manager = FakeManager(self.cache)

    def run(self, check_mode=False, secret=None, **given):
        kept = {"name": NAME, "kms_key_id": None, "rotation_days": 0, "rotation": "", "grace_days": 7,
                "recovery_days": 30, "connection": None, **(secret or {})}  # fmt: skip
        params = user_params(**{"secret": kept, **given})
        return ensure_user({"elasticache": self.cache, "secretsmanager": self.manager}, params, check_mode)

    @property
    def names(self):
        return [name for name, _params in self.cache.writes]

    @property
    def passwords(self):
        """What the servers would take: the passwords of the last change of the user."""
        sent = [params for name, params in self.cache.writes if name in ("create_user", "modify_user")]
        return next(p["AuthenticationMode"]["Passwords"] for p in reversed(sent) if p.get("AuthenticationMode"))

    def age(self, days):
        """Let time pass: the secret's current value is older."""
        found = self.manager.secrets[NAME]
        for version, text in found["values"].items():
            stamp = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
            found["values"][version] = json.dumps({**json.loads(text), "rotated_at": stamp})


@pytest.fixture
def world():
    return World()


def test_the_four_runs(world):
    foreseen = world.run(check_mode=True)
    assert (foreseen["changed"], world.names) == (True, [])
    made = world.run()
    assert made["actions"] == foreseen["actions"] == [f"create secret {NAME}", f"create user {USER}"]
    for check_mode in (True, False):
        assert not world.run(check_mode)["changed"]
    assert world.names == ["create_secret", "create_user"]
    value = world.manager.value(NAME)
    assert world.passwords == [value["password"]]
    assert (value["username"], value["tls"], len(value["password"])) == (USER, True, access.OURS)


def test_no_password_is_told(world):
    told = [world.run(check_mode=True), world.run(), world.run(secret={"rotation": "now"})]
    secrets = {*world.passwords, world.manager.value(NAME)["password"]}
    assert not [password for password in secrets if password in json.dumps(told)]


def test_the_secret_tells_the_endpoint_with_the_same_password(world):
    world.run()
    before = world.manager.value(NAME)["password"]
    place = {"host": "primary", "port": 6379, "reader_host": "reader", "reader_port": 6379, "cluster_mode": "disabled"}
    assert world.run(secret={"connection": place})["actions"] == [f"put secret {NAME}"]
    value = world.manager.value(NAME)
    assert value["url"] == f"rediss://{USER}:{before}@primary:6379/0"
    assert not world.run(secret={"connection": place})["changed"]
    assert not world.run()["changed"]


@pytest.mark.parametrize("asked", [{"rotation": "leak"}, {"rotation_days": 30}])
def test_rotation_gives_the_user_both_passwords_before_the_secret_tells_the_new_one(world, asked):
    world.run()
    world.age(31)
    old = world.manager.value(NAME)["password"]
    foreseen = world.run(check_mode=True, secret={"grace_days": 0, **asked})
    made = world.run(secret={"grace_days": 0, **asked})
    assert (
        foreseen["actions"]
        == made["actions"]
        == [f"put secret {NAME}", f"modify user {USER}", f"promote secret {NAME}"]
    )
    new = world.manager.value(NAME)["password"]
    assert new != old
    assert world.passwords == [new, old]
    assert not world.run(secret={"grace_days": 0, **asked})["changed"]


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_rotation_that_was_killed_is_completed_and_never_locks_a_client_out(world, writes):
    world.run()
    old = world.manager.value(NAME)["password"]
    world.cache.break_after = len(world.cache.writes) + writes
    try:
        world.run(secret={"rotation": "leak"})
    except KeyboardInterrupt:
        assert writes < 3
    assert world.manager.value(NAME)["password"] in world.passwords  # what clients read is what servers take
    world.cache.break_after = None

    world.run(secret={"rotation": "leak"})

    new = world.manager.value(NAME)["password"]
    assert world.passwords == [new, old]
    assert not world.run(secret={"rotation": "leak"})["changed"]


def test_the_former_password_goes_when_the_grace_is_over(world):
    world.run()
    world.run(secret={"rotation": "one"})
    assert not world.run(secret={"rotation": "one"})["changed"]
    world.age(8)
    assert world.run(secret={"rotation": "one"})["actions"] == [f"modify user {USER}"]
    assert world.passwords == [world.manager.value(NAME)["password"]]
    assert not world.run(secret={"rotation": "one"})["changed"]


def test_a_run_killed_between_secret_and_user_uses_the_password_that_was_kept(world):
    world.cache.break_after = 1
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.cache.break_after = None
    kept = world.manager.value(NAME)["password"]
    assert world.run()["actions"] == [f"create user {USER}"]
    assert world.passwords == [kept]


def test_a_secret_that_waits_for_its_deletion_is_restored(world):
    world.run()
    kept = world.manager.value(NAME)["password"]
    world.run(state="absent")
    assert world.names[-2:] == ["delete_user", "delete_secret"]
    assert world.run(check_mode=True)["changed"]
    assert world.run()["actions"] == [f"restore secret {NAME}", f"create user {USER}"]
    assert world.passwords == [kept]


def test_a_given_password_is_the_first_one(world):
    world.run(passwords=["correct-horse-battery"])
    assert world.manager.value(NAME)["password"] == "correct-horse-battery"


def test_a_user_without_secret_gets_a_password_that_nobody_knows(world):
    params = user_params(user_id="locked", user_name="default", access_string="off -@all")
    clients = {"elasticache": world.cache, "secretsmanager": world.manager}
    assert ensure_user(clients, params, False)["changed"]
    assert not ensure_user(clients, params, False)["changed"]
    assert len(world.passwords[0]) == access.OURS


def test_access_and_the_way_to_log_in_change_in_place(world):
    world.run()
    assert world.run(access_string="on ~app:* -@all +@read")["diff"]["after"] == {
        f"user {USER}": {"access_string": "on ~app:* -@all +@read"}
    }
    assert not world.run(access_string="on ~app:* +@read")["changed"]  # ElastiCache writes -@all or leaves it out
    plain = user_params(authentication_mode="iam", access_string="on ~app:* +@read")
    clients = {"elasticache": world.cache, "secretsmanager": world.manager}
    assert ensure_user(clients, plain, False)["diff"]["after"][f"user {USER}"] == {"authentication_mode": "iam"}
    assert not ensure_user(clients, plain, False)["changed"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"access_string": "~* +@all"}, "must begin with on or off"),
        ({"access_string": "on ~* +@all >secret-of-mine"}, "passwords are given apart"),
        ({"access_string": "on ~* all-commands"}, "'all-commands' is no rule"),
        ({"passwords": ["short"]}, "password 1 must have 16 to 128 characters; it has 5"),
        ({"passwords": ["sixteen letters and blanks"]}, "without blanks"),
        ({"passwords": ["a" * 16, "b" * 16, "c" * 16]}, "more than two"),
        ({"authentication_mode": "iam", "user_name": "other"}, "must have the user_name"),
        ({"authentication_mode": "no-password-required"}, "Valkey knows no user without a password"),
        ({"user_id": "two--hyphens"}, "single hyphens"),
    ],
)
def test_bad_wishes_are_refused_without_a_write(world, given, text):
    with pytest.raises(ResourceError, match=text) as refused:
        world.run(**given)
    assert world.names == []
    assert not any(password in refused.value.message for password in given.get("passwords", ()))


def test_what_is_not_ours_is_not_touched(world):
    world.run()
    world.cache.tags[f"arn:user:{USER}"]["app"] = "other"
    world.cache.writes.clear()
    with pytest.raises(ResourceError, match=r"user bahnvision-lab-app exists and is not ours \(app=other\)"):
        world.run(access_string="on ~* +@read")
    world.manager.secrets[NAME]["tags"] = []
    with pytest.raises(ResourceError, match=f"secret {NAME} exists and is not ours"):
        world.run()
    assert world.run(state="absent", user_id="bahnvision-lab-*")["notes"] == [f"user {USER} is not ours and stays"]
    assert world.names == []


def test_only_users_that_nobody_wants_go(world):
    for name in ("app", "reader", "former"):
        world.run(user_id=f"bahnvision-lab-{name}", secret={"name": f"bahnvision-lab-elasticache-{name}"})
    gone = world.run(
        state="absent", user_id="bahnvision-lab-*", keep=["bahnvision-lab-app", "bahnvision-lab-reader"],
        secret={"name": "bahnvision-lab-elasticache-*"},
    )  # fmt: skip
    assert gone["actions"] == ["delete user bahnvision-lab-former", "delete secret bahnvision-lab-elasticache-former"]


def test_users_of_another_cache_of_the_stage_stay(world):
    for group in ("bahnvision-lab", "bahnvision-lab-two"):
        world.run(user_id=f"{group}-app", replication_group=group, secret={"name": f"{group}-elasticache-app"})
    gone = world.run(
        state="absent", user_id="bahnvision-lab-*", replication_group="bahnvision-lab",
        secret={"name": "bahnvision-lab-*"},
    )  # fmt: skip
    assert gone["actions"] == ["delete user bahnvision-lab-app", "delete secret bahnvision-lab-elasticache-app"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("on ~* &* +@all", "on +@all allkeys allchannels", True),
        ("on ~* +@all -@dangerous", "on ~* +@all", False),
        ("on ~* -@all +@read", "on ~* +@read", True),
        ("off ~* +@read", "on ~* +@read", False),
        ("on ~a ~b +get +set", "on ~b ~a +get +set", True),
        ("on ~* +@all -get", "on ~* -get +@all", False),
    ],
)
def test_access_strings_are_compared_by_what_they_mean(one, other, same):
    assert (access.meaning(one) == access.meaning(other)) is same
