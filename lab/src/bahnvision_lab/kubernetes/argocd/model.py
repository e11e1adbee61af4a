"""Argo CD's kinds, who acts for it, and what an Application is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bahnvision_lab.kubernetes.api.identity import User

Object = dict[str, Any]
ARGO_GROUP = "argoproj.io"
APPLICATIONS, PROJECTS = (ARGO_GROUP, "applications"), (ARGO_GROUP, "appprojects")
KINDS = {"applications": "Application", "appprojects": "AppProject", "applicationsets": "ApplicationSet"}
# What must be there; the rest is taken as it is. The real definitions are some thousand lines each.
NEEDED: dict[str, Object] = {
    "applications": {
        "required": ["destination", "project"],
        "properties": {"destination": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                       "project": {"type": "string"}},
    },
}  # fmt: skip
TRACKING = "argocd.argoproj.io/tracking-id"
WAVE, HOOK = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook"
REFRESH = "argocd.argoproj.io/refresh"
CASCADE = "resources-finalizer.argocd.argoproj.io"
IN_CLUSTER = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class Argo:
    """One Argo CD: where it looks for Applications, and who it is. `arn` is set for the one that AWS runs."""

    namespace: str
    user: User
    arn: str = ""


class ApplicationError(Exception):
    """A condition of an Application: its type and its message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def comparison(message: str) -> ApplicationError:
    return ApplicationError("ComparisonError", message)


def definitions() -> list[Object]:
    return [_definition(plural, kind) for plural, kind in KINDS.items()]


def _definition(plural: str, kind: str) -> Object:
    loose: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    whole: Object = {
        "type": "object", "required": ["metadata", "spec"],
        "properties": {"spec": {**loose, **NEEDED.get(plural, {})}, "status": loose, "operation": loose},
    }  # fmt: skip
    short = {"applications": ["app", "apps"], "appprojects": ["appproj", "appprojs"]}.get(plural, ["appset"])
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List", "shortNames": short}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": whole}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{ARGO_GROUP}"},
        "spec": {"group": ARGO_GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }  # fmt: skip


def name_of(one: Object) -> str:
    told = one["metadata"]
    return f"{told['namespace']}/{told['name']}" if told.get("namespace") else str(told["name"])


def group_of(one: Object) -> str:
    return str(one["apiVersion"]).rpartition("/")[0]


def wave(one: Object) -> int:
    try:
        return int((one["metadata"].get("annotations") or {}).get(WAVE, "0"))
    except ValueError:
        return 0


def hook(one: Object) -> str:
    return str((one["metadata"].get("annotations") or {}).get(HOOK, ""))
