# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkPolicies: nothing in, nothing out, but what a component says it needs."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    Component,
    Context,
    Object,
    make,
    name_of,
    selector_of,
)

NAMESPACE = "kubernetes.io/metadata.name"
# Everything that is not the internet: private and shared ranges, and link-local with the instance's metadata
# (169.254.169.254), which gives away the node's own credentials.
INSIDE = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
POD_IDENTITY_AGENT = "169.254.170.23/32"
PLACES = ("database", "cache", "telemetry", "aws", "internet")


def policies(context: Context, components: list[Component]) -> list[Object]:
    if not context["network"]["policies"]:
        return []
    every: Object = {"podSelector": {}}
    deny = {**every, "policyTypes": ["Ingress", "Egress"]}
    names = {**every, "policyTypes": ["Egress"], "egress": [_names(context)]}
    found = [_policy(context, f"{context['app']}-deny-all", deny), _policy(context, f"{context['app']}-dns", names)]
    return found + [one for component in components for one in _own(component, context, components)]


def _policy(context: Context, name: str, spec: Object, component: Component | None = None) -> Object:
    return make(context, "networking.k8s.io/v1", "NetworkPolicy", name, component, spec=spec)


def _names(context: Context) -> Object:
    pods = {
        "namespaceSelector": {"matchLabels": {NAMESPACE: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {"to": [pods, *_blocks(context["network"]["dns_cidrs"])], "ports": ports}


def _own(component: Component, context: Context, components: list[Component]) -> Iterator[Object]:
    into, out = list(_into(component, context, components)), list(_out(component, context, components))
    rules = {"ingress": into, "egress": out}
    given = {key: rule for key, rule in rules.items() if rule}
    if given:
        selector = {"podSelector": {"matchLabels": selector_of(context, component)}}
        kinds = [key.capitalize() for key in given]
        yield _policy(context, name_of(context, component), {**selector, "policyTypes": kinds, **given}, component)


def _into(component: Component, context: Context, components: list[Component]) -> Iterator[Object]:
    if component["type"] != "web":
        return
    port = _ports(component["port"])
    if component["routes"] and context["ingress"]["enabled"]:
        yield {"from": _blocks(context["ingress"]["cidrs"]), "ports": port}
    callers = [one for one in components if component["name"] in called(one)]
    if callers:
        yield {"from": [_pods(one, context) for one in callers], "ports": port}
    wanted = context["network"]
    spaces = [{"namespaceSelector": {"matchLabels": {NAMESPACE: one}}} for one in wanted["metrics_namespaces"]]
    collectors = spaces + _blocks(wanted["metrics_cidrs"])
    if component["metrics"] and collectors:
        yield {"from": collectors, "ports": _ports(component["metrics"]["port"] or component["port"])}


def called(component: Component) -> list[str]:
    """The names of what it connects to, the one that its request goes to included."""
    asked = [component["request"]["component"]] if component["request"] else []
    return [*component["calls"], *(one for one in asked if one not in component["calls"])]


def _out(component: Component, context: Context, components: list[Component]) -> Iterator[Object]:
    names = called(component)
    for other in components:
        if other["name"] in names and other["type"] == "web":
            yield {"to": [_pods(other, context)], "ports": _ports(other["port"])}
    for part in ("database", "cache"):
        if part in names and context[part]["host"]:
            yield {"to": _blocks(context[part]["cidrs"]), "ports": _ports(context[part]["port"])}
    if "telemetry" in names and context["telemetry"]["endpoint"]:
        yield _collector(context)
    if "aws" in names:
        yield {"to": _blocks([POD_IDENTITY_AGENT]), "ports": _ports(80)}
        # AWS's services answer at public addresses, and within the network where it has endpoints for them.
        yield {"to": [*_blocks(context["network"]["aws_cidrs"]), _internet()], "ports": _ports(443)}
    if "internet" in names:
        yield {"to": [_internet()], "ports": _ports(*component["internet_ports"])}


def _collector(context: Context) -> Object:
    wanted = context["telemetry"]
    space = [{"namespaceSelector": {"matchLabels": {NAMESPACE: wanted["namespace"]}}}] if wanted["namespace"] else []
    return {"to": space + _blocks(wanted["cidrs"]), "ports": _ports(collector_port(wanted["endpoint"]))}


def collector_port(endpoint: str) -> int:
    last = endpoint.rpartition("/")[2] if "//" in endpoint else endpoint
    port = last.rpartition(":")[2]
    return int(port) if port.isdigit() else 4317


def _internet() -> Object:
    return {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(INSIDE)}}


def _pods(component: Component, context: Context) -> Object:
    return {"podSelector": {"matchLabels": selector_of(context, component)}}


def _blocks(cidrs: list[str]) -> list[Object]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _ports(*numbers: int) -> list[Object]:
    return [{"protocol": "TCP", "port": number} for number in numbers]
