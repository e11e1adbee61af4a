# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the results of pg_migrate and pg_migrate_verify into the content of a report. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._report import dms, replication
from ansible_collections.bahnvision.aws.plugins.module_utils._report.instance import section_of

# pg_migrate_verify tells of them in its list of tables.
LARGE_OBJECTS = "large objects"
PHASES = {
    "connect": "Connect",
    "preflight": "Read and check both sides",
    "claim": "Claim the target",
    "snapshot": "Take the snapshot",
    "dump": "Read the source",
    "restore": "Write the target",
    "sequences": "Sequences",
    "analyze": "Statistics",
    "verify": "Count and compare",
    "compare": "Compare every content",
}
MOVED_COLUMNS: list[dict[str, Any]] = [
    {"key": "name", "title": "Table"},
    {"key": "rows_source", "title": "Rows in the source", "kind": "count", "total": True},
    {"key": "rows_target", "title": "Rows in RDS", "kind": "count", "total": True},
    {"key": "bytes", "title": "Size", "kind": "bytes", "total": True},
    {"key": "seconds", "title": "Duration", "kind": "seconds"},
    {"key": "pace", "title": "Rows a second", "kind": "count"},
    {"key": "content", "title": "Content", "kind": "result"},
]
PROVED_COLUMNS = [
    *(column for column in MOVED_COLUMNS if column["key"] not in ("bytes", "seconds", "pace")),
    {"key": "how", "title": "How it was checked"},
]
SEQUENCE_COLUMNS = [
    {"key": "name", "title": "Sequence"},
    {"key": "source", "title": "Source", "kind": "count"},
    {"key": "target", "title": "RDS", "kind": "count"},
    {"key": "state", "title": "Equal", "kind": "result"},
]
SKIPPED_COLUMNS = [{"key": "object", "title": "Object"}, {"key": "reason", "title": "Reason"}]


def migration(results: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Return verdict, facts and sections of a migration's report.

    `results` holds the registered results under found, allowed, moved and proved, as far as the run came.
    """
    found, moved, proved = (results.get(name) or {} for name in ("found", "moved", "proved"))
    states = {table["name"]: _content(table) for table in proved.get("tables") or []}
    tables = [
        {**table, "content": states.get(table["name"]), "pace": _pace(table)} for table in moved.get("tables") or []
    ]
    facts = {
        "Source": _server(moved, "source"),
        "Target": _server(moved, "target"),
        "Tables": len(tables),
        "Rows": _sum(tables, "rows_target"),
        "Run": moved.get("run_id"),
        "Moved by this run": moved.get("changed"),
        "Completed an interrupted run": moved.get("resumed"),
        "Throughput": f"{moved['throughput_mb_s']} MB/s" if moved.get("throughput_mb_s") else None,
    }
    note = "Rows of the source are of the moment the dump was made."
    sections = [
        _checks(results),
        *_preflight(results.get("judged") or {}),
        {"title": "Tables", "kind": "table", "note": note, "columns": MOVED_COLUMNS, "rows": tables},
        _verification_table(proved, "Verification"),
        *replication.followed(moved),
        _timeline(moved, proved),
        *_lanes(moved),
        *dms.load(results.get("loaded") or {}),
        *_remarks(moved, proved),
        section_of(found),
    ]
    return {"verdict": _verdict(results, tables, check_mode), "facts": facts, "sections": sections}


def verification(results: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Return verdict, facts and sections of a verification's report; see migration()."""
    proved = results.get("proved") or {}
    tables = _only_tables(proved.get("tables") or [])
    sequences = [
        {**entry, "state": "pass" if entry.get("equal") else "fail"} for entry in proved.get("sequences") or []
    ]
    facts = {
        "Source": _server(proved, "source"),
        "Target": _server(proved, "target"),
        "Tables": len(tables),
        "Rows": _sum(tables, "rows_target"),
        "Sequences": len(sequences),
        "Duration": f"{proved['seconds']:.1f} s" if proved.get("seconds") is not None else None,
    }
    sections = [
        _checks(results),
        _verification_table(proved, "Tables"),
        {"title": "Sequences", "kind": "table", "columns": SEQUENCE_COLUMNS, "rows": sequences},
        *_remarks({}, proved),
        section_of(results.get("found") or {}),
    ]
    return {"verdict": _verdict(results, tables, check_mode), "facts": facts, "sections": sections}


def _verdict(results: dict[str, Any], tables: list[dict[str, Any]], check_mode: bool) -> dict[str, str]:
    failed = [result for result in results.values() if result and result.get("failed")]
    if failed:
        return {"result": "fail", "sentence": str(failed[0].get("msg") or "The run failed; its output tells why.")}
    proved = results.get("proved") or {}
    if not proved.get("tables"):
        follows = replication.verdict(results.get("moved") or {}, _sum(tables, "rows_target") or 0)
        if follows and not check_mode:
            return follows
        done = "Nothing was touched: this was a check." if check_mode else "Nothing was compared."
        return {"result": "info" if check_mode else "warn", "sentence": done}
    rows = f"{_sum(tables, 'rows_target'):,} rows in {len(tables)} tables"
    if proved.get("mode", "hash") == "hash":
        return {
            "result": "pass",
            "sentence": f"Both sides hold the same: {rows}, every content, definition and sequence.",
        }
    # Numbers and samples are no proof of contents, and must not be taken for one.
    seen = f"{rows}, definitions and sequences are equal; contents were compared in {_compared(proved):,} of the rows"
    return {"result": "warn", "sentence": f"No difference was seen, which does not prove that there is none: {seen}."}


def _checks(results: dict[str, Any]) -> dict[str, Any]:
    moved, proved = (results.get(name) or {} for name in ("moved", "proved"))
    checks = []
    for name, key in (("The RDS API answers", "found"), ("The target can receive data", "allowed")):
        if results.get(key):
            failed = bool(results[key].get("failed"))
            checks.append(_check(name, not failed, results[key].get("msg") if failed else _state(results)))
    if moved:
        status = (moved.get("verify") or {}).get("status", "not run")
        name = "Rows counted under the snapshot equal those written"
        result = {"passed": "pass", "failed": "fail"}.get(status, "fail" if moved.get("failed") else "skip")
        detail = moved.get("msg") if moved.get("failed") else f"{len(moved.get('tables') or [])} tables, {status}"
        checks.append({"name": name, "result": result, "detail": detail})
    checks += _proofs(proved)
    return {"title": "Checks", "kind": "checks", "checks": checks}


def _preflight(judged: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what every rule of the preflight found, and what nobody could look at."""
    sections: list[dict[str, Any]] = []
    if judged.get("rules"):
        note = "What was asked of both sides before anything was written. Fold out what found nothing."
        sections.append({"title": "Preflight", "kind": "rules", "note": note, "rules": judged["rules"]})
    if judged.get("not_checked"):
        text = "\n\n".join(judged["not_checked"])
        sections.append({"title": "What the preflight could not look at", "kind": "text", "text": text})
    return sections


def _proofs(proved: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the comparison of both sides showed, by subject."""
    if "differences" not in proved:
        return [_check("Both sides could be compared", False, proved.get("msg"))] if proved.get("failed") else []
    sequences = proved["sequences"]
    tables = proved["tables"]
    rows = [
        table["name"]
        for table in tables
        if None not in (table["rows_source"], table["rows_target"]) and table["rows_source"] != table["rows_target"]
    ]
    contents = [table["name"] for table in tables if table["hash_equal"] is False]
    behind = [entry["name"] for entry in sequences if not entry["equal"]]
    told = {entry["difference"] for entry in sequences if entry["difference"]}
    other = [text for text in proved["differences"] if text not in told]
    # One difference per table that differs in any way comes after those of the definitions.
    definitions = other[: len(other) - len({*rows, *contents})]
    return [
        _check("Definitions of all objects are equal", not definitions, definitions or "nothing differs"),
        _check("Rows are equal", not rows, rows or f"{len(_only_tables(tables))} tables counted on both sides"),
        _contents_check(proved, contents),
        _check("Sequences stand at the same value", not behind, behind or f"{len(sequences)} compared"),
        _check(
            "Everything could be checked", not proved["not_checked"], proved["not_checked"] or "nothing was left out"
        ),
    ]


def _contents_check(proved: dict[str, Any], differing: list[str]) -> dict[str, Any]:
    """Contents that were not all compared have not passed."""
    name, tables = "Contents are equal", proved["tables"]
    if differing:
        return _check(name, False, differing)
    if proved.get("mode", "hash") == "hash":
        return _check(name, True, f"{_hashed(tables)} tables and the large objects hashed on both sides")
    detail = f"not proved: compared in {_compared(proved):,} of {_sum(_only_tables(tables), 'rows_source'):,} rows"
    return {"name": name, "result": "skip", "detail": f"{detail} (mode {proved['mode']})"}


def _check(name: str, passed: bool, detail: Any) -> dict[str, Any]:
    return {"name": name, "result": "pass" if passed else "fail", "detail": detail}


def _timeline(moved: dict[str, Any], proved: dict[str, Any]) -> dict[str, Any]:
    # The module tells phases in the order of PHASES; "verify" has parts in between and is drawn as one.
    spent = {**(moved.get("timings") or {}), "compare": proved.get("seconds")}
    steps = [{"name": PHASES[key], "seconds": spent[key]} for key in PHASES if spent.get(key) is not None]
    return {"title": "Where the time went", "kind": "timeline", "steps": steps}


def _verification_table(proved: dict[str, Any], title: str) -> dict[str, Any]:
    """Return both sides of every table, and how it was checked."""
    tables = _only_tables(proved.get("tables") or [])
    rows = [{**table, "content": _content(table), "how": _how(table)} for table in tables]
    return {"title": title, "kind": "table", "columns": PROVED_COLUMNS, "rows": rows}


def _how(table: dict[str, Any]) -> str:
    checked = table.get("checked") or ("hash" if table.get("hash_equal") is not None else "nothing")
    return {
        "hash": "every row hashed",
        "sample": f"counted, and {table.get('rows_compared') or 0:,} rows drawn at random hashed",
        "counts": "counted only",
        "nothing": "not checked",
    }[checked]


def _lanes(moved: dict[str, Any]) -> list[dict[str, Any]]:
    if not moved.get("timeline"):
        return []
    note = (
        "Tables and indexes as the workers took them up, after the schema was there. Point at a bar to see what it is."
    )
    return [{"title": "Who did what when", "kind": "lanes", "note": note, "spans": moved["timeline"]}]


def _pace(table: dict[str, Any]) -> int | None:
    rows, seconds = table.get("rows_target"), table.get("seconds")
    return round(rows / seconds) if rows and seconds else None


def _compared(proved: dict[str, Any]) -> int:
    return sum(table.get("rows_compared") or 0 for table in _only_tables(proved["tables"]))


def _remarks(moved: dict[str, Any], proved: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what people should know: differences, warnings, what was left behind. Nothing when there is nothing."""
    sections: list[dict[str, Any]] = []
    for title, texts in (
        ("Differences", proved.get("differences")),
        ("Worth a look", [*(moved.get("remarks") or []), *(proved.get("remarks") or [])]),
    ):
        if texts:
            sections.append({"title": title, "kind": "text", "text": "\n\n".join(map(str, texts))})
    if moved.get("not_moved"):
        note = "These belong to a server and its accounts, not to the application's data."
        sections.append({"title": "Not moved", "kind": "table", "note": note, "columns": SKIPPED_COLUMNS,
                         "rows": moved["not_moved"]})  # fmt: skip
    return sections


def _server(result: dict[str, Any], side: str) -> str | None:
    facts = result.get(side) or {}
    if not facts.get("version"):
        return None
    return f"PostgreSQL {facts['version']}, {facts.get('host')}:{facts.get('port')}/{facts.get('database')}"


def _state(results: dict[str, Any]) -> str:
    instance: dict[str, Any] = next(iter((results.get("found") or {}).get("instances") or []), {})
    return f"{instance.get('db_instance_identifier')} is {instance.get('db_instance_status')}"


def _content(table: dict[str, Any]) -> str:
    """Return whether a table's content is equal; unchecked is not equal."""
    equal = table.get("hash_equal")
    return "skip" if equal is None else "pass" if equal else "fail"


def _only_tables(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["name"] != LARGE_OBJECTS]


def _hashed(entries: list[dict[str, Any]]) -> int:
    return sum(entry.get("hash_equal") is not None for entry in _only_tables(entries))


def _sum(tables: list[dict[str, Any]], key: str) -> int:
    return sum(table[key] for table in tables if isinstance(table.get(key), int))
