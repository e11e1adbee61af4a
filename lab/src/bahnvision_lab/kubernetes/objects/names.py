"""The forms that Kubernetes gives names, labels and keys, with its own words for what breaks them."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from bahnvision_lab.kubernetes.status import Problem, invalid, required

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
DNS1035_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
KEY_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
CONFIG_KEY_WORDS = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
# Which kinds' names have a form of their own. All others are subdomains.
STANDARD = ("kubernetes", "orphan", "foregroundDeletion")  # finalizers without a prefix
_LABELS = {"Namespace"}
_DNS1035: set[str] = set()
_PATHS = {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


def address(field: str, value: Any) -> list[Problem]:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return [invalid(field, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []


def label(field: str, value: Any, most: int = 63) -> list[Problem]:
    return _form(field, value, _LABEL, LABEL_WORDS, most)


def subdomain(field: str, value: Any) -> list[Problem]:
    return _form(field, value, _SUBDOMAIN, SUBDOMAIN_WORDS, 253)


def dns1035(field: str, value: Any) -> list[Problem]:
    return _form(field, value, r"[a-z]([-a-z0-9]*[a-z0-9])?", DNS1035_WORDS, 63)


def config_key(field: str, value: str) -> list[Problem]:
    found = _form(field, value, r"[-._a-zA-Z0-9]+", CONFIG_KEY_WORDS, 253)
    if value in (".", ".."):
        found.append(invalid(field, value, f"must not be '{value}'"))
    elif value.startswith(".."):
        found.append(invalid(field, value, "must not start with '..'"))
    return found


def _form(field: str, value: Any, form: str, words: str, most: int, unit: str = "characters") -> list[Problem]:
    found = []
    if len(str(value)) > most:
        found.append(invalid(field, value, f"must be no more than {most} {unit}"))
    if not re.fullmatch(form, str(value)):
        found.append(invalid(field, value, words))
    return found


def qualified_name(field: str, key: str) -> list[Problem]:
    """A label's or annotation's key: an optional prefix that is a subdomain, and a name."""
    prefix, slash, name = key.rpartition("/")
    if key.count("/") > 1:
        words = f"a valid label key must consist of {KEY_WORDS.partition('consist of ')[2]} with "
        return [invalid(field, key, f"{words}an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")]
    if not name:
        return [invalid(field, key, "name part must be non-empty"), invalid(field, key, KEY_WORDS)]
    if slash and not re.fullmatch(_SUBDOMAIN, prefix):
        return [invalid(field, key, f"prefix part {SUBDOMAIN_WORDS}")]
    return _form(field, name, _QUALIFIED, KEY_WORDS, 63) and [
        invalid(field, key, "name part must be no more than 63 bytes" if len(name) > 63 else KEY_WORDS)
    ]


def labels(field: str, values: dict[str, Any] | None) -> list[Problem]:
    found = []
    for key, value in (values or {}).items():
        found += qualified_name(field, key)
        found += _form(field, value, rf"({_QUALIFIED})?", VALUE_WORDS, 63, "bytes")
    return found


def object_name(kind: str, field: str, value: str, is_custom: bool = False) -> list[Problem]:
    if kind in _PATHS and not is_custom:
        bad = [one for one in ("/", "%") if one in value]
        if value in (".", ".."):
            return [invalid(field, value, f"may not be '{value}'")]
        return [invalid(field, value, f"may not contain '{one}'") for one in bad]
    if kind == "Service":
        return dns1035(field, value)
    if kind in _LABELS:
        return [invalid(field, value, "must not contain dots")] if "." in value else label(field, value)
    return subdomain(field, value)


def metadata(one: dict[str, Any], namespaced: bool, is_custom: bool = False) -> list[Problem]:
    told, kind = one["metadata"], one["kind"]
    if not told.get("name"):
        return [required("metadata.name", "name or generateName is required")]
    found = object_name(kind, "metadata.name", told["name"], is_custom)
    if namespaced and not told.get("namespace"):
        found.append(required("metadata.namespace"))
    found += labels("metadata.labels", told.get("labels"))
    for key in told.get("annotations") or {}:
        found += qualified_name("metadata.annotations", key.lower())
    size = sum(len(key) + len(value) for key, value in (told.get("annotations") or {}).items())
    if size > 262144:
        found.append(
            Problem("metadata.annotations", "FieldValueTooLong", "Too long: may not be more than 262144 bytes")
        )
    for at, name in enumerate(told.get("finalizers") or ()):
        found += qualified_name(f"metadata.finalizers[{at}]", name)
        if not is_custom and "/" not in name and name not in STANDARD:
            words = "name is neither a standard finalizer name nor is it fully qualified"
            found.append(invalid(f"metadata.finalizers[{at}]", name, words))
    for owner in told.get("ownerReferences") or ():
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                found.append(invalid(f"metadata.ownerReferences.{key}", "", "must not be empty"))
    return found
