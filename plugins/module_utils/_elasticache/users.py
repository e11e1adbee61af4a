# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One user with its secret, or the removal of users that nobody wants: read, plan, act, wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import access, api, secret
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import (
    execute_tags,
    is_ours,
    refuse_foreign,
    tagging,
    wait_active,
    wait_gone,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.secret import Held, Passwords
from ansible_collections.bahnvision.aws.plugins.module_utils._kms.keys import key_arn
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import refuse
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    tags_to_dict,
    tags_to_list,
)

KIND = "user"
# What ElastiCache tells and what it is asked for differ in one word.
TOLD = {"no-password": "no-password-required"}
BUSY = ("InvalidUserState", "InvalidUserStateFault", "InvalidUserGroupState", "InvalidUserGroupStateFault")
# Two caches of one stage must not take each other's users for users that nobody wants.
OWNER = "replication-group"
Generate = Callable[[], str]


def ensure_user(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    want = {**params, "user_id": params["user_id"].lower()}
    want["user_name"] = want.get("user_name") or want["user_id"]
    if want.get("replication_group"):
        want["purge_tags"] = want["purge_tags"] and want.get("tags") is not None
        want["tags"] = {**(want.get("tags") or {}), OWNER: want["replication_group"]}
    want["all_tags"] = wanted_tags(want)
    if want["state"] == "absent":
        plan, held = _plan_absent(clients, want), None
    else:
        held, plan = _look(clients, want, check_mode)
    result = apply(plan, lambda action: _execute(clients, action, want), check_mode)
    if want["state"] == "absent":
        return {**result, "user": {}}
    if want["wait"] and not check_mode:
        _wait(clients["elasticache"], want)
    return {**result, "user": _facts(clients, want, held, check_mode)}


def _look(clients: Mapping[str, Any], want: Mapping[str, Any], check_mode: bool) -> tuple[Held | None, Plan]:
    cache, manager = clients["elasticache"], clients["secretsmanager"]
    refuse(f"{KIND} {want['user_id']}", list(_problems(want)))
    user = api.get_user(cache, want["user_id"])
    if user and user["Status"] != "active" and not check_mode:
        user = _settle(cache, want, user)
    tags = api.get_tags(cache, user["ARN"]) if user else {}
    held = secret.read_secret(manager, want["secret"]["name"]) if want.get("secret") else None
    if held is not None:
        refuse_foreign(f"secret {want['secret']['name']}", held.tags, want)
    restored: tuple[Action, ...] = ()
    if held is not None and held.deleted:
        restored = (secret.restoration(want["secret"]["name"]),)
        if not check_mode:
            # Now, as its value can be read only then: the password that it holds is used again.
            secret.execute(manager, restored[0])
            held = secret.read_secret(manager, want["secret"]["name"])
    plan = plan_user(want, user, tags, held, datetime.now(UTC), access.new_password)
    return held, Plan((*restored, *_keying(clients, want, held), *plan.actions), plan.notes)


def _keying(clients: Mapping[str, Any], want: Mapping[str, Any], held: Held | None) -> Iterator[Action]:
    """A secret keeps its key when none is named."""
    wish = (want.get("secret") or {}).get("kms_key_id")
    if not wish or held is None:
        return
    wanted, has = (key_arn(clients["kms"], key) if key else "" for key in (wish, held.key))
    if wanted != has:
        yield secret.keying(want["secret"]["name"], has, wanted)


def _problems(want: Mapping[str, Any]) -> Iterator[str]:
    yield from access.name_problems(want)
    yield from access.access_problems(want["access_string"])
    yield from access.password_problems(want.get("passwords") or [])


def plan_user(
    want: Mapping[str, Any], user: Mapping[str, Any] | None, tags: Mapping[str, str], held: Held | None,
    now: datetime, generate: Generate,
) -> Plan:  # fmt: skip
    """Return the steps to the wanted user and its secret. A foreign user of that name is refused."""
    if user is not None:
        refuse_foreign(f"{KIND} {want['user_id']}", tags, want)
    login = _login(want, user, held, now, generate)
    steps = [*login.before]
    if user is None:
        steps.append(_creation(want, login))
    else:
        steps += [*tagging(KIND, want["user_id"], user["ARN"], tags, want), *_modification(want, user, login)]
    if held is not None and want.get("secret"):
        steps += tagging(secret.KIND, want["secret"]["name"], held.arn, held.tags, want)
    notes = list(login.notes)
    if user is not None and user["Engine"] != want["engine"]:
        notes.append(f"{KIND} {want['user_id']} stays of engine {user['Engine']}, which serves {want['engine']} too")
    return Plan((*steps, *login.after), tuple(notes))


def _login(
    want: Mapping[str, Any], user: Mapping[str, Any] | None, held: Held | None, now: datetime, generate: Generate
) -> Passwords:
    """Return the passwords that the user must get. Without a secret they are the given ones, or one nobody knows."""
    if want["authentication_mode"] != "password":
        return Passwords()
    if want.get("secret"):
        return secret.plan_passwords(want, user, held, now, generate)
    if user is not None and _mode(user) == "password":
        return Passwords()
    given = tuple(want.get("passwords") or ())
    return Passwords(passwords=given or (generate(),), told="given" if given else "one that nobody knows")


def _mode(user: Mapping[str, Any]) -> str:
    told = str((user.get("Authentication") or {}).get("Type", ""))
    return TOLD.get(told, told)


def _authentication(want: Mapping[str, Any], login: Passwords) -> dict[str, Any]:
    passwords = {"Passwords": list(login.passwords)} if login.passwords else {}
    return {"AuthenticationMode": {"Type": want["authentication_mode"], **passwords}}


def _creation(want: Mapping[str, Any], login: Passwords) -> Action:
    params = {
        "UserId": want["user_id"], "UserName": want["user_name"], "Engine": want["engine"],
        "AccessString": want["access_string"], "Tags": tags_to_list(want["all_tags"]), **_authentication(want, login),
    }  # fmt: skip
    after = {key: want[key] for key in ("user_name", "engine", "access_string", "authentication_mode")}
    after |= {"tags": want["all_tags"]} | ({"password": login.told} if login.told else {})
    return Action("create", KIND, want["user_id"], {}, after, params)


def _modification(want: Mapping[str, Any], user: Mapping[str, Any], login: Passwords) -> Iterator[Action]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    params: dict[str, Any] = {"UserId": want["user_id"]}
    if access.meaning(want["access_string"]) != access.meaning(user.get("AccessString", "")):
        before["access_string"], after["access_string"] = user.get("AccessString", ""), want["access_string"]
        params["AccessString"] = want["access_string"]
    if _mode(user) != want["authentication_mode"]:
        before["authentication_mode"], after["authentication_mode"] = _mode(user), want["authentication_mode"]
    if login.passwords or "authentication_mode" in after:
        params |= _authentication(want, login)
        after |= {"password": login.told} if login.told else {}
    if after:
        yield Action("modify", KIND, want["user_id"], before, after, params)


def _plan_absent(clients: Mapping[str, Any], want: Mapping[str, Any]) -> Plan:
    """Plan the removal of one user and its secret, or with a trailing * of all of ours but those to keep."""
    cache, manager = clients["elasticache"], clients["secretsmanager"]
    every, begin = want["user_id"].endswith("*"), want["user_id"].rstrip("*")
    kept = {name.lower() for name in want.get("keep") or ()}
    named = [user for user in api.list_users(cache) if _meant(user["UserId"], begin, every)]
    users = [user for user in named if user["UserId"] not in kept]
    actions, notes = [], []
    for user in users:
        tags = api.get_tags(cache, user["ARN"])
        if not every:
            refuse_foreign(f"{KIND} {user['UserId']}", tags, want)
        if _of_this_group(tags, want):
            actions.append(_removal(user))
        elif user["UserId"] != "default":
            notes.append(f"{KIND} {user['UserId']} is not ours and stays")
    if want.get("secret"):
        first, days = want["secret"]["name"].rstrip("*"), want["secret"]["recovery_days"]
        safe = {first + name.removeprefix(begin) for name in kept}
        for item in secret.list_secrets(manager, first):
            ours = _of_this_group(tags_to_dict(item.get("Tags")), want)
            if _meant(item["Name"], first, every) and ours and item["Name"] not in safe:
                actions.append(secret.removal(item["Name"], days))
    return Plan(tuple(actions), tuple(notes))


def _of_this_group(tags: Mapping[str, str], want: Mapping[str, Any]) -> bool:
    wanted = want.get("replication_group")
    return is_ours(tags, want) and (not wanted or tags.get(OWNER) == wanted)


def _meant(name: str, begin: str, every: bool) -> bool:
    return name.startswith(begin) if every else name == begin


def _removal(user: Mapping[str, Any]) -> Action:
    before = {"user_name": user["UserName"], "access_string": user["AccessString"]}
    return Action("delete", KIND, user["UserId"], before, None, {"UserId": user["UserId"]})


def _execute(clients: Mapping[str, Any], action: Action, want: Mapping[str, Any]) -> None:
    if action.kind == secret.KIND:
        if action.verb != "restore":  # which was done when its value was read
            secret.execute(clients["secretsmanager"], action)
        return
    cache = clients["elasticache"]
    if execute_tags(cache, action):
        return
    found = (lambda: api.get_user(cache, action.name)) if action.verb == "create" else None
    missing = api.NO_USER if action.verb == "delete" else ()
    call(
        cache, f"{action.verb}_user", str(action), missing=missing, eventual=BUSY, found=found, **action.params
    )  # fmt: skip
    # The next step counts on it: a secret must not tell a password that the servers do not know yet.
    _settle(cache, {**want, "user_id": action.name}, {"Status": "deleting" if action.verb == "delete" else ""})


def _settle(cache: Any, want: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any] | None:
    if user["Status"] == "deleting":
        wait_gone(lambda: api.get_user(cache, want["user_id"]), f"{KIND} {want['user_id']}", want)
        return None
    return _wait(cache, want)


def _wait(cache: Any, want: Mapping[str, Any]) -> dict[str, Any]:
    return wait_active(lambda: api.get_user(cache, want["user_id"]), f"{KIND} {want['user_id']}", want)


def _facts(clients: Mapping[str, Any], want: Mapping[str, Any], held: Held | None, check_mode: bool) -> dict[str, Any]:
    arn = held.arn if held else ""
    if want.get("secret") and not held and not check_mode:
        name = want["secret"]["name"]
        found = call(clients["secretsmanager"], "describe_secret", f"read the secret {name}", SecretId=name)
        arn = found["ARN"]
    named = {"secret_name": want["secret"]["name"], "secret_arn": arn} if want.get("secret") else {}
    return {"user_id": want["user_id"], "user_name": want["user_name"], **named}
