"""Questions in the form of objects: who am I, may I, who has this token."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.kubernetes.api.identity import Authenticator, User
from bahnvision_lab.kubernetes.api.permission import Attempt, Permission
from bahnvision_lab.kubernetes.api.store import Object
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.status import ApiError, invalid, refused


class Reviews:
    def __init__(self, authenticator: Authenticator, permission: Permission) -> None:
        self._authenticator = authenticator
        self._permission = permission

    def answer(self, user: User, kind: str, namespace: str, one: Object) -> Object:
        """The object with its status."""
        spec = one.get("spec") or {}
        if kind == "SelfSubjectReview":
            return {**one, "metadata": {"creationTimestamp": stamp()}, "status": {"userInfo": user.describe()}}
        if kind == "TokenReview":
            if not spec.get("token"):
                raise ApiError(400, "token is required for TokenReview in authentication")
            return {**one, "status": self._token(spec["token"])}
        if kind == "SelfSubjectRulesReview":
            return {**one, "metadata": {}, "spec": {}, "status": self._rules(user, spec.get("namespace") or "")}
        _check(spec, kind)
        asked = user
        if kind != "SelfSubjectAccessReview":
            asked = User(spec.get("user") or "", tuple(spec.get("groups") or ()))
        return {**one, "status": self._access(asked, namespace, kind, spec)}

    def _token(self, token: str) -> Object:
        user = self._authenticator.user_of(token)
        if user is None:
            return {"user": {}, "error": "invalid bearer token"}
        return {"authenticated": True, "user": user.describe(), "audiences": ["https://kubernetes.default.svc"]}

    def _access(self, user: User, namespace: str, kind: str, spec: dict[str, Any]) -> Object:
        told, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if told is None:
            path = path or {}
            attempt = Attempt(path.get("verb", ""), path=path.get("path", ""))
        else:
            space = told.get("namespace", "")
            if kind == "LocalSubjectAccessReview" and space != namespace:
                raise ApiError(400, "spec.resourceAttributes.namespace must match namespace on request")
            attempt = Attempt(
                told.get("verb", ""),
                told.get("group", ""),
                told.get("resource", ""),
                told.get("subresource", ""),
                space,
                told.get("name", ""),
            )
        return {"allowed": self._permission.allows(user, attempt)}

    def _rules(self, user: User, namespace: str) -> Object:
        rules = list(self._permission.rules(user, namespace))
        if "system:masters" in user.groups:
            rules = [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            ]
        return {
            "resourceRules": [rule for rule in rules if not rule.get("nonResourceURLs")],
            "nonResourceRules": [rule for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": False,
        }


def _check(spec: dict[str, Any], kind: str) -> None:
    told, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    problems = []
    if told is not None and path is not None:
        problems.append(
            invalid("spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes")
        )
    elif told is None and path is None:
        words = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        problems.append(invalid("spec.resourceAttributes", None, words))
    if kind != "SelfSubjectAccessReview" and not spec.get("user") and not spec.get("groups"):
        problems.append(invalid("spec.user", "", "at least one of user or group must be specified"))
    if problems:  # the real server names no kind
        raise refused("", "authorization.k8s.io", "", problems)
