"""Facts of two sides between which nothing forbids a move."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts, Table
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import Chosen

SETTINGS = {
    "max_connections": "100", "max_locks_per_transaction": "64", "max_prepared_transactions": "0",
    "wal_level": "logical",
    "max_slot_wal_keep_size": "-1",
    "wal_sender_timeout": "60000",
    "max_wal_size": "4096",
    "maintenance_work_mem": "65536", "temp_file_limit": "-1", "shared_preload_libraries": "",
}  # fmt: skip
FREE = {"server": 50, "role": None, "database": None}
BOTH = {
    "settings": SETTINGS, "limits": {}, "recovery": False, "read_only": False, "tls": True, "clock_skew": 0.0,
    "locale": None, "sees_activity": True, "prepared": [], "long_transactions": [], "invalid_databases": [],
    "databases_bytes": 9 << 20,
}  # fmt: skip
OBJECTS = {
    ("table", "public.stops"): "r p",
    ("column", "public.stops.id"): "1 integer",
    ("sequence", "public.stops_id_seq"): "S p",
    ("view", "public.v"): "select 1",
    ("schema", "app"): "",
}


def source(
    objects: dict | None = None,
    tables: tuple[Table, ...] | None = None,
    chosen: Chosen | None = None,
    **server: object,
) -> Facts:
    about = {
        "version": 150018, "version_text": "15.18", "system_identifier": "1", "address": "10.0.0.1", "port": 5432,
        "started": "then", "database": "app", "user": "compose", "encoding": "UTF8", "collation": "C.UTF-8",
        "ctype": "C.UTF-8", "provider": "c", "collation_version": None, "size": 1000, "host": "a",
        "free_connections": FREE, "extensions": {}, "large_objects": 2, "policy_roles": [], "tablespaces": [],
        "publications": [], "subscriptions": [], "event_triggers": [], "user_mappings": [], "security_labels": 0,
        "owners": [], "granted": 0, "settings_of_roles": [], "has_public": True, "superuser_only": [],
        "unreadable_large_objects": 0, "lock": None, "unreadable_sequences": [], "hashed_by_enum": [], "lockable": 1,
        "indexes": {"number": 1, "bytes": 16384, "largest": [16384]}, "large_object_bytes": 8192, "unlogged": [],
        "foreign_servers": [], "logical_slots": [], "reg_columns": [], "generated": [], "nullable_children": [],
        "long_names": [], "collations_used": [], "collated_partitions": [],
    }  # fmt: skip
    listed = tables if tables is not None else (Table("public.stops", "16400", "r", 10, 8192, True),)
    return Facts({**BOTH, **about, **server}, listed, OBJECTS if objects is None else objects, chosen or Chosen())


def target(objects: dict | None = None, **server: object) -> Facts:
    about = {
        "version": 170002, "version_text": "17.2", "system_identifier": "2", "address": "10.0.0.2", "port": 5432,
        "started": "now", "database": "app", "user": "master", "superuser": False, "encoding": "UTF8",
        "collation": "C.UTF-8", "ctype": "C.UTF-8", "provider": "c", "collation_version": None, "size": 1000,
        "host": "b", "free_connections": FREE, "may_create": True, "extensions": {},
        "available": {"citext": "1.6"}, "allowed": "*", "roles": ["master"], "large_objects": 0, "lock": None,
        "guarded_extensions": [], "rds": True, "collations": ["C", "de-x-icu"], "may_become": ["master"],
        "may_create_in_public": ["master"], "may_grant": [], "may_grant_public": False,
    }  # fmt: skip
    return Facts({**BOTH, **about, **server}, (), objects or {})
