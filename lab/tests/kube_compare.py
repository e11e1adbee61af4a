"""What a server said, without what differs from run to run, and how two servers disagree."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from kube_world import Client, wait_for

CONFORMANCE = Path(__file__).resolve().parents[1] / "conformance"
KNOWN = CONFORMANCE / "known-differences.yml"
Said = dict[str, Any]  # what one step was answered: code, and message or object
_PATTERNS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"\b10\.100\.\d+\.\d+\b"), "<address>"),
    (re.compile(r"(in record|resource version:) \(?\d+\)?"), r"\1 <version>"),
    (re.compile(r"\bkube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}\b"), "kube-api-access-<random>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "<token>"),
)
_VALUE = " value: "
# A message lists words in the order in which somebody wrote them.
_SUPPORTED = re.compile(r'(supported values: )("[^"]*"(?:, "[^"]*")*)')
CONTROLLERS = "kube-controller-manager"
REVIEWS = ("SelfSubjectAccessReview", "SubjectAccessReview", "LocalSubjectAccessReview", "SelfSubjectReview")
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
_VOLATILE = {
    "resourceVersion": "<version>", "continue": "<mark>", "nodePort": "<port>", "healthCheckNodePort": "<port>",
    "pod-template-hash": "<hash>", "controller-revision-hash": "<hash>", "podIP": "<address>", "hostIP": "<address>",
    "expirationTimestamp": "<time>",
}  # fmt: skip


def plain(value: Any, key: str = "") -> Any:
    """The same for two servers that agree."""
    if isinstance(value, dict):
        return {plain(one, ""): plain(item, one) for one, item in sorted(value.items())}
    if isinstance(value, list):
        return [plain(item, key) for item in value]
    if key in _VOLATILE and value not in (None, "", 0):
        return _VOLATILE[key]
    if not isinstance(value, str):
        return value
    for pattern, word in _PATTERNS:
        value = pattern.sub(word, value)
    return _SUPPORTED.sub(_sorted, _without_structs(value))


def _without_structs(text: str) -> str:
    """A message shows an object as Go's own structs: only that there is one counts."""
    told, reader = "", json.JSONDecoder()
    while _VALUE in text:
        before, _mark, text = text.partition(_VALUE)
        told += before + _VALUE
        with contextlib.suppress(ValueError):
            found, end = reader.raw_decode(text)
            if found is None or found == "" or isinstance(found, dict | list) or str(found).startswith("{"):
                told, text = f"{told}<object>", text[end:]
    return told + text


def _sorted(found: re.Match[str]) -> str:
    return found[1] + ", ".join(sorted(found[2].split(", ")))


@dataclass
class Talk:
    """One conversation with a server. Each step has a name, and is remembered with its answer."""

    client: Client
    space: str
    said: dict[str, Said] = field(default_factory=dict)

    def __call__(
        self, step: str, method: str, path: str, body: Any = None, kind: str = "application/json", user: str = "",
        **query: Any,
    ) -> Any:  # fmt: skip
        """Ask and remember. {ns} in a path is the conversation's own namespace."""
        client = self.client.as_user(user) if user else self.client
        answer = client.ask(method, path.replace("{ns}", self.space), body, kind, **query)
        self.remember(step, said(answer, self.space))
        return answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else answer.text

    def remember(self, step: str, told: Said) -> None:
        assert step not in self.said, f"two steps are called {step}"
        self.said[step] = told

    def fact(self, step: str, value: Any) -> None:
        """What this conversation saw, beside answers."""
        self.remember(step, {"fact": json.loads(json.dumps(plain(value)))})

    def quiet(self, method: str, path: str, body: Any = None, kind: str = "application/json", **query: Any) -> Any:
        """Ask for what is only needed for the steps; it must work."""
        return self.client.good(method, path.replace("{ns}", self.space), body, kind, **query)

    def until(self, path: str, holds: Callable[[Any], Any], what: str) -> Any:
        """Ask again until an object is as its controller makes it."""

        def look() -> Any:
            answer = self.client.ask("GET", path.replace("{ns}", self.space))
            found = answer.json() if answer.ok else None
            return [found] if holds(found) else None

        return wait_for(look, f"{what} at {self.client.address}")[0]


def said(answer: Any, space: str) -> Said:
    told: Said = {"code": answer.status_code}
    space = space if space.startswith("flow-") else "<namespace>"  # "default" is a word of its own
    if answer.headers.get("Warning"):
        told["warning"] = plain(answer.headers["Warning"].replace(space, "<namespace>"))
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        return told
    body = json.loads(answer.text.replace(space, "<namespace>"))
    if body.get("kind") == "Status" and body.get("status") == "Failure":
        keys = ("reason", "message") if answer.status_code != 500 else ("message",)
        return {**told, **{key: plain(body[key]) for key in keys if key in body},
                "causes": causes(body)}  # fmt: skip
    if space != "<namespace>" and answer.status_code == 200:
        body = settled(body)
    if body.get("kind") == "SelfSubjectRulesReview":  # gathered in an order that is nobody's
        body["status"] = {key: sorted(value, key=str) if isinstance(value, list) else value
                          for key, value in body["status"].items()}  # fmt: skip
    return {**told, "object": named(plain(body))}


def settled(body: Any) -> Any:
    """Without what controllers write meanwhile, sooner or later: it is told where it has been waited for."""
    if not isinstance(body, dict) or body.get("kind") in (*REVIEWS, "Status"):
        return body
    if isinstance(body.get("items"), list):
        return {**body, "items": [settled(one) for one in body["items"]]}
    metadata = {key: value for key, value in body.get("metadata", {}).items() if key != "managedFields"}
    managers = [one for one in body.get("metadata", {}).get("managedFields") or () if one["manager"] != CONTROLLERS]
    # They are told in the order of their times, which are seconds.
    managers = sorted(({key: value for key, value in one.items() if key != "time"} for one in managers),
                      key=lambda one: (one["operation"], one["manager"], one.get("subresource", "")))  # fmt: skip
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if "/revision" not in key}
    whole = {key: value for key, value in body.items() if key != "status" or metadata.get("name") == "a-thing"}
    more = {"managedFields": managers} if managers else {}
    return {**whole, "metadata": {**metadata, **more, **({"annotations": annotations} if annotations else {})}}


def causes(status: Any) -> list[str]:
    """Which fields, and what is wrong with each, in a sentence's form."""
    return [f"{one.get('field', '')}: {one.get('reason', '')}" for one in status.get("details", {}).get("causes") or ()]


def named(one: Any) -> Any:
    """A name that the server completed tells nothing."""
    start = (one.get("metadata") or {}).get("generateName") if isinstance(one, dict) else None
    if not start:
        return one
    text = re.sub(rf'"{re.escape(start)}{_RANDOM}{{5}}"', json.dumps(f"{start}<random>"), json.dumps(one))
    return json.loads(text)


def differences(one: Any, other: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values part: path, the one, the other."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), f"{at}.{key}" if at else key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{at}[{number}]")
    elif one != other:
        yield at, one, other


@dataclass
class Known:
    """Differences that stay, each with its reason."""

    entries: list[dict[str, str]]
    met: set[str] = field(default_factory=set)

    def covers(self, what: str) -> str:
        """The reason, "" when it is not known."""
        for entry in self.entries:
            if re.fullmatch(entry["at"], what):
                self.met.add(entry["at"])
                return entry["why"]
        return ""


def known() -> Known:
    return Known(yaml.safe_load(KNOWN.read_text())["differences"])


def disagreements(name: str, real: dict[str, Said], ours: dict[str, Said], told: Known) -> list[tuple[str, Any, Any]]:
    """What is not known of a conversation's differences: where, what the real one says, what ours says."""
    found = []
    for step in [*real, *(step for step in ours if step not in real)]:
        for path, one, other in differences(real.get(step), ours.get(step)):
            where = f"{name} / {step} / {path}"
            if not told.covers(where):
                found.append((where, one, other))
    return found


@cache
def recorded() -> dict[str, dict[str, Said]]:
    """What a real server said, by conversation and step. The file's name tells its version."""
    (path,) = CONFORMANCE.glob("recorded-*.json")
    return json.loads(path.read_text())
