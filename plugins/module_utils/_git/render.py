# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects as files for a Git repository: steady names, order and form. Pure."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._report.secrets import SECRET_VALUES
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import refuse

with contextlib.suppress(ImportError):  # the module says so
    import yaml

MARK = "# Made by bahnvision.aws.git_manifests; what is changed here by hand is lost."
KUSTOMIZATION = "kustomization.yaml"
FIRST = ("apiVersion", "kind", "metadata", "spec")
# Argo CD 3: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/
WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
HOOK_DELETE = "argocd.argoproj.io/hook-delete-policy"
OPTIONS = "argocd.argoproj.io/sync-options"
# With these all that they hold would go.
KEPT = ("Namespace", "PersistentVolumeClaim")
# A plain scalar that begins like a word and is none of YAML 1.1's and 1.2's other words is text for every reader;
# PyYAML alone would write 1e3 or 0o7 plain, which Go reads as numbers.
WORD = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
NO_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"))


def files_of(manifests: Sequence[Mapping[str, Any]], argocd: bool = False) -> dict[str, str]:
    """Return the text of each file by its name; refuse what must not be in Git, telling all of it."""
    refuse("git_manifests", [*_problems(manifests)])
    objects = with_waves(manifests) if argocd else [dict(one) for one in manifests]
    names = _names(objects)
    files = {name: _text(one) for name, one in zip(names, objects)}  # noqa: B905
    listed = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": names}
    return {**files, KUSTOMIZATION: _text(listed)}


def with_waves(manifests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Let Argo CD keep the order of the list at its Jobs: a Job runs in each sync, after what stands before it and
    before what stands behind it. Argo CD's own order has Jobs behind Deployments. What holds others is never pruned."""
    number, made = 0, []
    for manifest in manifests:
        one = copy.deepcopy(dict(manifest))
        job = one.get("kind") == "Job"
        number += job
        if number or job:
            notes = one["metadata"].setdefault("annotations", {})
            notes[WAVE] = str(number)
            if job:
                # A Job cannot be changed, so each sync makes it anew.
                notes.setdefault(HOOK, "Sync")
                notes.setdefault(HOOK_DELETE, "BeforeHookCreation")
        number += job
        if one.get("kind") in KEPT:
            one["metadata"].setdefault("annotations", {}).setdefault(OPTIONS, "Prune=false,Delete=false")
        made.append(one)
    return made


def is_ours(text: str) -> bool:
    return text.partition("\n")[0].rstrip("\r") == MARK


def _problems(manifests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    seen = set()
    for number, one in enumerate(manifests, start=1):
        told = one.get("metadata")
        if not (one.get("apiVersion") and one.get("kind") and isinstance(told, Mapping) and told.get("name")):
            yield f"object {number} has no apiVersion, kind or metadata.name"
            continue
        subject = f"{one['kind']} {_full_name(one)}"
        group = str(one["apiVersion"]).rpartition("/")[0]
        if one["kind"] == "Secret" and not group:
            yield f"{subject} must not be in Git: name an ExternalSecret, or make it outside of Git"
        if one["kind"].endswith("List") and "items" in one:
            yield f"{subject} is a list: give its objects one by one"
        yield from _secrets(subject, one)
        if (group, one["kind"], _full_name(one)) in seen:
            yield f"{subject} is there twice"
        seen.add((group, one["kind"], _full_name(one)))


def _secrets(subject: str, value: Any, place: str = "") -> Iterator[str]:
    """The secret itself is never told."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(subject, item, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _secrets(subject, item, f"{place}[{number}]")
    elif isinstance(value, str):
        for what, pattern in SECRET_VALUES.items():
            if pattern.search(value):
                yield f"{subject}, {place.lstrip('.')}: looks like {what}, which must not be in Git"


def _full_name(one: Mapping[str, Any]) -> str:
    told = one["metadata"]
    return f"{told['namespace']}/{told['name']}" if told.get("namespace") else str(told["name"])


def _names(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """kind-name.yaml; objects whose short names are the same get group and namespace in front."""
    short = [_plain(f"{one['kind']}-{one['metadata']['name']}") for one in objects]
    names = []
    for one, name in zip(objects, short):  # noqa: B905
        if short.count(name) > 1:
            group = str(one["apiVersion"]).rpartition("/")[0]
            name = _plain("-".join(part for part in (group, one["metadata"].get("namespace", ""), name) if part))
        names.append(f"{name}.yaml")
    twice = sorted({name for name in names if names.count(name) > 1 or name == KUSTOMIZATION})
    refuse("git_manifests", [f"several objects would be written to {name}" for name in twice])
    return names


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower())


def _text(one: Mapping[str, Any]) -> str:
    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
            return True

    Dumper.add_representer(str, _string)
    body = yaml.dump(_ordered(one), Dumper=Dumper, sort_keys=False, width=4096, allow_unicode=True)
    return f"{MARK}\n---\n{body}"


def _string(dumper: Any, text: str) -> Any:
    plain = WORD.fullmatch(text) and text.lower() not in NO_WORDS
    style = None if plain else "|" if _is_block(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_block(text: str) -> bool:
    return "\n" in text and not re.search(r"[ \t]\n|[\t\r\x85\u2028\u2029\ufeff]|^\s", text)


def _ordered(one: Mapping[str, Any]) -> dict[str, Any]:
    keys = [*(key for key in FIRST if key in one), *sorted(key for key in one if key not in FIRST)]
    return {key: _sorted(one[key]) for key in keys}


def _sorted(value: Any) -> Any:
    """Plain data without Ansible's own types, keys in order; lists keep theirs."""
    if isinstance(value, Mapping):
        return {str(key): _sorted(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return str(value) if isinstance(value, str) else value
