"""Whether a user may: RBAC as the objects in the cluster say it, and grants that come with the user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bahnvision_lab.kubernetes.api.identity import User
from bahnvision_lab.kubernetes.api.store import Store
from bahnvision_lab.kubernetes.status import ApiError, qualified

RBAC = "rbac.authorization.k8s.io"
Rule = dict[str, Any]
MASTERS = "system:masters"


@dataclass(frozen=True)
class Attempt:
    """What somebody wants to do. `path` is set for what is no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    part: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def target(self) -> str:
        return f"{self.resource}/{self.part}" if self.part else self.resource


class Permission:
    """Asks the cluster's roles and bindings, as they are now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def allows(self, user: User, attempt: Attempt) -> bool:
        if MASTERS in user.groups:
            return True
        return any(_covers(rule, attempt) for rule in self.rules(user, attempt.namespace))

    def require(self, user: User, attempt: Attempt) -> None:
        if not self.allows(user, attempt):
            raise _denied(user, attempt)

    def rules(self, user: User, namespace: str) -> Iterator[Rule]:
        """All rules that hold for a user in a namespace ("": in the whole cluster)."""
        for grant in user.grants:
            if grant.holds_in(namespace):
                yield from self.rules_of({"kind": "ClusterRole", "name": grant.role}, "")
        for binding in self._store.every((RBAC, "clusterrolebindings")):
            if _binds(binding, user):
                yield from self.rules_of(binding["roleRef"], "")
        for binding in self._store.every((RBAC, "rolebindings"), namespace) if namespace else ():
            if _binds(binding, user):
                yield from self.rules_of(binding["roleRef"], namespace)

    def rules_of(self, reference: dict[str, Any], namespace: str) -> list[Rule]:
        plural, space = ("roles", namespace) if reference["kind"] == "Role" else ("clusterroles", "")
        role = self._store.find((RBAC, plural), space, reference["name"])
        return list((role or {}).get("rules") or ())

    def require_covers(self, user: User, rules: list[Rule], namespace: str, what: str) -> None:
        """Nobody grants what they do not hold (escalation), unless they may `escalate` or `bind`."""
        if MASTERS in user.groups:
            return
        held = list(self.rules(user, namespace))
        missing = [told for rule in rules for told in _single(rule) if not _held(told, held)]
        if missing:
            words = "\n".join(sorted({_shown(told) for told in missing}))
            groups = " ".join(f'"{group}"' for group in user.groups)
            raise ApiError(
                403,
                f'{what} is forbidden: user "{user.name}" (groups=[{groups}]) is attempting to '
                f"grant RBAC permissions not currently held:\n{words}",
            )


def _single(rule: Rule) -> Iterator[Rule]:
    """One rule per group and resource, as the refusal tells them."""
    if rule.get("nonResourceURLs"):
        yield rule
        return
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            yield {**rule, "apiGroups": [group], "resources": [resource]}


def _shown(rule: Rule) -> str:
    fields = {"APIGroups": "apiGroups", "Resources": "resources", "ResourceNames": "resourceNames",
              "NonResourceURLs": "nonResourceURLs", "Verbs": "verbs"}  # fmt: skip
    told = ", ".join(f"{word}:[{' '.join(json.dumps(one) for one in rule[key])}]"
                     for word, key in fields.items() if rule.get(key))  # fmt: skip
    return f"{{{told}}}"


def _binds(binding: dict[str, Any], user: User) -> bool:
    for subject in binding.get("subjects") or ():
        kind, name = subject["kind"], subject["name"]
        if kind == "ServiceAccount":
            space = subject.get("namespace") or binding["metadata"].get("namespace", "")
            if user.name == f"system:serviceaccount:{space}:{name}":
                return True
        elif (kind == "User" and name == user.name) or (kind == "Group" and name in user.groups):
            return True
    return False


def _covers(rule: Rule, attempt: Attempt) -> bool:
    if not _in(attempt.verb, rule.get("verbs")):
        return False
    if attempt.path:
        return any(one in ("*", attempt.path) or (one.endswith("*") and attempt.path.startswith(one[:-1]))
                   for one in rule.get("nonResourceURLs") or ())  # fmt: skip
    named = rule.get("resourceNames") or ()
    return (
        _in(attempt.group, rule.get("apiGroups"))
        and (_in(attempt.target, rule.get("resources")) or _in(f"*/{attempt.part}", rule.get("resources")))
        and (not named or attempt.name in named)
    )


def _in(value: str, listed: list[str] | None) -> bool:
    return bool(listed) and ("*" in (listed or ()) or value in (listed or ()))


def _held(rule: Rule, held: list[Rule]) -> bool:
    """Whether each part of a rule is covered by one that is held."""
    names = rule.get("resourceNames") or [""]
    attempts = [
        Attempt(verb, group, resource.partition("/")[0], resource.partition("/")[2], name=name)
        for verb in rule.get("verbs") or ()
        for group in rule.get("apiGroups") or ()
        for resource in rule.get("resources") or ()
        for name in names
    ]
    attempts += [
        Attempt(verb, path=path) for verb in rule.get("verbs") or () for path in rule.get("nonResourceURLs") or ()
    ]
    return all(any(_covers(one, attempt) for one in held) for attempt in attempts)


def _denied(user: User, attempt: Attempt) -> ApiError:
    if attempt.path:
        return ApiError(403, f'forbidden: User "{user.name}" cannot {attempt.verb} path "{attempt.path}"')
    what = qualified(attempt.resource, attempt.group)
    told = f'{what} "{attempt.name}"' if attempt.name else what
    scope = f'in the namespace "{attempt.namespace}"' if attempt.namespace else "at the cluster scope"
    message = (
        f'{told} is forbidden: User "{user.name}" cannot {attempt.verb} resource "{attempt.target}" in API group '
        f'"{attempt.group}" {scope}'
    )
    return ApiError(403, message, details={"name": attempt.name, "group": attempt.group, "kind": attempt.resource})
