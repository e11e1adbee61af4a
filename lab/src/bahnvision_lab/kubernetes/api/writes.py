"""One way for every write: decode, default, admit, validate, remember who manages which field, store."""

from __future__ import annotations

import copy
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bahnvision_lab.kubernetes.api import admission, apply
from bahnvision_lab.kubernetes.api.admission import CHARACTERS, Admission
from bahnvision_lab.kubernetes.api.changes import added_finalizers, another, same, spec_changed, stale, wrong_kind
from bahnvision_lab.kubernetes.api.identity import User
from bahnvision_lab.kubernetes.api.resources import Catalogue, Resource
from bahnvision_lab.kubernetes.api.store import Object, Store
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.objects import crds, decoding, rules, zeros
from bahnvision_lab.kubernetes.objects.decoding import DecodingError, Strictness
from bahnvision_lab.kubernetes.objects.defaults import apply_defaults, prepare
from bahnvision_lab.kubernetes.status import ApiError, not_found, qualified, refused

SYSTEM = User("system:apiserver", ("system:masters",))
UNCHECKED = ("status", "binding")  # they do not touch what the rules are about
# Kinds whose changes of what is wanted are counted.
GENERATIONS = frozenset({
    "CronJob", "CustomResourceDefinition", "DaemonSet", "Deployment", "EndpointSlice", "Ingress", "IngressClass", "Job",
    "NetworkPolicy", "Pod", "PodDisruptionBudget", "PriorityClass", "ReplicaSet", "StatefulSet",
})  # fmt: skip
# What a client cannot write.
KEPT = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


@dataclass
class Options:
    """How one write is meant."""

    user: User = SYSTEM
    manager: str = "unknown"
    dry_run: bool = False
    validation: str = ""  # Strict, Warn, Ignore
    force: bool = False
    part: str = ""  # the subresource
    applied: bool = False  # by server-side apply: the object carries its new managers
    warnings: list[str] = field(default_factory=list)


class Writer:
    """Creates and changes objects of one cluster. The caller holds the store's lock."""

    def __init__(self, store: Store, catalogue: Catalogue, admit: Admission) -> None:
        self.store = store
        self.catalogue = catalogue
        self.admit = admit

    def decoded(self, resource: Resource, body: Any, options: Options, strictness: Strictness) -> Object:
        """The object of a request's body; 400 for what is none."""
        if not isinstance(body, dict):
            raise ApiError(400, "the object provided is unrecognized (must be of type object)")
        one = {**body}
        one.setdefault("apiVersion", resource.api_version)
        one.setdefault("kind", resource.kind)
        if (one["apiVersion"], one["kind"]) != (resource.api_version, resource.kind):
            raise wrong_kind(resource, one, self.catalogue.of_kind(one["apiVersion"], one["kind"]) is not None)
        what = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
        try:
            if resource.shape is not None:
                one = decoding.decode(resource.shape, one, strictness)
        except DecodingError as problem:
            raise ApiError(400, f"{what}: {problem}") from None
        told = strictness.told()
        if told and options.validation == "Strict":
            raise ApiError(400, f"{what}: strict decoding error: {', '.join(told)}")
        if options.validation != "Ignore":
            options.warnings += told
        one.setdefault("metadata", {})
        for key in ("labels", "annotations", "finalizers", "ownerReferences"):
            if one["metadata"].get(key) in ({}, [], None):
                one["metadata"].pop(key, None)
        return one

    def create(self, resource: Resource, namespace: str, one: Object, options: Options) -> Object:
        """Make it; 409 when there is one of that name."""
        told = one["metadata"]
        self._place(resource, namespace, told)
        if not told.get("name") and told.get("generateName"):
            told["name"] = told["generateName"][:58] + "".join(secrets.choice(CHARACTERS) for _count in range(5))
        if resource.namespaced and told.get("name"):
            self.admit.require_namespace(resource, namespace, told["name"])
        if told.get("resourceVersion") and not options.dry_run:
            raise ApiError(500, "resourceVersion should not be set on objects to be created")
        self._fresh(resource, one)
        return self._finish(resource, one, None, options)

    def _place(self, resource: Resource, namespace: str, told: Object) -> None:
        if not resource.namespaced:
            told.pop("namespace", None)
            return
        if told.get("namespace") not in (None, "", namespace):
            raise ApiError(400, "the namespace of the provided object does not match the namespace sent on the request")
        told["namespace"] = namespace

    def _require_new(self, resource: Resource, told: Object) -> None:
        """After the rules: the real server learns from its storage that the name is taken."""
        if self.store.find(resource.place, told.get("namespace", ""), told["name"]):
            what = qualified(resource.plural, resource.group)
            raise ApiError(409, f'{what} "{told["name"]}" already exists', "AlreadyExists",
                           {"name": told["name"], "group": resource.group, "kind": resource.plural})  # fmt: skip

    def _fresh(self, resource: Resource, one: Object) -> None:
        told = one["metadata"]
        for key in KEPT:
            told.pop(key, None)
        if not told.get("resourceVersion"):
            told.pop("resourceVersion", None)
        told |= {"uid": str(uuid.uuid4()), "creationTimestamp": stamp()}
        if resource.is_custom or resource.kind in GENERATIONS:
            told["generation"] = 1
        if "status" in resource.parts:
            one.pop("status", None)

    def update(self, resource: Resource, before: Object, one: Object, options: Options) -> Object:
        """Put a new state in the place of one that is there."""
        told, old = one["metadata"], before["metadata"]
        self._place(resource, old.get("namespace", ""), told)
        if told.get("name", old["name"]) != old["name"]:
            raise ApiError(
                400, f"the name of the object ({told['name']}) does not match the name on the URL ({old['name']})"
            )
        if told.get("resourceVersion") not in (None, "", old["resourceVersion"]):
            raise stale(resource, old["name"])
        if told.get("uid") not in (None, old["uid"]):
            raise another(resource, old, told["uid"])
        told["name"] = old["name"]
        told["resourceVersion"] = old["resourceVersion"]
        for key in KEPT:
            told.pop(key, None)
            if key in old:
                told[key] = old[key]
        if options.part == "status":
            one = {
                **before,
                "status": one.get("status", {}),
                "metadata": {**old, "managedFields": told.get("managedFields")},
            }
        elif "status" in resource.parts:
            one.pop("status", None)
            if "status" in before:
                one["status"] = before["status"]
        return self._finish(resource, one, before, options)

    def _finish(self, resource: Resource, one: Object, before: Object | None, options: Options) -> Object:
        managed = one["metadata"].pop("managedFields", None) if options.applied else None
        one = copy.deepcopy(one)
        self._default(resource, one)
        # Nobody owns what the server itself puts in after this.
        self._manage(resource, one, before, options, managed)
        self._complete(resource, one, before, options)
        if before is None:
            self._require_new(resource, one["metadata"])
        if before is not None and same(before, one):
            return before
        counts = before is not None and "generation" in before["metadata"] and resource.kind != "PriorityClass"
        if before is not None and counts and options.part != "status" and spec_changed(before, one):
            one["metadata"]["generation"] = before["metadata"]["generation"] + 1
        if options.dry_run:
            return one
        return self._keep(resource, one, before)

    def _default(self, resource: Resource, one: Object) -> None:
        if resource.is_custom and resource.shape is not None:
            crds.defaulted(resource.shape, one)
        else:
            zeros.structs(resource.shape, one)
            apply_defaults(one, resource.group)

    def _complete(self, resource: Resource, one: Object, before: Object | None, options: Options) -> None:
        """What the server puts in, admission and every rule."""
        problems = rules.metadata_problems(one, resource.namespaced, resource.is_custom)
        if not resource.is_custom:
            prepare(one, before, resource.group)
            zeros.status(resource.shape, one)
        if options.part not in UNCHECKED:
            if not problems:
                self.admit.mutate(resource, one, before, options.warnings)
            if resource.is_custom and resource.shape is not None:
                problems += crds.problems(resource.shape, one)
            else:
                problems += rules.problems(one, before, resource.group, resource.shape)
            problems += added_finalizers(one, before)
        if problems:
            raise refused(resource.kind, resource.group, one["metadata"].get("name", ""), problems)
        if resource.place == admission.NAMESPACES:
            admission.check_namespace_labels(one)
        self.admit.guard(options.user, resource, one, before)
        if resource.namespaced and options.part not in UNCHECKED:
            self.admit.require_share(resource, one, before)

    def _manage(self, resource: Resource, one: Object, before: Object | None, options: Options, managed: Any) -> None:
        if options.applied:
            entries = managed or []
        else:
            if one["metadata"].pop("managedFields", None) == [{}]:
                return  # a client's word for: forget all managers
            told = one
            if before is None and "status" in resource.parts:
                told = {key: value for key, value in one.items() if key != "status"}
            entries = apply.tracked(resource.shape, before, told, options.manager, options.part)
        if entries:
            one["metadata"]["managedFields"] = entries

    def _keep(self, resource: Resource, one: Object, before: Object | None) -> Object:
        self.store.put(resource.place, one)
        if resource.plural == "customresourcedefinitions" and before is not None and "status" in one:
            self.catalogue.take_in(one)
        ends = one["metadata"].get("deletionTimestamp") and not one["metadata"].get("finalizers")
        if ends and not (resource.place == admission.NAMESPACES and one["spec"].get("finalizers")):
            return self.store.remove(resource.place, one)
        return one

    def applied(
        self, resource: Resource, namespace: str, name: str, body: Any, options: Options
    ) -> tuple[Object, bool]:
        """Server-side apply; return the object and whether it is new."""
        strictness = Strictness()
        lenient = options if resource.is_custom else replace(options, validation="Ignore")
        wanted = self.decoded(resource, body, lenient, strictness)
        if wanted["metadata"].get("managedFields"):
            raise ApiError(400, "metadata.managedFields must be nil")
        self._place(resource, namespace, wanted["metadata"])
        if wanted["metadata"].setdefault("name", name) != name:
            words = f"the name of the object ({wanted['metadata']['name']}) does not match the name on the URL ({name})"
            raise ApiError(400, words)
        if strictness.unknown and not resource.is_custom:
            what = f"(/{name}; {resource.api_version}, Kind={resource.kind})"
            paths = "\n".join(f".{path}: field not declared in schema" for path in strictness.unknown)
            raise ApiError(500, f"failed to create typed patch object {what}: {paths}")
        before = self.store.find(resource.place, namespace if resource.namespaced else "", name)
        if wanted["metadata"].get("resourceVersion") and before is None:
            raise not_found(resource.plural, resource.group, name)
        part = options.part
        if part != "status" and "status" in resource.parts:
            wanted.pop("status", None)
        live = before or {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": {}}
        told, entries = apply.applied(resource.shape, live, wanted, options.manager, options.force, part)
        told["metadata"] = {**told["metadata"], "managedFields": entries}
        inner = replace(options, applied=True)
        if before is not None:
            return self.update(resource, before, told, inner), False
        if resource.namespaced:
            self.admit.require_namespace(resource, namespace, name)
        self._fresh(resource, told)
        return self._finish(resource, told, None, inner), True

    def change(
        self, resource: Resource, one: Object, edit: Callable[[Object], None], part: str = "",
        manager: str = "kube-controller-manager",
    ) -> Object:  # fmt: skip
        """For the cluster's own controllers: edit a copy and store it; what is gone stays gone."""
        with self.store.lock:
            told = one["metadata"]
            before = self.store.find(resource.place, told.get("namespace", ""), told["name"])
            if before is None or before["metadata"]["uid"] != told["uid"]:
                return one
            fresh = copy.deepcopy(before)
            edit(fresh)
            options = Options(manager=manager, part=part)
            return self.update(resource, before, fresh, options)
