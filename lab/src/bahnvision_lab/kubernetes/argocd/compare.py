"""What an Application's manifests would change in the cluster, and the one way in which they are written."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bahnvision_lab.kubernetes.api.permission import Attempt
from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.writes import Options
from bahnvision_lab.kubernetes.argocd import rules
from bahnvision_lab.kubernetes.argocd.health import health
from bahnvision_lab.kubernetes.argocd.model import TRACKING, Argo, Object, group_of, hook
from bahnvision_lab.kubernetes.status import ApiError

if TYPE_CHECKING:
    from bahnvision_lab.kubernetes.cluster import Cluster

MANAGER = "argocd-controller"


@dataclass
class Item:
    """One manifest and what there is of it."""

    wanted: Object
    resource: Resource | None
    live: Object | None = None
    synced: bool = False
    surplus: bool = False  # it is in the cluster and no longer in Git

    @property
    def kept(self) -> bool:
        options = (self.wanted["metadata"].get("annotations") or {}).get("argocd.argoproj.io/sync-options", "")
        return "Prune=false" in options.split(",")

    def told(self) -> dict[str, Any]:
        one = self.wanted
        status, message = health(self.live) if self.live else ("Missing", "")
        return {
            "group": group_of(one), "version": one["apiVersion"].rpartition("/")[2], "kind": one["kind"],
            "namespace": one["metadata"].get("namespace", ""), "name": one["metadata"]["name"],
            "status": "Synced" if self.synced else "OutOfSync", **({"requiresPruning": True} if self.surplus else {}),
            "health": {"status": status, **({"message": message} if message else {})},
        }  # fmt: skip


@dataclass
class View:
    """The cluster as one Application sees it."""

    cluster: Cluster
    argo: Argo
    app: Object
    project: Object
    items: list[Item] = field(default_factory=list)

    def options(self, dry: bool) -> Options:
        return Options(user=self.argo.user, manager=MANAGER, force=True, dry_run=dry)

    def take_in(self, manifests: list[Object]) -> None:
        """Compare all of them, and find what an earlier commit has left."""
        self.items = [self._item(one) for one in manifests]
        named = {tracking(self.app, item.wanted) for item in self.items}
        for _place, one in self.cluster.store.everything():
            own = (one["metadata"].get("annotations") or {}).get(TRACKING)
            if own and own == tracking(self.app, one) and own not in named and not hook(one):
                resource = self.cluster.catalogue.of_kind(one["apiVersion"], one["kind"])
                self.items.append(Item(one, resource, one, surplus=True))

    def _item(self, manifest: Object) -> Item:
        one = copy.deepcopy(manifest)
        resource = self.cluster.catalogue.of_kind(one["apiVersion"], one["kind"])
        if resource is not None and resource.namespaced:
            one["metadata"].setdefault("namespace", self.app["spec"]["destination"].get("namespace", "default"))
        one["metadata"].setdefault("annotations", {})[TRACKING] = tracking(self.app, one)
        item = Item(one, resource)
        if resource is not None:
            space = one["metadata"].get("namespace", "")
            item.live = self.cluster.store.find(resource.place, space, one["metadata"]["name"])
            self._ignore(item)
            item.synced = bool(hook(one)) or (item.live is not None and self._fits(item))
        return item

    def _fits(self, item: Item) -> bool:
        try:
            return self.written(item, dry=True) is item.live
        except ApiError:
            return False  # the sync will say why

    def _ignore(self, item: Item) -> None:
        """What somebody else decides (ignoreDifferences) is wanted as it is."""
        one = item.wanted
        for rule in self.app["spec"].get("ignoreDifferences") or ():
            fits = rule.get("kind") == one["kind"] and rule.get("group", "") == group_of(one)
            if item.live and fits and rule.get("name") in (None, "", one["metadata"]["name"]):
                for pointer in rule.get("jsonPointers") or ():
                    _take_over(one, item.live, pointer.strip("/").split("/"))

    def written(self, item: Item, dry: bool) -> Object:
        """Server-side apply, as Argo CD's user; without ServerSideApply=true Argo CD merges itself, to the same end."""
        one, resource = item.wanted, item.resource
        if resource is None:
            raise ApiError(404, f"The Kubernetes API could not find {group_of(one)}/{one['kind']} for requested "
                                f"resource {one['metadata'].get('namespace', '')}/{one['metadata']['name']}. Make sure "
                                f'the "{one["kind"]}" CRD is installed on the destination cluster.')  # fmt: skip
        rules.require_kind(self.project, one, resource.namespaced)
        space, name = one["metadata"].get("namespace", ""), one["metadata"]["name"]
        verb = "patch" if item.live else "create"
        self.cluster.permission.require(self.argo.user, Attempt(verb, resource.group, resource.plural, "", space, name))
        with self.cluster.store.lock:
            made, new = self.cluster.writer.applied(resource, space, name, copy.deepcopy(one), self.options(dry))
            if new and not dry:
                self.cluster.made(resource, made)
        return made


def tracking(app: Object, one: Object) -> str:
    told = one["metadata"]
    return f"{app['metadata']['name']}:{group_of(one)}/{one['kind']}:{told.get('namespace', '')}/{told['name']}"


def _take_over(one: Any, live: Any, path: list[str]) -> None:
    for key in path[:-1]:
        if not isinstance(one, dict) or not isinstance(live, dict) or key not in live:
            return
        one, live = one.setdefault(key, {}), live[key]
    if isinstance(one, dict) and isinstance(live, dict) and path[-1] in live:
        one[path[-1]] = copy.deepcopy(live[path[-1]])
