"""Argo CD's kinds, who acts for it, and what an Application is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from bahnvision_lab.charts.archives import SOURCES, definition
from bahnvision_lab.kubernetes.api.identity import User

Object = dict[str, Any]
ARGO_GROUP = "argoproj.io"
APPLICATIONS, PROJECTS = (ARGO_GROUP, "applications"), (ARGO_GROUP, "appprojects")
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
    """Argo CD's kinds, as the lab's chart has them."""
    told = yaml.safe_load((SOURCES / "argo-cd" / "crds.yaml").read_text(encoding="utf-8"))
    return [definition(one, kept=False) for one in told]


def group_of(one: Object) -> str:
    return str(one["apiVersion"]).rpartition("/")[0]


def wave(one: Object) -> int:
    try:
        return int((one["metadata"].get("annotations") or {}).get(WAVE, "0"))
    except ValueError:
        return 0


def hook(one: Object) -> str:
    return str((one["metadata"].get("annotations") or {}).get(HOOK, ""))
