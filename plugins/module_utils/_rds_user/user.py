# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and prove: the application's database user and its secret."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kms.keys import key_arn
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.marker import read_marker
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import refuse
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user import database, secret
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.access import Access, OutOfReach, opened
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.password import verifier
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.plan import (
    JOIN_MASTER,
    Seen,
    content_of,
    input_problems,
    owner_of,
    plan_absent,
    plan_present,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, apply

Clients = Mapping[str, Any]


def ensure_user(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring user, secret and ownership to the wanted state, and prove the pair by a login."""
    refuse(f"cannot make database user {params['username']}", [*input_problems(params)])
    instance = api.get_instance(clients["rds"], params["identifier"])
    with ExitStack() as stack:
        work = Work(clients, params, instance)
        seen = work.look(stack, check_mode)
        if params["state"] == "absent":
            plan = plan_absent(params, seen)
        else:
            plan = plan_present(params, seen, datetime.now(UTC))
        result = apply(plan, work.execute, check_mode)
        if plan.changed and not check_mode and params["state"] == "present":
            work.prove(seen)
    kept = seen.secret if check_mode else secret.read_secret(clients["secretsmanager"], params["secret_name"])
    return {**result, **_facts(params, kept, seen)}


class Work:
    """One run on one user. What it read last is what it acts on; a step that changes the secret reads it again."""

    def __init__(self, clients: Clients, params: Mapping[str, Any], instance: Mapping[str, Any] | None) -> None:
        self.clients, self.params, self.instance = clients, params, instance
        self.manager = clients["secretsmanager"]
        self.master: Session | None = None
        self.access: Access | None = None

    def look(self, stack: ExitStack, check_mode: bool) -> Seen:
        held = secret.read_secret(self.manager, self.params["secret_name"])
        facts: dict[str, Any] = {"instance": self.instance, "secret": held, **self._keys(held)}
        source = (self.instance or {}).get("MasterUserSecret")
        if not (self.instance or {}).get("Endpoint") or not source:
            if not check_mode and self.params["state"] == "present":
                status = (self.instance or {}).get("DBInstanceStatus", "no such instance")
                raise ResourceError(
                    f"instance {self.params['identifier']} has no endpoint or no managed master secret yet "
                    f"(last seen: {status}); make it first, or wait until it is available"
                )
            return Seen(**facts)
        try:
            return Seen(**facts, **self._ask(stack, held))
        except OutOfReach:
            if not check_mode:
                raise
            return Seen(**facts, reachable=False)

    def _keys(self, held: secret.Secret | None) -> dict[str, str]:
        wanted = self.params.get("secret_kms_key_id")
        if not wanted:
            return {}
        now = held.key if held else ""
        return {
            "key": key_arn(self.clients["kms"], wanted),
            "key_now": key_arn(self.clients["kms"], now) if now else "",
        }

    def _ask(self, stack: ExitStack, held: secret.Secret | None) -> dict[str, Any]:
        instance = self.instance or {}
        user, password = secret.read_master(self.manager, instance["MasterUserSecret"]["SecretArn"])
        self.access = stack.enter_context(opened(self.params, instance["Endpoint"]))
        self.master = self.access.session(f"instance {self.params['identifier']}", user, password)
        (state,) = self.master.ask_json(database.state_sql(self.params["username"], owner_of(self.params)))
        marker = read_marker(self.master)
        known = held.current if held and not held.deleted else None
        # With a rotation under way which of the two the server takes is unknown, and does not matter.
        testable = known and known.password and state["role"] and not (held and held.pending)
        logs_in = bool(known and testable and self.access.logs_in(self.params["username"], known.password))
        return {"state": state, "logs_in": logs_in, "migrating": bool(marker and marker.state != "done")}

    def execute(self, action: Action) -> None:
        if "sql" in action.params:
            self._send(action.params["sql"])
        elif action.kind == "password":
            self._rotate() if action.verb == "rotate" else self._set_password(self._held().current)
        else:
            self._execute_secret(action)

    def _execute_secret(self, action: Action) -> None:
        if action.verb == "create":
            password = self.params.get("password") or secret.new_password(self.manager)
            content = content_of(self.params, self.instance) | {"password": password}
            secret.create(self.manager, action.params, content)
        elif action.verb == "restore":
            secret.restore(self.manager, action.name)
        elif action.verb == "modify":
            held = self._held()
            password = held.current.password if held.current else ""
            secret.put(self.manager, held, {**action.params["content"], "password": password}, secret.CURRENT)
        elif action.verb == "rekey":
            secret.set_key(self.manager, self._held().arn, action.params["key"])
        elif action.verb == "tag":
            secret.tag(self.manager, self._held().arn, action.params["tags"])
        elif action.verb == "untag":
            secret.untag(self.manager, self._held().arn, action.params["keys"])
        elif action.verb == "schedule":
            secret.rotate_by_function(self.manager, self._held().arn, **action.params)
        elif action.verb == "cancel":
            secret.stop_rotation(self.manager, self._held().arn)
        else:
            secret.delete(self.manager, self._held().arn, self.params["secret_recovery_days"])

    def _held(self) -> secret.Secret:
        held = secret.read_secret(self.manager, self.params["secret_name"])
        if held is None:
            raise ResourceError(f"secret {self.params['secret_name']} has disappeared meanwhile; run again")
        return held

    def _send(self, statements: list[str]) -> None:
        if self.master is None:
            raise AssertionError("statements without a session")
        own = database.join_group(owner_of(self.params), self.master.connection.user)
        whole = [text for statement in statements for text in (own if statement == JOIN_MASTER else [statement])]
        try:
            self.master.ask(database.together(whole))
        except PostgresError as problem:
            raise ResourceError(str(problem)) from problem

    def _set_password(self, version: secret.Version | None) -> None:
        if version is None or not version.password:
            raise ResourceError(f"secret {self.params['secret_name']} holds no password; ask for rotate")
        self._send(database.set_password(self.params["username"], verifier(version.password)))

    def _rotate(self) -> None:
        """Secrets Manager's four steps. Each can be repeated: a killed run is continued with the same password."""
        held = self._held()
        given = self.params.get("password")
        if held.pending is None or not held.pending.password or (given and held.pending.password != given):
            password = given or secret.new_password(self.manager)
            content = content_of(self.params, self.instance) | {"password": password}
            secret.put(self.manager, held, content, secret.PENDING)
            held = self._held()
        self._set_password(held.pending)
        self._test(held.pending)
        if held.pending and held.current:
            secret.finish(self.manager, held, held.current.identifier, held.pending.identifier)

    def _test(self, version: secret.Version | None) -> None:
        if self.access is None or version is None:
            raise AssertionError("a test without a way in")
        if not self.access.logs_in(self.params["username"], version.password):
            raise ResourceError(
                f"the database does not take the password of {self.params['username']} that it was just given; "
                f"secret {self.params['secret_name']} still names the former one as current. Run again to repeat it"
            )

    def prove(self, seen: Seen) -> None:
        """The pair that clients will read must open the door."""
        if self.params.get("rotation_lambda_arn") and seen.secret is not None:
            return
        self._test(self._held().current)


def _facts(params: Mapping[str, Any], held: secret.Secret | None, seen: Seen) -> dict[str, Any]:
    present = params["state"] == "present"
    shown = {"name": params["username"], "owner": owner_of(params), "database": params["database"]}
    return {
        "user": shown if present else {},
        "secret": {
            "name": params["secret_name"],
            "arn": held.arn if held else "",
            "kms_key_arn": seen.key,
        }
        if present
        else {},
    }
