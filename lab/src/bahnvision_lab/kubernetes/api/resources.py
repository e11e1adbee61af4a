"""Which kinds a cluster serves: those of its release that the lab knows the rules of, and those of its CRDs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bahnvision_lab.kubernetes.api.store import Place
from bahnvision_lab.kubernetes.objects.crds import structural
from bahnvision_lab.kubernetes.objects.shapes import Release, Shape

CUSTOM = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]  # in discovery's order
ALL = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
# What the lab knows the defaults and the rules of: short names, categories and subresources beside status.
SERVED: dict[tuple[str, str], dict[str, tuple[str, str, str]]] = {
    ("", "v1"): {
        "namespaces": ("ns", "", "finalize"), "nodes": ("no", "", ""), "persistentvolumes": ("pv", "", ""),
        "pods": ("po", "all", "log,eviction"), "services": ("svc", "all", ""), "configmaps": ("cm", "", ""),
        "secrets": ("", "", ""), "serviceaccounts": ("sa", "", "token"), "events": ("ev", "", ""),
        "persistentvolumeclaims": ("pvc", "", ""), "endpoints": ("ep", "", ""),
        "resourcequotas": ("quota", "", ""), "limitranges": ("limits", "", ""),
    },
    ("apps", "v1"): {
        "deployments": ("deploy", "all", "scale"), "replicasets": ("rs", "all", "scale"),
        "statefulsets": ("sts", "all", "scale"), "daemonsets": ("ds", "all", ""), "controllerrevisions": ("", "", ""),
    },
    ("batch", "v1"): {"jobs": ("", "all", ""), "cronjobs": ("cj", "all", "")},
    ("networking.k8s.io", "v1"): {
        "ingresses": ("ing", "", ""), "ingressclasses": ("", "", ""), "networkpolicies": ("netpol", "", ""),
    },
    ("policy", "v1"): {"poddisruptionbudgets": ("pdb", "", "")},
    ("autoscaling", "v2"): {"horizontalpodautoscalers": ("hpa", "all", "")},
    ("rbac.authorization.k8s.io", "v1"): {
        "roles": ("", "", ""), "rolebindings": ("", "", ""), "clusterroles": ("", "", ""),
        "clusterrolebindings": ("", "", ""),
    },
    ("storage.k8s.io", "v1"): {"storageclasses": ("sc", "", ""), "csidrivers": ("", "", "")},
    ("scheduling.k8s.io", "v1"): {"priorityclasses": ("pc", "", "")},
    ("coordination.k8s.io", "v1"): {"leases": ("", "", "")},
    ("discovery.k8s.io", "v1"): {"endpointslices": ("", "", "")},
    ("apiextensions.k8s.io", "v1"): {"customresourcedefinitions": ("crd,crds", "api-extensions", "")},
    ("authentication.k8s.io", "v1"): {"tokenreviews": ("", "", ""), "selfsubjectreviews": ("", "", "")},
    ("authorization.k8s.io", "v1"): {
        "subjectaccessreviews": ("", "", ""), "selfsubjectaccessreviews": ("", "", ""),
        "localsubjectaccessreviews": ("", "", ""), "selfsubjectrulesreviews": ("", "", ""),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Resource:
    """One kind in one version."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: list[str]
    shape: Shape | None
    parts: tuple[str, ...] = ()
    short: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    singular: str = ""
    list_kind: str = ""
    is_custom: bool = False

    @property
    def place(self) -> Place:
        return (self.group, self.plural)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


class Catalogue:
    """The kinds of one cluster."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self._known = {(one["group"], one["version"], one["plural"]): one for one in release.resources}
        self._served: dict[tuple[str, str, str], Resource] = {}
        for (group, version), plurals in SERVED.items():
            for plural, (short, categories, parts) in plurals.items():
                self._add_known(group, version, plural, short, categories, parts)

    def _add_known(self, group: str, version: str, plural: str, short: str, categories: str, parts: str) -> None:
        told = self._known.get((group, version, plural))
        if told is None:
            return
        main = told["parts"][""]
        kind = main["kind"]["kind"]
        verbs = (
            ["create"]
            if main["verbs"] == ["create"]
            else [one for one in ALL if one == "watch" or one in main["verbs"]]
        )
        wanted = {"status", *(one for one in parts.split(",") if one)}
        self._served[(group, version, plural)] = Resource(
            group, version, plural, kind, told["namespaced"], verbs, self.release.shape(group, version, kind),
            tuple(sorted(one for one in told["parts"] if one in wanted)), [one for one in short.split(",") if one],
            [one for one in categories.split(",") if one], kind.lower(), f"{kind}List",
        )  # fmt: skip

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        return self._served.get((group, version, plural))

    def known_elsewhere(self, group: str, version: str, plural: str) -> bool:
        """True for what this release of Kubernetes has and the lab has not."""
        return (group, version, plural) in self._known

    def every(self) -> list[Resource]:
        return list(self._served.values())

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        return next((one for one in self.every() if one.api_version == api_version and one.kind == kind), None)

    def at(self, place: Place) -> Resource:
        return next(one for one in self.every() if one.place == place)

    def groups(self) -> dict[str, list[str]]:
        """Versions by group, as they are preferred."""
        found: dict[str, list[str]] = {}
        for one in self.every():
            versions = found.setdefault(one.group, [])
            if one.version not in versions:
                versions.append(one.version)
        return found

    def take_in(self, crd: dict[str, Any]) -> None:
        """Serve what a CustomResourceDefinition defines, and no longer what it does not."""
        self.drop(crd)
        spec = crd["spec"]
        names = spec["names"]
        for version in spec["versions"]:
            if not version.get("served"):
                continue
            raw = (version.get("schema") or {}).get("openAPIV3Schema")
            parts = tuple(sorted(version.get("subresources") or {}))
            self._served[(spec["group"], version["name"], names["plural"])] = Resource(
                spec["group"], version["name"], names["plural"], names["kind"], spec["scope"] == "Namespaced", CUSTOM,
                structural(raw, self.release), parts, names.get("shortNames") or [], names.get("categories") or [],
                names.get("singular", ""), names.get("listKind", ""), True,
            )  # fmt: skip

    def drop(self, crd: dict[str, Any]) -> None:
        place = (crd["spec"]["group"], crd["spec"]["names"]["plural"])
        for key, one in list(self._served.items()):
            if one.place == place and one.is_custom:
                del self._served[key]


def by_group_version(resources: Iterable[Resource]) -> dict[tuple[str, str], list[Resource]]:
    found: dict[tuple[str, str], list[Resource]] = {}
    for one in resources:
        found.setdefault((one.group, one.version), []).append(one)
    return found
