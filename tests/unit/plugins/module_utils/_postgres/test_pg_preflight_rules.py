"""Each rule from made facts: it speaks when it must, names the object, and is silent otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.assessment import Column, assess
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.assessment import Table as Assessed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts, Table
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logicalfacts import Replication
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    NOT_MOVED,
    Case,
    Finding,
    Request,
    Streams,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rules import (
    RULES,
    check,
    not_checked,
    table_of_rules,
    verdicts,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import Chosen
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish
from pg_facts import FREE, OBJECTS, SETTINGS, source, target

DOCUMENTED = Path(__file__).parents[5] / "docs/preflight.md"
CITEXT = {"citext": {"version": "1.6", "schema": "ext", "order": 2}}
TRGM = {"pg_trgm": {"version": "1.6", "schema": "public", "order": 1}}
CRON = {"pg_cron": {"version": "1.6", "schema": "public", "order": 1}}
STATEMENTS = {"pg_stat_statements": {"version": "1.9", "schema": "public", "order": 1}}
INVALID = {**OBJECTS, ("index", "public.i"): "CREATE INDEX i ON public.stops USING btree (id) INVALID"}
OPCLASS = {**OBJECTS, ("operator class", "public.o USING btree"): "", ("type", "public.b"): "b", ("type", "x"): "e 'a'"}
LARGE = {"number": 1, "bytes": 6 << 30, "largest": [6 << 30]}
PLAIN = Request(4)
MAP = Wish(owner="map", role_map={"app": "owner"})
LOGICAL, MAPPED, PRIVILEGES = Request(4, method="logical"), Request(4, wish=MAP), Request(4, wish=Wish(acl=True))
APP = {"owners": ["app"], "grants": [["table", "public.stops", "app", [["leser", "SELECT", False]]]]}
SKIPPED = {"chosen": Chosen(needs={"citext": "table public.stops"}), "skipped_extensions": CITEXT}
PINNED = {"extensions": {"citext": {"version": "1.5", "schema": "ext", "order": 2, "pinned": True}}}


def settings(**changes: object) -> dict:
    """Return the settings of a side; None takes one away."""
    return {"settings": {name: value for name, value in {**SETTINGS, **changes}.items() if value is not None}}


def by_dms(table: Assessed | None = None, largest: int = 0, large_objects: int = 0) -> Request:
    """Return a request for method dms with the assessment of one table; without one, of a good one."""
    lobs = {table.ident: largest} if table else {}
    return Request(4, method="dms", assessment=assess([table or row()], lobs, large_objects))


def row(*columns: Column, name: str = "x", key: tuple[str, ...] = ("id",), **more: object) -> Assessed:
    return Assessed("public", name, f"public.{name}", (Column("id", "int4"), *columns), key, **more)


TABLE = {"ident": "public.x", "unlogged": False, "owned": True, "identity": None, "unequal": [], "fires": []}


def streams(*tables: dict, static: tuple[str, ...] = (), begun: bool = False, **changes: object) -> Request:
    """Return a request for method logical between sides that can replicate, but for the changes."""
    about = {
        "version": 150018, "user": "compose", "wal_level": "logical", "recovery": False, "managed": False,
        "keep": "1000", "slots_free": 1, "senders_free": 1, "workers": 1, "subscribed": [], "others": [],
        "may_replicate": True, "may_publish": True, "may_subscribe": True,
    }  # fmt: skip
    source_side, target_side = Replication({**about, **changes}, tables), Replication({**about, **changes})
    return Request(4, method="logical", replication=Streams(source_side, target_side, static, begun=begun))


def table(**changes: object) -> dict:
    about = {"ident": "public.x", "oid": "1", "kind": "r", "rows": 0, "bytes": 0, "readable": True}
    return {"tables": (Table(**{**about, **changes}),)}


def found(ours: dict, theirs: dict, request: Request = PLAIN) -> list[Finding]:
    return list(check(Case(source(**ours), target(**theirs), request)))


# (rule, facts of the source, facts of the target, request, the object, words of the message)
SPEAKS = [
    ("same-database", {}, {"system_identifier": "1"}, None, "database app", "are the same database: app"),
    ("same-database", {"system_identifier": None},
     {"system_identifier": None, "address": "10.0.0.1", "started": "then"}, None, "database app", "same database"),
    ("same-server", {}, {"system_identifier": "1", "database": "other"}, None, "target", "two databases of one server"),
    ("pooler", {}, {}, Request(4, pooled=("source",)), "source", "the source is behind a connection pooler"),
    ("target-recovery", {}, {"recovery": True, "read_only": True}, None, "target", "it is a replica: name"),
    ("target-read-only", {}, {"read_only": True}, None, "target", "read only: default_transaction_read_only is on"),
    ("version-older", {"version": 180001, "version_text": "18.1"}, {}, None, "target",
     "is PostgreSQL 17.2, older than the source's 18.1: use a target of version 18 or newer"),
    ("version-unsupported", {"version": 110001, "version_text": "11.1"}, {}, None, "source",
     "the source is PostgreSQL 11.1: below 12"),
    ("client-version", {}, {}, Request(4, clients="the target is 17 (none found): install the package x"), "clients",
     "the target is 17 (none found): install the package x"),
    ("target-not-empty", {}, {}, Request(4, refusal="the target is not empty: table a"), "database app",
     "the target is not empty: table a: wait for"),
    ("encoding", {"encoding": "LATIN1"}, {}, None, "database app",
     "the source's encoding is LATIN1, the target's UTF8: create the target database with ENCODING 'LATIN1'"),
    ("encoding", {"encoding": "SQL_ASCII"}, {}, None, "database app", "make every text of the source valid UTF8"),
    ("connections", {"free_connections": {**FREE, "server": 6}}, {}, None, "source",
     "the source has 6 free connections, 7 are needed: raise max_connections, or lower jobs"),
    ("connections", {}, {"free_connections": {**FREE, "role": -1}}, None, "role master",
     "the target has 0 free connections for the role master, 7 are needed: ALTER ROLE \"master\" CONNECTION LIMIT"
     " (at least 8 more, or -1 for none), or lower jobs"),
    ("connections", {"free_connections": {**FREE, "database": 5}}, {}, None, "database app",
     "7 are needed: ALTER DATABASE \"app\" CONNECTION LIMIT (at least 2 more"),
    ("source-locks", {"lockable": 6401}, {}, None, "source", "has 6401 tables, and room for 6400 locks"),
    ("temp-file-limit", {"indexes": LARGE}, settings(temp_file_limit="1048576"), None, "role master",
     "temp_file_limit of the target is 1024 MiB, the largest index of the source 6144 MiB"),
    ("workdir-space", table(bytes=5 << 20), {}, Request(4, engine="dump", free_bytes=1 << 20), "workdir",
     "the folder for the dump has 1 MiB free, about 5 MiB are needed: set workdir to a larger one"),
    ("target-storage", {"indexes": LARGE}, {"databases_bytes": 5 << 30, "size": 4 << 30},
     Request(4, target_storage=18 << 30), "target",
     "the target has 18 GiB of storage and uses 1024 MiB, 18 GiB more are needed"),
    ("target-max-wal-size", {"indexes": LARGE}, settings(max_wal_size="512"), None, "target", "max_wal_size"),
    ("role-limits", {}, {"limits": {"statement_timeout": "1s"}}, None, "role master", "statement_timeout = 1s"),
    ("snapshot-too-old", settings(old_snapshot_threshold="60"), {}, None, "source", "of the source is 60 min"),
    ("source-replica", {"recovery": True}, {}, None, "source", "the source is a replica: set hot_standby_feedback"),
    ("target-tls", {}, {"tls": False}, Request(4, sslmode="prefer"), "target", "connection is not encrypted"),
    ("clock-skew", {"clock_skew": -7.2}, {}, None, "source", "the clock of the source is -7 s off"),
    ("invalid-database", {"invalid_databases": ["x"]}, {}, None, "database x", "database x of the source is invalid"),
    ("locale", {"collation": "de_DE.utf8"}, {"collation": "en_US.UTF-8"}, None, "database app",
     "collation differs: de_DE.utf8 on the source, en_US.UTF-8 on the target"),
    ("locale", {"provider": "i", "locale": "de"}, {"provider": "i", "locale": "en"}, None, "database app",
     "ICU or builtin locale differs: de on the source"),
    ("collation-version", {"collation_version": "2.36"}, {"collation_version": "2.26"}, None, "database app",
     "2.36 on the source, 2.26 on the target"),
    ("collation-changed", {"collation_version": "2.28", "collation_actual": "2.36"}, {"collation_version": "2.28"},
     None, "database app", "was version 2.28 and is 2.36 now: REINDEX"),
    ("collated-partitions", {"collated_partitions": ["public.p"], "collation_version": "1"},
     {"collation_version": "2"}, None, "table public.p", "public.p is partitioned by ranges of texts"),
    ("collation-missing", {"collations_used": ["C", "tlh-x-icu"]}, {}, None, "collation tlh-x-icu", "tlh-x-icu"),
    ("table-privilege", table(readable=False), {}, None, "table public.x", "compose may not read on"),
    ("sequence-privilege", {"unreadable_sequences": ["public.s"]}, {}, None, "sequence public.s", "public.s: grant"),
    ("large-object-privilege", {"unreadable_large_objects": 3}, {}, None, "large objects", "may not read 3 large"),
    ("row-security", table(hidden=True), {}, None, "table public.x",
     "row security hides rows from compose on the source: public.x: use a role with BYPASSRLS"),
    ("target-privilege", {}, {"may_create": False}, None, "database app",
     "master may not create objects in the target: make master the owner of database app"),
    ("policy-roles", {"policy_roles": ["reader", "master"]}, {}, None, "role reader", "target lacks: reader"),
    ("superuser-functions", {"superuser_only": ["public.f()"]}, {}, None, "function public.f()", "public.f()"),
    ("superuser-objects", {"objects": OPCLASS}, {}, None, "operator class public.o USING btree, type public.b",
     "only a superuser"),
    ("selection", {"chosen": Chosen(faults=("view public.v needs table public.stops, which is left out",))}, {}, None,
     "selection", "view public.v needs table public.stops, which is left out: correct schemas"),
    ("left-out", {"chosen": Chosen(left_out=(("table public.x", "tables.exclude names it"),))}, {}, None,
     "table public.x", "tables.exclude names it"),
    ("comments", {}, {}, Request(4, wish=Wish(comments=False)), "comments", "comments is false"),
    ("large-objects", {}, {}, Request(4, wish=Wish(large_objects=False)), "large objects", "large_objects is false"),
    ("extension-skipped", SKIPPED, {"extensions": {"citext": {"version": "1", "schema": "other"}}}, None,
     "extension citext", "table public.stops needs the extension citext, which is skipped"),
    ("extension-pinned", PINNED, {"extension_versions": [["citext", "1.6"]]}, None, "extension citext",
     "extension citext 1.5 is asked of the target: it does not offer it"),
    ("extension-pinned", PINNED, {"extensions": CITEXT}, None, "extension citext", "it has version 1.6"),
    ("acl-roles", APP, {}, PRIVILEGES, "role leser", "privileges of the source name leser"),
    ("owner-locks", {**APP, "indexes": {"number": 6400, "bytes": 0, "largest": []}}, {"roles": ["leser"]}, PRIVILEGES,
     "target", "about 6401 objects are handed over, the lock table holds 6400"),
    ("owner-missing", APP, {}, MAPPED, "role owner", "objects are to belong to owner, which the target lacks"),
    ("owner-membership", APP, {"roles": ["owner"], "may_grant": ["owner"], "may_create_in_public": ["owner"]},
     Request(4, method="logical", wish=MAP), "role owner", "until the cut-over"),
    ("owner-membership", APP, {"roles": ["owner"], "may_create_in_public": ["owner"]}, MAPPED, "role owner",
     'GRANT "owner" TO "master" WITH SET TRUE'),
    ("owner-create", APP, {"roles": ["owner"], "may_become": ["owner"]}, MAPPED, "role owner", "schema public"),
    ("owner-unused", {"grants": []}, {"roles": ["owner"], "may_become": ["owner"], "may_create_in_public": ["owner"]},
     MAPPED, "role app", "owns and may do nothing on the source"),
    ("extension-missing", {"extensions": TRGM}, {}, None, "extension pg_trgm", "does not offer the extension pg_trgm:"),
    ("extension-missing", {"extensions": CITEXT}, settings(**{"rds.extensions": "hstore, pg_trgm"}), None,
     "extension citext", "does not offer"),
    ("extension-forbidden", {"extensions": CITEXT}, {"allowed": "pg_trgm, hstore"}, None, "extension citext",
     "rds.allowed_extensions of the target does not name citext"),
    ("extension-privilege", {"extensions": CITEXT}, {"rds": False, "guarded_extensions": ["citext"]}, None,
     "extension citext", "master may not create on the target: extension citext"),
    ("extension-preload", {"extensions": CRON}, {"available": {"pg_cron": "1.6"}}, None, "extension pg_cron",
     "shared_preload_libraries of the target does not name pg_cron: add it"),
    ("extension-idle", {"extensions": STATEMENTS}, {"available": {"pg_stat_statements": "1.9"}}, None,
     "extension pg_stat_statements", "the extension will do nothing"),
    ("extension-version", {"extensions": CITEXT}, {"available": {"citext": "1.7"}}, None, "extension citext",
     "extension citext: version 1.6 on the source, 1.7 on the target"),
    ("hash-partition-enum", {"hashed_by_enum": ["public.p"]}, {}, None, "table public.p",
     "public.p is partitioned by the hash of an enum"),
    ("not-null-inheritance", {"nullable_children": ["public.k.t"]}, {"version": 180004}, None, "column public.k.t",
     "inherited from: public.k.t: ALTER TABLE"),
    ("prepared-transaction", {"prepared": ["g1"]}, {}, None, "prepared transaction g1", "on the source: g1: COMMIT"),
    ("long-transaction", {"long_transactions": ["process 7 of app, for 9 min"]}, {}, None, "source", "for 9 min"),
    ("unlogged-table", {"unlogged": ["public.u"]}, {}, None, "table public.u", "unlogged tables: public.u"),
    ("tablespace", {"tablespaces": ["ssd"]}, {}, None, "tablespace ssd", "tablespaces ssd: their tables go"),
    ("foreign-server", {"foreign_servers": ["far"]}, {}, None, "server far", "far with 0 foreign tables"),
    ("reg-columns", {"reg_columns": ["public.x.f"]}, {}, None, "column public.x.f", "objects: public.x.f"),
    ("long-names", {"long_names": ["public.nnn"]}, {}, None, "public.nnn", "names of 63 bytes: public.nnn"),
    ("replication-slot", {"logical_slots": ["s"]}, {}, None, "replication slot s", "slots of the source: s: set"),
    ("invalid-index", {"objects": INVALID}, {}, None, "invalid index public.i", "pg_dump leaves it out: rebuild"),
    ("publication", {"publications": ["p"]}, {}, None, "publication p", "set up anew"),
    ("subscription", {"subscriptions": ["s"]}, {}, None, "subscription s", "another publisher twice"),
    ("event-trigger", {"event_triggers": ["e"]}, {}, None, "event trigger e", "they need a superuser"),
    ("user-mapping", {"user_mappings": ["u on s"]}, {}, None, "user mapping u on s", "credentials"),
    ("ownership", APP, {}, None, "ownership by app", "belongs to the target's user"),
    ("privileges", {"granted": 3}, {}, None, "privileges (GRANT, default privileges)", "grant them on the target"),
    ("security-label", {"security_labels": 1}, {}, None, "security labels", "label providers are not available"),
    ("role-settings", {"settings_of_roles": ["work_mem"]}, {}, None,
     "settings of the database or its roles: work_mem", "set them on the target"),
    ("logical-publisher", {}, {}, streams(wal_level="replica"), "source", "has wal_level=replica: set wal_level="),
    ("logical-publisher", {}, {}, streams(slots_free=0), "source", "0 left of max_replication_slots, 1 needed: raise"),
    ("logical-publisher", {}, {}, streams(recovery=True), "source", "the source is a standby of a version below 16"),
    ("logical-subscriber", {}, {}, streams(may_subscribe=False), "target", "may not create a subscription on the targ"),
    ("logical-tables", {}, {}, streams(TABLE), "table public.x", "without replica identity, whose UPDATE and DELETE"),
    ("logical-watch", {}, {}, streams(keep="-1"), "source", "max_slot_wal_keep_size of the source is unlimited"),
    ("logical-slot-limit", {**settings(max_slot_wal_keep_size="64"), "indexes": LARGE}, {}, LOGICAL, "source",
     "max_slot_wal_keep_size of the source is 64 MiB"),
    ("logical-sender-timeout", settings(wal_sender_timeout="5000"), {}, LOGICAL, "source", "is 5000 ms"),
    ("logical-prepared", {"prepared": ["g1"]}, {}, LOGICAL, "prepared transaction g1", "on the source: g1: COMMIT"),
    ("logical-large-objects", {}, {}, LOGICAL, "large objects", "the source has 2 large objects: keep"),
    ("logical-generated", {"generated": ["public.x.g"]}, {}, LOGICAL, "column public.x.g", "columns: public.x.g: see"),
    ("logical-reverse", {}, settings(wal_level="replica"), LOGICAL, "target", "target is replica, not logical"),
]  # fmt: skip
SPEAKS += [
    ("dms-no-table", {}, {}, Request(4, method="dms", assessment=assess([], {}, 0)), "source", "that DMS could move"),
    ("dms-large-objects", {}, {}, by_dms(large_objects=3), "large objects",
     "3 large objects: DMS does not move them: use migration_method=copy"),
    ("dms-names", {}, {}, by_dms(row(name="100%")), "table public.100%", "read as wildcards: rename them, or use"),
    ("dms-types", {}, {}, by_dms(row(Column("t", "timetz"))), "column public.x.t", "does not list the type timetz"),
    ("dms-lob-without-key", {}, {}, by_dms(row(Column("t", "text"), key=())), "table public.x",
     "public.x: LOB columns (t) are not moved without a primary key: add one, or use migration_method=copy"),
    ("dms-lob-in-key", {}, {}, by_dms(row(Column("t", "text"), key=("t",))), "table public.x", "t is a LOB to DMS"),
    ("dms-full-lob-not-null", {}, {}, by_dms(row(Column("b", "bytea", not_null=True)), largest=200 << 20),
     "column public.x.b", "public.x.b is NOT NULL: the full LOB mode, which public.x needs"),
    ("dms-inheritance", {}, {}, by_dms(row(has_heirs=True)), "table public.x", "inherit from it twice"),
    ("dms-coalesce-index", {}, {}, by_dms(row(coalesce_index="u")), "table public.x", "coalesce (u): drop them"),
    ("dms-deferrable-key", {}, {}, by_dms(row(deferrable_key=True)), "table public.x", "its primary key is DEFERRABLE"),
    ("dms-numeric", {}, {}, by_dms(row(Column("n", "numeric", unbounded=True))), "column public.x.n", "rounds to 28"),
    ("dms-not-validated", {}, {}, by_dms(row(key=())), "table public.x", "without a primary key: public.x: nothing"),
    ("dms-version", {}, {"version": 180001, "version_text": "18.1"}, by_dms(), "target", "is PostgreSQL 18.1: see"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "ours", "theirs", "request_", "thing", "words"), SPEAKS, ids=[f"{c[0]}-{n}" for n, c in enumerate(SPEAKS)]
)  # fmt: skip
def test_a_rule_speaks(rule: str, ours: dict, theirs: dict, request_: Request | None, thing: str, words: str) -> None:
    (finding,) = [f for f in found(ours, theirs, request_ or Request(4)) if f.rule == rule]

    assert finding.object == thing
    assert words in finding.text


def test_every_rule_has_such_a_case() -> None:
    assert {rule.id for rule in RULES} == {case[0] for case in SPEAKS}


# (rule, facts of the source, facts of the target, request): what looks like a case for the rule and is none
SILENT = [
    ("same-database", {}, {"system_identifier": "1", "database": "other"}, None),
    ("target-read-only", {}, {"recovery": True, "read_only": True}, None),
    ("target-privilege", {}, {"may_create": False, "read_only": True}, None),
    ("encoding", {"encoding": "SQL_ASCII"}, {"encoding": "SQL_ASCII"}, None),
    ("source-locks", {"lockable": 6400}, {}, None),
    ("temp-file-limit", {"indexes": LARGE}, settings(temp_file_limit="-1"), None),
    ("temp-file-limit", {"indexes": LARGE}, settings(temp_file_limit="8388608"), None),
    ("workdir-space", table(bytes=5 << 20), {}, None),
    ("target-storage", {"indexes": LARGE}, {"databases_bytes": 9 << 30, "size": 8 << 30},
     Request(4, target_storage=20 << 30)),
    ("source-replica", {"recovery": True}, {}, LOGICAL),
    ("target-tls", {}, {"host": "127.0.0.1"}, Request(4, sslmode="disable")),
    ("clock-skew", {"clock_skew": 4.9}, {"clock_skew": -4.9}, None),
    ("locale", {"collation": "en_US.utf8"}, {"collation": "en_US.UTF-8"}, None),
    ("collation-version", {"collation_version": "2.36", "collation": "de"}, {"collation_version": "2"}, None),
    ("collation-changed", {"collation_version": "2.36", "collation_actual": "2.36"}, {}, None),
    ("collated-partitions", {"collated_partitions": ["public.p"]}, {}, None),
    ("superuser-functions", {"superuser_only": ["public.f()"]}, {"superuser": True}, None),
    ("superuser-objects", {"objects": OPCLASS}, {"superuser": True}, None),
    ("owner-membership", APP, {}, MAPPED),
    ("owner-membership", APP, {"roles": ["owner"], "may_grant": ["owner"]}, MAPPED),
    ("owner-create", APP, {"roles": ["owner"], "may_grant_public": True}, MAPPED),
    ("ownership", APP, {}, MAPPED),
    ("privileges", {**APP, "granted": 1}, {}, PRIVILEGES),
    ("acl-roles", APP, {"roles": ["leser"]}, PRIVILEGES),
    ("owner-locks", {"indexes": {"number": 6400, "bytes": 0, "largest": []}}, {}, None),
    ("extension-skipped", SKIPPED, {"extensions": CITEXT}, None),
    ("extension-pinned", PINNED, {"extension_versions": [["citext", "1.5"]]}, None),
    ("extension-forbidden", {"extensions": CITEXT}, {"allowed": "pg_trgm,citext"}, None),
    ("extension-forbidden", {"extensions": CITEXT}, {"extensions": CITEXT, "allowed": "pg_trgm"}, None),
    ("extension-missing", {"extensions": TRGM}, {"extensions": TRGM}, None),
    ("extension-privilege", {"extensions": CITEXT}, {"guarded_extensions": ["citext"]}, None),
    ("extension-preload", {"extensions": CRON},
     {"available": {"pg_cron": "1.6"}, **settings(shared_preload_libraries="rdsutils,pg_cron")}, None),
    ("extension-preload", {"extensions": CRON},
     {"available": {"pg_cron": "1.6"}, **settings(shared_preload_libraries=None)}, None),
    ("hash-partition-enum", {"hashed_by_enum": ["public.p"]}, {}, Request(4, engine="dump")),
    ("dms-large-objects", {}, {}, Request(4, assessment=assess([], {}, 1))),
    ("prepared-transaction", {"prepared": ["g1"]}, {}, LOGICAL),
    ("logical-reverse", {}, settings(wal_level="replica"), None),
    ("logical-publisher", {}, {}, streams(slots_free=0, begun=True)),
    ("logical-tables", {}, {}, streams(TABLE, static=("public.x",))),
    ("logical-slot-limit", settings(max_slot_wal_keep_size="64"), {}, LOGICAL),
    ("logical-sender-timeout", settings(wal_sender_timeout="0"), {}, LOGICAL),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "ours", "theirs", "request_"), SILENT)
def test_a_rule_is_silent(rule: str, ours: dict, theirs: dict, request_: Request | None) -> None:
    assert rule not in {finding.rule for finding in found(ours, theirs, request_ or Request(4))}


def test_between_good_sides_no_rule_speaks() -> None:
    assert found({}, {}) == []
    assert {finding.rule for finding in found({}, {}, LOGICAL)} == {"logical-large-objects"}
    assert found({}, {}, by_dms()) == []


def test_rules_have_names_of_their_own_and_say_what_to_do() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert {rule.severity for rule in RULES} == {BLOCKER, ADVICE, NOT_MOVED}
    every = [
        finding
        for rule, ours, theirs, request, *_rest in SPEAKS
        for finding in found(ours, theirs, request or Request(4))
        if finding.rule == rule
    ]
    assert [finding.rule for finding in every if not finding.todo and finding.severity != NOT_MOVED] == []


def test_every_rule_has_a_verdict_and_what_belongs_to_another_method_is_not_called_passed() -> None:
    case = Case(source(invalid_databases=["x"]), target(read_only=True), by_dms(row(key=())))

    told = {verdict["rule"]: verdict for verdict in verdicts(case, check(case))}

    assert list(told) == [rule.id for rule in RULES]
    assert {name for name, verdict in told.items() if verdict["result"] == "fail"} == {"target-read-only"}
    assert {name for name, verdict in told.items() if verdict["result"] == "warn"} == {
        "invalid-database",
        "dms-not-validated",
    }
    assert {name.split("-")[0] for name, verdict in told.items() if verdict["result"] == "skip"} == {"logical"}
    assert [one["object"] for one in told["dms-not-validated"]["findings"]] == ["table public.x"]
    assert told["encoding"]["findings"] == []


def test_the_document_lists_the_rules() -> None:
    rows = [line for line in DOCUMENTED.read_text().splitlines() if line.startswith("| `")]

    assert rows == table_of_rules(), (
        "make docs/preflight.md say what the rules say: print(*table_of_rules(), sep='\\n')"
    )


def said(ours: Facts, theirs: Facts, request: Request = PLAIN) -> str:
    return "\n".join(not_checked(Case(ours, theirs, request)))


def test_what_nobody_looked_at_is_said() -> None:
    assert "free storage of the target" in said(source(), target())
    assert "free storage" not in said(source(), target(), Request(4, target_storage=1))
    assert "duplicate rows" in said(source(), target())
    assert "other roles on the target: master may not see them" in said(source(), target(sees_activity=False))
    hidden = target(**settings(shared_preload_libraries=None))
    assert "which master may not read, for pg_cron" in said(source(extensions=CRON), hidden)
    assert "shared_preload_libraries" not in said(source(extensions=CITEXT), hidden)
