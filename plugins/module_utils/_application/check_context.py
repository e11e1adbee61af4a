# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the surroundings."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._application import config
from ansible_collections.bahnvision.aws.plugins.module_utils._application.ingress import LONGEST_NAME
from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import Component, Context, namespace_of

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")
BALANCER = re.compile(r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
OLDEST = 31  # preStop's sleep and a Job's podFailurePolicy; EKS offers none that is older
CIDRS = (
    ("database", "cidrs"), ("cache", "cidrs"), ("telemetry", "cidrs"), ("ingress", "cidrs"),
    ("ingress", "inbound_cidrs"), ("network", "dns_cidrs"), ("network", "aws_cidrs"), ("network", "metrics_cidrs"),
)  # fmt: skip


def problems(context: Context, components: list[Component]) -> Iterator[str]:
    yield from _names(context)
    yield from _ranges(context)
    yield from _environment(context)
    yield from _used(context, components)
    yield from _database(context, components)
    yield from _secrets(context)
    if context["ingress"]["enabled"] and any(one["routes"] for one in components):
        yield from _ingress(context)
    if context["network"]["policies"]:
        yield from _reached(context, components)


def _names(context: Context) -> Iterator[str]:
    for what, value in (("app", context["app"]), ("stage", context["stage"]), ("namespace", namespace_of(context))):
        if not LABEL.fullmatch(value):
            yield f"context.{what} {value!r} is no name: lower-case letters, digits and hyphens, 63 at most"
    if not context["app"][:1].isalpha():
        yield f"context.app {context['app']!r} must begin with a letter: it begins the names of Services"
    if len(f"{context['app']}-{context['stage']}") > 63:
        yield f"{context['app']}-{context['stage']} is too long for a label (63 characters)"
    for key, value in context["labels"].items():
        if not LABEL_KEY.fullmatch(str(key)) or not LABEL_VALUE.fullmatch(str(value)):
            yield f"context.labels: {key}={value} is no label of Kubernetes"
    version = context["kubernetes_version"]
    if not re.fullmatch(r"1\.[0-9]{1,3}", version):
        yield f"context.kubernetes_version {version!r} is no minor version such as 1.35"
    elif int(version[2:]) < OLDEST:
        yield f"context.kubernetes_version {version} is too old: what is rendered needs 1.{OLDEST}"


def _ranges(context: Context) -> Iterator[str]:
    for part, key in CIDRS:
        for text in context[part][key]:
            try:
                ipaddress.ip_network(text)
            except ValueError as problem:
                yield f"context.{part}.{key}: {problem}"


def _environment(context: Context) -> Iterator[str]:
    for name in context["environment"]:
        if not VARIABLE.fullmatch(str(name)):
            yield f"context.environment: {name!r} is no name of an environment variable"
        elif name in context["secrets"]["keys"]:
            yield f"context.environment: {name} is a secret (context.secrets.keys), and has no place in a ConfigMap"


def _database(context: Context, components: list[Component]) -> Iterator[str]:
    database = context["database"]
    used = any("database" in one["calls"] for one in components)
    known = config.ca_file(context)
    if used and database["host"] and database["tls"] != "require" and not known:
        yield (
            f"context.database: {database['tls']} needs the authorities that the certificate may come from "
            "(authorities, or ca_file for a file of the image)"
        )
    if not ENDPOINT.fullmatch(context["telemetry"]["endpoint"] or "http://a"):
        yield f"context.telemetry.endpoint {context['telemetry']['endpoint']!r} is no address such as http://collector:4317"


def _secrets(context: Context) -> Iterator[str]:
    wanted = context["secrets"]
    if wanted["source"] != "external":
        return
    if not wanted["region"]:
        yield "context.secrets.region is missing: External Secrets must know where AWS Secrets Manager is"
    made = {"DATABASE_URL": "database", "VALKEY_URL": "cache"}
    for key in wanted["keys"]:
        if key not in made:
            yield f"context.secrets.keys: nobody knows how External Secrets would make {key}; with source role you can"
        elif not wanted[f"{made[key]}_secret"] or not context[made[key]]["host"]:
            yield f"context.secrets.{made[key]}_secret and context.{made[key]}.host are needed for {key}"
    if "DATABASE_URL" in wanted["keys"] and not context["database"]["name"]:
        yield "context.database.name is needed for DATABASE_URL"


def _ingress(context: Context) -> Iterator[str]:
    wanted = context["ingress"]
    if not wanted["certificate_arns"] and not wanted["http_only"]:
        yield "context.ingress.certificate_arns is empty: name a certificate, or do without TLS by http_only"
    for arn in wanted["certificate_arns"]:
        if not re.fullmatch(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/\S+", arn):
            yield f"context.ingress.certificate_arns: {arn!r} is no ARN of a certificate of ACM"
    if wanted["waf_arn"] and ":regional/webacl/" not in wanted["waf_arn"]:
        yield f"context.ingress.waf_arn {wanted['waf_arn']!r} is no regional web ACL: load balancers take no global one"
    for key, value in wanted["tags"].items():
        if "," in f"{key}{value}" or "=" in str(key):
            yield f"context.ingress.tags: {key}={value} would be cut at its comma or equals sign"
    name = wanted["load_balancer_name"]
    if name and (len(name) > LONGEST_NAME or not BALANCER.fullmatch(name)):
        yield f"context.ingress.load_balancer_name {name!r} is no name of one (up to {LONGEST_NAME} characters)"


def _used(context: Context, components: list[Component]) -> Iterator[str]:
    for part in ("database", "cache"):
        callers = [one["name"] for one in components if part in one["calls"]]
        if callers and not context[part]["host"]:
            yield f"{', '.join(callers)} calls the {part}, and there is none (context.{part}.host is empty)"


def _reached(context: Context, components: list[Component]) -> Iterator[str]:
    """A policy that names no address allows nothing, which is hard to find out later."""
    if any(one["routes"] for one in components) and context["ingress"]["enabled"] and not context["ingress"]["cidrs"]:
        yield "context.ingress.cidrs is empty: the policies must know the load balancer's subnets, or nobody gets in"
    for part in ("database", "cache"):
        used = any(part in one["calls"] for one in components)
        if used and context[part]["host"] and not context[part]["cidrs"]:
            yield f"context.{part}.cidrs is empty: the policies must know where the {part} is, or nobody reaches it"
    collector = context["telemetry"]
    used = any("telemetry" in one["calls"] for one in components)
    if used and collector["endpoint"] and not collector["namespace"] and not collector["cidrs"]:
        yield "context.telemetry: name the collector's namespace or cidrs for the policies, or no trace arrives"
