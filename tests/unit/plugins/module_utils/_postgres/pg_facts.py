"""Facts of two sides between which nothing forbids a move."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts, Table

OBJECTS = {
    ("table", "public.stops"): "r p",
    ("column", "public.stops.id"): "1 integer",
    ("sequence", "public.stops_id_seq"): "S p",
    ("view", "public.v"): "select 1",
    ("schema", "app"): "",
}


def source(objects: dict | None = None, tables: tuple[Table, ...] | None = None, **server: object) -> Facts:
    about = {
        "version": 150018, "version_text": "15.18", "system_identifier": "1", "address": "10.0.0.1", "port": 5432,
        "started": "then", "database": "app", "user": "compose", "encoding": "UTF8", "collation": "C.UTF-8",
        "ctype": "C.UTF-8", "provider": "c", "collation_version": None, "size": 1000, "host": "a",
        "free_connections": 50, "extensions": {}, "large_objects": 2, "policy_roles": [], "tablespaces": [],
        "publications": [], "subscriptions": [], "event_triggers": [], "user_mappings": [], "security_labels": 0,
        "owners": [], "granted": 0, "settings": [], "has_public": True, "superuser_only": [],
        "unreadable_large_objects": 0, "lock": None,
    }  # fmt: skip
    listed = tables if tables is not None else (Table("public.stops", "16400", "r", 10, 8192, True),)
    return Facts({**about, **server}, listed, OBJECTS if objects is None else objects)


def target(objects: dict | None = None, **server: object) -> Facts:
    about = {
        "version": 170002, "version_text": "17.2", "system_identifier": "2", "address": "10.0.0.2", "port": 5432,
        "started": "now", "database": "app", "user": "master", "superuser": False, "encoding": "UTF8",
        "collation": "C.UTF-8", "ctype": "C.UTF-8", "provider": "c", "collation_version": None, "size": 1000,
        "host": "b", "free_connections": 50, "read_only": False, "may_create": True, "extensions": {},
        "available": {"citext": "1.6"}, "allowed": "*", "roles": ["master"], "large_objects": 0, "lock": None,
    }  # fmt: skip
    return Facts({**about, **server}, (), objects or {})
