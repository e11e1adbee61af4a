"""What an Application may: its project, its destination, and what Argo CD itself may in the cluster."""

from __future__ import annotations

import base64
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from bahnvision_lab.kubernetes.api.permission import Attempt
from bahnvision_lab.kubernetes.argocd.model import (
    IN_CLUSTER,
    PROJECTS,
    ApplicationError,
    Argo,
    Object,
    comparison,
    group_of,
)
from bahnvision_lab.kubernetes.status import ApiError

if TYPE_CHECKING:
    from bahnvision_lab.kubernetes.cluster import Cluster

REGISTERED = "argocd.argoproj.io/secret-type"


def project_of(cluster: Cluster, argo: Argo, app: Object) -> Object:
    name = app["spec"].get("project") or "default"
    found = cluster.store.find(PROJECTS, argo.namespace, name)
    if found is None and name == "default":
        return {"spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                         "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}}  # fmt: skip
    if found is None:
        raise _invalid(f"Application referencing project {name} which does not exist")
    return found


def require_allowed(cluster: Cluster, argo: Argo, app: Object, project: Object) -> None:
    """Destination and repository, as the project has them."""
    spec, told, name = project["spec"], app["spec"]["destination"], app["spec"].get("project") or "default"
    server, space = _server(cluster, argo, told), str(told.get("namespace", ""))
    fits = any(
        _like(server, one.get("server") or "*") and _like(space, one.get("namespace", ""))
        and (not one.get("name") or one["name"] in ("*", told.get("name")))
        for one in spec.get("destinations") or ()
    )  # fmt: skip
    if not fits:
        raise _invalid(f"application destination server '{server}' and namespace '{space}' do not match any of the "
                       f"allowed destinations in project '{name}'")  # fmt: skip
    url = str((app["spec"].get("source") or {}).get("repoURL", ""))
    if not any(_like(url, one) for one in spec.get("sourceRepos") or ()):
        raise _invalid(f"application repo {url} is not permitted in project '{name}'")


def _server(cluster: Cluster, argo: Argo, told: Object) -> str:
    """Argo CD in the cluster knows its own; the one that AWS runs knows those that have been registered by ARN."""
    known = {} if argo.arn else {"in-cluster": IN_CLUSTER}
    for secret in cluster.store.every(("", "secrets"), argo.namespace):
        if (secret["metadata"].get("labels") or {}).get(REGISTERED) == "cluster":
            data = {key: base64.b64decode(text).decode() for key, text in (secret.get("data") or {}).items()}
            known[data.get("name", secret["metadata"]["name"])] = data.get("server", "")
    name, server = told.get("name"), told.get("server")
    if name and name not in known:
        raise _invalid(f"Unable to find destination server: there are no clusters with this name: {name}")
    found = known[name] if name else str(server or "")
    if found not in known.values():
        raise _invalid(f'Unable to find destination server: cluster "{found}" is not registered')
    if found not in (IN_CLUSTER, argo.arn):
        raise _invalid(f"the lab's Argo CD deploys into its own cluster alone, not into {found}")
    return found


def require_kind(project: Object, one: Object, namespaced: bool) -> None:
    """What a project lets be made; without lists, everything in a namespace and nothing outside."""
    spec, key = project["spec"], "namespaceResourceWhitelist" if namespaced else "clusterResourceWhitelist"
    listed = spec.get(key, [{"group": "*", "kind": "*"}] if namespaced else [])
    if not any(_like(group_of(one), item["group"]) and _like(one["kind"], item["kind"]) for item in listed):
        told = f"resource {group_of(one)}:{one['kind']} is not permitted in project"
        raise ApiError(403, f"{told} {(project.get('metadata') or {}).get('name', 'default')}")


def require_cache(cluster: Cluster, argo: Argo) -> None:
    """Argo CD lists every type of the cluster before it compares anything; one that it may not ends it all."""
    for one in cluster.catalogue.every():
        if "list" not in one.verbs:
            continue
        try:
            cluster.permission.require(argo.user, Attempt("list", one.group, one.plural))
        except ApiError as problem:
            kind = f"{one.kind}.{one.group}" if one.group else one.kind
            raise comparison(
                f'Failed to load live state: failed to get cluster info for "{argo.arn or IN_CLUSTER}": error '
                f"synchronizing cache state : failed to load initial state of resource {kind}: {problem.message}"
            ) from None


def _like(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern)


def _invalid(message: str) -> ApplicationError:
    return ApplicationError("InvalidSpecError", message)
