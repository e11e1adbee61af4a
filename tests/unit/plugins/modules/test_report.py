"""A report: one page that loads nothing, the same facts as JSON, whole or not at all."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._report import store
from ansible_collections.bahnvision.aws.plugins.module_utils._report.document import ReportError
from ansible_collections.bahnvision.aws.plugins.module_utils._report.page import render
from ansible_collections.bahnvision.aws.plugins.module_utils._report.values import duration, plain, size
from ansible_collections.bahnvision.aws.plugins.modules import report

NOW = datetime(2026, 11, 22, 17, 40, tzinfo=UTC)
VOID = {"meta", "rect", "br", "link", "img"}
NASTY = "<script>alert('x')</script> & \"quoted\" <img src=x onerror=y>"


def parameters(folder, **changes):
    given = {
        "path": str(folder),
        "name": "migration",
        "title": "Database migration",
        "subtitle": "from here to there",
        "verdict": {"result": "pass", "sentence": "All rows are equal."},
        "facts": {"Instance": "bahnvision-lab", "Rows": 37790},
        "sections": [
            {
                "title": "Tables",
                "kind": "table",
                "columns": [
                    {"key": "name", "title": "Table", "kind": "text", "total": False},
                    {"key": "rows", "title": "Rows", "kind": "count", "total": True},
                    {"key": "bytes", "title": "Size", "kind": "bytes", "total": True},
                    {"key": "state", "title": None, "kind": "result", "total": False},
                ],
                "rows": [
                    {"name": "stops", "rows": 1200, "bytes": 81920, "state": "pass", "unseen": "kept"},
                    {"name": "trips", "rows": 34, "bytes": 8192, "state": None},
                ],
            },
            {
                "title": "Checks",
                "kind": "checks",
                "checks": [{"name": "Counts", "result": "fail", "detail": ["stops"]}],
            },
            {"title": "Time", "kind": "timeline", "steps": [{"name": "dump", "seconds": 2.5, "result": "pass"}]},
            {"title": "Facts", "kind": "facts", "facts": {"TLS": True, "Gone": None}},
            {"title": "Words", "kind": "text", "text": "First.\n\nSecond."},
        ],
        "keep": 20,
    }
    return {**copy.deepcopy(given), **changes}


def rule(result, word="x", **changes):
    findings = [{"object": word, "found": word, "todo": word}] if result in ("fail", "warn") else []
    return {"rule": word, "result": result, "finds": word, "todo": word, "findings": findings, **changes}


class Page(HTMLParser):
    """Reads a page as a browser would; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def written(folder, name="migration"):
    page = Page((folder / f"{name}.html").read_text(encoding="utf-8"))
    return page, json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def test_page_and_json_hold_the_same_facts(tmp_path):
    result = report.ensure_report(parameters(tmp_path), check_mode=False, now=NOW)

    page, facts = written(tmp_path)
    assert facts == result["report"]
    assert facts["written_at"] == "2026-11-22T17:40:00Z"
    assert facts["verdict"] == {"result": "pass", "sentence": "All rows are equal."}
    assert facts["sections"][0]["rows"][0]["unseen"] == "kept"
    for said in ("Database migration", "All rows are equal.", "bahnvision-lab", "stops", "Counts", "dump", "Second."):
        assert said in page.text
    exact = {data["value"] for data in page.all("data")}
    assert {"1200", "34", "1234", "81920", "8192", "90112", "2.5"} <= exact


def test_the_page_loads_nothing(tmp_path):
    report.ensure_report(parameters(tmp_path), check_mode=False, now=NOW)

    html = (tmp_path / "migration.html").read_text(encoding="utf-8")
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    assert "@import" not in html
    page = Page(html)
    assert not {tag for tag, _attributes in page.tags} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    }
    assert all("src" not in attributes for _tag, attributes in page.tags)
    policy = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_page_is_made_for_every_reader(tmp_path):
    report.ensure_report(parameters(tmp_path), check_mode=False, now=NOW)

    page, _facts = written(tmp_path)
    html = (tmp_path / "migration.html").read_text(encoding="utf-8")
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert len(page.all("h2")) == 5
    assert len(page.all("table")) == len(page.all("caption")) == 3
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    anchors = {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")}
    assert anchors == {section["id"] for section in page.all("section")}
    for rule in ("prefers-color-scheme: dark", "@media print", "@media (max-width"):
        assert rule in html
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")


def test_values_are_text_and_never_markup(tmp_path):
    given = parameters(
        tmp_path,
        title=NASTY,
        subtitle=NASTY,
        verdict={"result": "fail", "sentence": NASTY},
        facts={NASTY: NASTY},
        sections=[
            {"title": NASTY, "kind": "text", "note": NASTY, "text": NASTY},
            {"title": NASTY, "kind": "table", "columns": [{"key": NASTY}], "rows": [{NASTY: NASTY}]},
            {
                "title": NASTY,
                "kind": "checks",
                "checks": [{"name": NASTY, "result": "fail", "detail": {NASTY: [NASTY]}}],
            },
            {"title": NASTY, "kind": "rules", "rules": [rule(result, NASTY) for result in ("fail", "pass", "skip")]},
            {"title": NASTY, "kind": "timeline", "steps": [{"name": NASTY, "seconds": 1, "note": NASTY}]},
            {"title": NASTY, "kind": "facts", "facts": {NASTY: NASTY}},
        ],
    )

    report.ensure_report(given, check_mode=False, now=NOW)

    for name in ("migration", "index"):
        page = Page((tmp_path / f"{name}.html").read_text(encoding="utf-8"))
        assert not page.all("script")
        assert not page.all("img")
        assert NASTY in page.text


def test_check_mode_writes_nothing(tmp_path):
    folder = tmp_path / "new"

    result = report.ensure_report(parameters(folder), check_mode=True, now=NOW)

    assert result["changed"]
    assert result["html"] == str(folder / "migration.html")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"facts": {"password": "x"}}, "report, facts: the name 'password' promises a secret"),
        ({"facts": {"Source": "postgresql://app:hunter2@db:5432/x"}}, "report, facts, Source: looks like a URI"),
        ({"subtitle": "host=db password=hunter2"}, "report, subtitle: looks like a connection string"),
        ({"facts": {"Key": "AKIAIOSFODNN7EXAMPLE"}}, "looks like an AWS access key"),
        (
            {"sections": [{"title": "Log", "kind": "text", "text": "-----BEGIN RSA PRIVATE KEY-----\nhunter2"}]},
            "report, sections, Log, text: looks like a private key",
        ),
        (
            {"sections": [{"title": "T", "kind": "facts", "facts": {"Secret-Access-Key": "hunter2"}}]},
            "report, sections, T, facts: the name 'Secret-Access-Key' promises a secret",
        ),
        ({"name": "../x"}, "its name must be"),
        ({"name": "index"}, "and not 'index'"),
        ({"sections": [{"title": "T", "kind": "table", "rows": []}]}, "section 'T': kind table needs 'columns'"),
        (
            {"sections": [{"title": "T", "kind": "table", "columns": [{"key": "a", "total": True}], "rows": []}]},
            "column 'a' has a total",
        ),
        (
            {
                "sections": [
                    {
                        "title": "T",
                        "kind": "table",
                        "columns": [{"key": "a", "kind": "result"}],
                        "rows": [{"a": "great"}],
                    }
                ]
            },
            "'great' is not one of pass, fail",
        ),
    ],
)
def test_bad_input_is_refused_before_the_first_write(tmp_path, changes, complaint):
    folder = tmp_path / "reports"

    with pytest.raises(ReportError, match=re.escape(complaint)) as refused:
        report.ensure_report(parameters(folder, **changes), check_mode=False, now=NOW)

    assert "hunter2" not in str(refused.value)
    assert not folder.exists()


def test_the_place_of_a_secret_is_not_a_secret(tmp_path):
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1"
    report.ensure_report(parameters(tmp_path, facts={"Master secret": arn}), check_mode=False, now=NOW)
    assert arn in written(tmp_path)[0].text


def test_a_second_run_is_a_second_record(tmp_path):
    for minute in range(4):
        given = parameters(tmp_path, keep=2, subtitle=f"run {minute}")
        report.ensure_report(given, check_mode=False, now=NOW + timedelta(minutes=minute))

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index.html",
        "migration-20261122T174100Z.html",
        "migration-20261122T174100Z.json",
        "migration-20261122T174200Z.html",
        "migration-20261122T174200Z.json",
        "migration.html",
        "migration.json",
    ]
    assert "run 3" in written(tmp_path)[0].text
    page, facts = written(tmp_path, "migration-20261122T174200Z")
    assert facts["subtitle"] == "run 2"
    assert {"href": "migration-20261122T174200Z.json"} in page.all("a")


def test_the_index_leads_to_every_report_and_tells_the_worst(tmp_path):
    (tmp_path / "foreign.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    report.ensure_report(parameters(tmp_path), check_mode=False, now=NOW)
    failed = parameters(
        tmp_path, name="verification", title="Verification", verdict={"result": "fail", "sentence": "stops differs"}
    )
    report.ensure_report(failed, check_mode=False, now=NOW + timedelta(minutes=1))

    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert [link["href"] for link in page.all("a")] == ["migration.html", "verification.html"]
    assert "Not in order: Verification." in page.text


def test_a_failed_write_leaves_the_old_report(tmp_path, monkeypatch):
    report.ensure_report(parameters(tmp_path, keep=0), check_mode=False, now=NOW)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        report.ensure_report(parameters(tmp_path, keep=0, title="New"), check_mode=False, now=NOW)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_bars_stay_inside_the_chart():
    steps = [
        {"name": "long", "seconds": 1000},
        {"name": "blink", "seconds": 0.001},
        {"name": "side", "seconds": 9, "start": 0},
    ]
    document = {
        "name": "x", "title": "x", "subtitle": "", "facts": {}, "written_at": "2026-11-22T17:40:00Z",
        "verdict": {"result": "info", "sentence": "x"},
        "sections": [{"title": "T", "kind": "timeline", "steps": steps}],
    }  # fmt: skip

    bars = [rect for rect in Page(render(document)).all("rect") if rect["class"].startswith("bar")]

    assert len(bars) == 3
    for drawn in bars:
        assert float(drawn["x"].rstrip("%")) + float(drawn["width"].rstrip("%")) <= 100.01
        assert float(drawn["width"].rstrip("%")) >= 0.4


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (size(999), "999 B"),
        (size(3_600_000), "3.6 MB"),
        (size(999_600), "1 MB"),
        (size(12_345_678_901), "12.3 GB"),
        (duration(0.5), "0.50 s"),
        (duration(59.94), "59.9 s"),
        (duration(192), "3 min 12 s"),
        (duration(7260), "2 h 01 min"),
        (plain(37790), "37\u2009790"),
        (plain(True), "yes"),
        (plain([]), "\N{EN DASH}"),
        (plain({"a": 1, "b": [2, 3]}), "a: 1, b: 2, 3"),
    ],
)
def test_values_are_said_for_people(shown, expected):
    assert shown == expected


def test_rules_that_found_something_lie_open_and_the_rest_is_folded_up(tmp_path):
    every = [
        rule("pass", "encoding"),
        rule("warn", "locale"),
        rule("skip", "logical-watch"),
        rule("fail", "target-recovery", todo=""),
        rule("pass", "pooler"),
    ]
    made = report.ensure_report(
        parameters(tmp_path, sections=[{"title": "Preflight", "kind": "rules", "rules": every}]), False, NOW
    )

    folds = re.findall(r"<details[^>]*>.*?</details>", (tmp_path / "migration.html").read_text(), re.DOTALL)
    assert [" open>" in fold.split("<summary>")[0] for fold in folds] == [True, True, False, False]
    assert ["target-recovery" in folds[0], "locale" in folds[1]] == [True, True], "the worst first"
    assert "What to do: locale" in folds[1]
    assert "2 rules found nothing" in folds[2]
    assert all(name in folds[2] for name in ("encoding", "pooler"))
    assert "1 rules were not asked" in folds[3]
    assert made["report"]["sections"][0]["rules"] == every


@pytest.mark.parametrize("broken", [{"result": "blue"}, {"findings": [{"object": "x"}]}, {"finds": None}])
def test_what_is_no_rule_is_refused(tmp_path, broken):
    section = {"title": "Preflight", "kind": "rules", "rules": [{**rule("warn"), **broken}]}
    with pytest.raises(ReportError, match="is not one"):
        report.ensure_report(parameters(tmp_path, sections=[section]), False, NOW)
