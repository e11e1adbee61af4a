"""Whatever list somebody writes: valid objects in one order, or one refusal."""

from __future__ import annotations

import copy
import random
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.bahnvision.aws.plugins.filter.app_manifests import app_manifests
from app_shapes import RESOURCES, context
from bahnvision_lab.kubernetes.objects.shapes import versions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_app_schemas import problems, release

names = st.sampled_from(["web", "api", "worker", "nightly", "schema", "a", "Web", "cache"])
paths = st.sampled_from(["/", "/api", "/metrics", "/a/b", "x", "/%2f"])
hosts = st.sampled_from(["", "a.example.com", "*.example.com", "bad_host"])
sizes = st.sampled_from(["1Gi", "64Mi", "0", "x"])
maybe = st.none()
parts: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["web", "worker", "schedule", "job"]),
    "enabled": st.booleans(),
    "image": st.sampled_from(["web", "tool", "nobody", "nginx:1", "r.example.com/x@sha256:" + "a" * 64]),
    "command": st.lists(st.sampled_from(["run", "--x"]), max_size=2),
    "port": st.sampled_from([80, 8080, 0, None]),
    "service_port": st.sampled_from([80, None]),
    "replicas": st.integers(0, 3),
    "autoscaling": maybe | st.fixed_dictionaries({"max": st.integers(1, 4)}, optional={"cpu": st.integers(0, 100)}),
    "health": maybe | st.fixed_dictionaries({}, optional={"path": paths, "command": st.just(["true"])}),
    "metrics": maybe | st.just({}) | st.just({"port": 9090}),
    "routes": st.lists(st.fixed_dictionaries({}, optional={"host": hosts, "path": paths}), max_size=3),
    "config": st.booleans(),
    "environment": st.dictionaries(
        st.sampled_from(["A", "B", "API_TOKEN", "a b"]), st.sampled_from([1, "x", True, None])
    ),
    "secrets": st.lists(st.sampled_from(["DATABASE_URL", "VALKEY_URL"]), max_size=2),
    "telemetry": maybe | st.just({}),
    "calls": st.lists(st.sampled_from(["database", "cache", "telemetry", "aws", "internet", "web", "api"]), max_size=4),
    "volumes": st.lists(
        st.fixed_dictionaries({"path": paths, "size": sizes}, optional={"type": st.sampled_from(["claim", "memory"])}),
        max_size=2,
    ),
    "user": st.sampled_from([0, 1000]),
    "pod_security": st.sampled_from(["restricted", "baseline"]),
    "schedule": st.sampled_from(["", "0 2 * * *", "@daily", "nightly"]),
    "request": maybe | st.fixed_dictionaries({"component": names, "path": paths}),
    "disruption": st.sampled_from(["1", "50%", "0"]),
    "spread": st.sampled_from(["preferred", "required"]),
    "drain_seconds": st.sampled_from([0, 20]),
    "wrong": st.just(1),
}
# Most of a list is well: one that is wrong everywhere says nothing about what is rendered.
sound = st.fixed_dictionaries(
    {"name": names, "image": st.just("web"), "resources": st.just(RESOURCES)},
    optional={key: parts[key] for key in ("calls", "secrets", "spread", "config", "replicas", "drain_seconds")},
).flatmap(
    lambda one: st.sampled_from(
        [
            {**one, "port": 8080, "health": {"path": "/ok"}},
            {**one, "type": "worker"},
            {**one, "type": "job"},
            {**one, "type": "schedule", "schedule": "0 2 * * *"},
        ]
    )
)
wild = st.fixed_dictionaries(
    {"name": names, "resources": st.just(RESOURCES), "image": parts.pop("image")}, optional=parts
)
lists = st.lists(sound, max_size=4) | st.lists(sound | wild, min_size=1, max_size=3)
contexts = st.fixed_dictionaries(
    {}, optional={"serving": st.booleans(), "network": st.just({"policies": False}), "mutable_images": st.booleans()}
)


def outcome(components: list[Any], about: dict[str, Any]) -> list[dict[str, Any]] | str:
    try:
        return app_manifests(components, about)
    except AnsibleFilterError as problem:
        return str(problem)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(lists, contexts)
def test_a_list_is_rendered_well_or_refused_once(components, changes):
    about = context(**changes)
    given_before = copy.deepcopy(components)
    made = outcome(components, about)

    assert components == given_before
    assert outcome(components, about) == made
    if isinstance(made, str):
        assert made
        return
    identities = [(one["kind"], one["metadata"]["name"]) for one in made]
    assert len(set(identities)) == len(identities)
    newest = release(versions()[-1])
    assert [problem for one in made for problem in problems(one, newest)] == []


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(sound, min_size=2, max_size=4, unique_by=lambda one: one["name"]), st.randoms(use_true_random=False))
def test_the_order_of_the_keys_does_not_matter(components, chance: random.Random):
    shuffled = [dict(chance.sample(list(one.items()), len(one))) for one in components]

    assert outcome(components, context()) == outcome(shuffled, context())
