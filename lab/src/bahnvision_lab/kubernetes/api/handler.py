"""One request, from who asks to the answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from bahnvision_lab.kubernetes.api import parts, patches, patching, reading, tables
from bahnvision_lab.kubernetes.api.apply import tracked
from bahnvision_lab.kubernetes.api.deletes import delete
from bahnvision_lab.kubernetes.api.identity import User
from bahnvision_lab.kubernetes.api.permission import Attempt
from bahnvision_lab.kubernetes.api.requests import (
    Target,
    body_of,
    compact,
    delete_choice,
    flag,
    manager_of,
    require_object,
    target_of,
    verb_of,
)  # fmt: skip
from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.store import Object
from bahnvision_lab.kubernetes.api.writes import Options
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.objects.decoding import Strictness
from bahnvision_lab.kubernetes.status import (
    ApiError,
    NoPage,
    Problem,
    forbidden,
    lacks,
    no_resource,
    not_found,
    refused,
    required,
    unsupported,
)

if TYPE_CHECKING:
    from bahnvision_lab.kubernetes.cluster import Cluster

VALIDATIONS = ("", "Ignore", "Strict", "Warn")
REVIEWS = ("authentication.k8s.io", "authorization.k8s.io")
# Kinds whose deletion is answered with the object.
WHOLE = ("persistentvolumeclaims", "pods", "resourcequotas", "serviceaccounts", "services", "storageclasses")
# With a definition go its objects, at once; it is answered as the real server does, which begins with that then.
DEFINITIONS = ("apiextensions.k8s.io", "customresourcedefinitions")
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
NOTHING_RUNS = ("exec", "attach", "portforward", "proxy", "binding", "ephemeralcontainers", "resize")


def answer(value: Any, code: int = 200, warnings: list[str] | None = None) -> Response:
    response = Response(compact(value), code, content_type="application/json")
    for text in warnings or ():
        told = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{told}"')
    return response


@contextlib.contextmanager
def warned(options: Options) -> Iterator[None]:
    """A refusal carries the warnings of its request too."""
    try:
        yield
    except ApiError as problem:
        problem.warnings = options.warnings
        raise


class Handler:
    """Resource requests of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.store

    def handle(self, user: User, request: Request) -> Response:
        target = target_of(request.path)
        if target is None:
            raise no_resource()
        verb = verb_of(request, target)
        attempt = Attempt(verb, target.group, target.plural, target.part, target.namespace, target.name)
        self.cluster.permission.require(user, attempt)
        resource = self._resource(target)
        if (target.name and request.method == "POST" and not target.part) or (
            verb in ("update", "patch") and not target.name
        ):
            raise ApiError(405, "the server does not allow this method on the requested resource")
        if not verb or (verb not in resource.verbs and not target.part):
            raise ApiError(405, "the server does not allow this method on the requested resource")
        if resource.namespaced and not target.namespace and target.name:
            raise no_resource()
        if resource.namespaced and not target.namespace and verb not in ("list", "watch"):
            raise ApiError(405, "the server does not allow this method on the requested resource")
        if not resource.namespaced and target.plural != "namespaces" and target.namespace:
            raise no_resource()
        if target.group in REVIEWS:
            return self._review(user, resource, target, request)
        if target.part:
            return self._part(user, resource, target, verb, request)
        return self._whole(user, resource, target, verb, request)

    def _resource(self, target: Target) -> Resource:
        found = self.cluster.catalogue.find(target.group, target.version, target.plural)
        if found is None:
            if self.cluster.catalogue.known_elsewhere(target.group, target.version, target.plural):
                raise lacks(
                    f"{target.plural} in {target.group or 'the core group'}/{target.version}: it "
                    "does not know their rules"
                )
            raise no_resource() if target.group in self.cluster.catalogue.groups() else NoPage()
        if target.part and target.part not in found.parts:
            if found.plural in ("pods", "nodes", "services") and target.part in NOTHING_RUNS:
                raise lacks(f"{found.plural}/{target.part}: nothing runs in its Pods")
            raise no_resource()
        return found

    def _whole(self, user: User, resource: Resource, target: Target, verb: str, request: Request) -> Response:
        space = target.namespace if resource.namespaced else ""
        if verb == "list":
            return answer(
                tables.shown(self.cluster, request, resource, reading.listed(self.store, request, resource, space))
            )
        if verb == "watch":
            changes = reading.watched(self.store, request, resource, space)
            stream: Iterator[bytes] = tables.streamed(self.cluster, request, resource, changes)
            return Response(stream, content_type="application/json", direct_passthrough=True)
        if verb == "deletecollection":
            return self._delete_all(resource, space, request)
        with self.store.lock:
            if verb == "create":
                return self._create(user, resource, space, request)
            if verb == "patch":
                return self._patch(user, resource, target, request)
            one = self._find(resource, target)
            if verb == "get":
                return answer(tables.shown(self.cluster, request, resource, reading.told(resource, one)))
            if verb == "delete":
                return self._delete(resource, one, request)
            return self._update(user, resource, one, request)

    def _find(self, resource: Resource, target: Target) -> Object:
        space = target.namespace if resource.namespaced else ""
        found = self.store.find(resource.place, space, target.name)
        if found is None:
            raise not_found(resource.plural, resource.group, target.name)
        return found

    def _options(self, user: User, request: Request, part: str = "") -> Options:
        dry, validation = request.args.get("dryRun", ""), request.args.get("fieldValidation", "")
        problems = []
        if dry not in ("", "All"):
            problems.append(unsupported("dryRun", [dry], ("All",)))
        if validation not in VALIDATIONS:
            problems.append(unsupported("fieldValidation", validation, VALIDATIONS))
        if len(request.args.get("fieldManager", "").encode()) > 128:
            problems.append(Problem("fieldManager", "FieldValueTooLong", "Too long: may not be more than 128 bytes"))
        if problems:
            kind = {"PATCH": "PatchOptions", "PUT": "UpdateOptions"}.get(request.method, "CreateOptions")
            raise refused(kind, "meta.k8s.io", "", problems)
        return Options(user, manager_of(request), dry == "All", validation, flag(request, "force"), part)

    def _body(self, resource: Resource, request: Request, options: Options) -> Object:
        strictness = Strictness()
        body = body_of(request, self.cluster.protobuf, strictness)
        require_object(resource, body, request.get_data())
        return self.cluster.writer.decoded(resource, body, options, strictness)

    def _create(self, user: User, resource: Resource, space: str, request: Request) -> Response:
        options = self._options(user, request)
        one = self._body(resource, request, options)
        with warned(options):
            made = self.cluster.writer.create(resource, space, one, options)
        if not options.dry_run:
            self.cluster.made(resource, made)
        return answer(reading.told(resource, made), 201, options.warnings)

    def _update(self, user: User, resource: Resource, before: Object, request: Request, part: str = "") -> Response:
        options = self._options(user, request, part)
        one = self._body(resource, request, options)
        with warned(options):
            now = self.cluster.writer.update(resource, before, one, options)
        return answer(reading.told(resource, now), 200, options.warnings)

    def _patch(self, user: User, resource: Resource, target: Target, request: Request, part: str = "") -> Response:
        options = self._options(user, request, part)
        kind = patching.kind_of(resource, request)
        if kind == "apply":
            return self._apply(resource, target, request, options)
        if options.force:
            problem = forbidden("force", "may not be specified for non-apply patch")
            raise refused("PatchOptions", "meta.k8s.io", "", [problem])
        before = self._find(resource, target)
        one = patching.patched(self.cluster, resource, before, request, options, kind)
        with warned(options):
            now = self.cluster.writer.update(resource, before, one, options)
        return answer(reading.told(resource, now), 200, options.warnings)

    def _apply(self, resource: Resource, target: Target, request: Request, options: Options) -> Response:
        if not request.args.get("fieldManager"):
            problem = required("fieldManager", "is required for apply patch")
            raise refused("PatchOptions", "meta.k8s.io", "", [problem])
        body = body_of(request, self.cluster.protobuf, Strictness())
        now, new = self.cluster.writer.applied(resource, target.namespace, target.name, body, options)
        if new and not options.dry_run:
            self.cluster.made(resource, now)
        return answer(reading.told(resource, now), 201 if new else 200, options.warnings)

    def _delete(self, resource: Resource, one: Object, request: Request) -> Response:
        choice = delete_choice(request, self.cluster.protobuf)
        left, gone = delete(self.store, resource, one, choice)
        if gone and not choice.get("dryRun"):
            self.cluster.gone(resource, left)
        told = left["metadata"]
        if gone and resource.place == DEFINITIONS:
            left = {**left, "metadata": {**told, "deletionTimestamp": stamp(), "finalizers": [CLEANUP]}}
            return answer(reading.told(resource, left), 200)
        if not gone or resource.plural in WHOLE:
            return answer(reading.told(resource, left), 200)
        details = {"name": told["name"], "group": resource.group, "kind": resource.plural, "uid": told["uid"]}
        details = {key: value for key, value in details.items() if value}
        return answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    def _delete_all(self, resource: Resource, space: str, request: Request) -> Response:
        choice, test = delete_choice(request, self.cluster.protobuf), reading.chosen(request, resource)
        with self.store.lock:
            found = [one for one in self.store.every(resource.place, space) if test(one)]
            for one in found:
                left, gone = delete(self.store, resource, one, choice)
                if gone and not choice.get("dryRun"):
                    self.cluster.gone(resource, left)
        kind = resource.list_kind or f"{resource.kind}List"
        items = found if resource.is_custom else [reading.bare(one) for one in found]
        metadata = {"resourceVersion": str(self.store.version)}
        return answer({"kind": kind, "apiVersion": resource.api_version, "metadata": metadata, "items": items})

    def _review(self, user: User, resource: Resource, target: Target, request: Request) -> Response:
        options = self._options(user, request)
        one = self._body(resource, request, options)
        entries = tracked(resource.shape, None, one, options.manager, "")
        one["metadata"] |= {"managedFields": entries} if entries else {}
        return answer(self.cluster.reviews.answer(user, resource.kind, target.namespace, one), 201)

    def _part(self, user: User, resource: Resource, target: Target, verb: str, request: Request) -> Response:
        with self.store.lock:
            one = self._find(resource, target)
            if target.part == "status":
                if verb == "get":
                    return answer(reading.told(resource, one))
                if verb == "patch":
                    return self._patch(user, resource, target, request, "status")
                return self._update(user, resource, one, request, "status")
            if target.part == "scale":
                return self._scale(user, resource, one, verb, request)
            return self._other_part(resource, target, one, request)

    def _scale(self, user: User, resource: Resource, one: Object, verb: str, request: Request) -> Response:
        if verb == "get":
            return answer(parts.scale_of(one))
        body = body_of(request, self.cluster.protobuf, Strictness())
        if verb == "patch":
            body = patches.merge_patch(parts.scale_of(one), body) if isinstance(body, dict) else patches.json_patch(
                parts.scale_of(one), body
            )  # fmt: skip
        options = self._options(user, request, "scale")
        return answer(parts.scale_of(self.cluster.writer.update(resource, one, parts.scaled(one, body), options)))

    def _other_part(self, resource: Resource, target: Target, one: Object, request: Request) -> Response:
        if target.part == "log":
            return Response(parts.log_of(one, request.args.get("container", "")), content_type="text/plain")
        body = body_of(request, self.cluster.protobuf, Strictness())
        if target.part == "token":
            shape = self.cluster.release.shape("authentication.k8s.io", "v1", "TokenRequest")
            wanted = {**(body or {}), "apiVersion": "authentication.k8s.io/v1"}
            managers = tracked(shape, None, wanted, manager_of(request), "token")
            return answer(parts.token_request(self.cluster.tokens, one, body, managers), 201)
        if target.part == "eviction":
            parts.evict(self.store, resource, one, (body or {}).get("deleteOptions") or {})
            return answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)
        raise lacks(f"{resource.plural}/{target.part}")
