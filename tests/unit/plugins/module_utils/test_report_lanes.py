"""The drawing of who did what when."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._report import lanes, parts
from ansible_collections.bahnvision.aws.plugins.module_utils._report.document import ReportError, build

COPY = {
    "name": "public.t<1>",
    "kind": "copy",
    "lane": 0,
    "start": 0.0,
    "seconds": 6.0,
    "rows": 1000,
    "bytes": 6_000_000,
}
INDEX = {"name": "public.i", "kind": "index", "lane": 1, "start": 6.0, "seconds": 4.0, "rows": None, "bytes": 1000}
FINISH = {"name": "public.t", "kind": "finish", "lane": 0, "start": 9.999, "seconds": 0.001}


def page(spans: list[dict]) -> str:
    return parts.section({"title": "Lanes", "kind": "lanes", "spans": spans}, 1)


def bars(html: str) -> list[dict]:
    return [
        {**rect.attrib, "title": "".join(rect.itertext())}
        for svg in re.findall(r"<svg.*?</svg>", html)
        for rect in ElementTree.fromstring(svg)
        if "bar" in rect.attrib["class"]
    ]


def test_each_worker_has_a_lane_on_one_scale() -> None:
    html = page([COPY, INDEX, FINISH])

    assert html.count("<svg") == 2
    first, last, built = bars(html)
    assert (first["x"], first["width"], first["class"]) == ("0.00%", "60.00%", "bar copy")
    assert first["title"] == "public.t<1>: Rows copied, 6.00 s, 1\u2009000 rows, 6 MB, 1 MB/s"
    assert (built["x"], built["width"]) == ("60.00%", "40.00%")
    assert float(last["x"][:-1]) + float(last["width"][:-1]) <= 100
    assert "Worker 2" in html
    assert "<script" not in html
    assert "http" not in html


def test_the_table_below_tells_the_longest_first() -> None:
    names = re.findall(r'<th scope="row">(public[^<]*)</th>', page([FINISH, INDEX, COPY]))
    assert names == ["public.t&lt;1&gt;", "public.i", "public.t"]


def test_many_spans_make_a_page_of_bounded_size() -> None:
    spans = [{**INDEX, "start": n, "seconds": 1 + n % 7} for n in range(5000)]
    html = page(spans)
    assert len(bars(html)) == lanes.MOST_DRAWN
    assert "3000 shorter ones are not drawn" in html
    assert "Longest of 5000" in html


def test_nothing_is_said_of_nothing() -> None:
    assert "Nothing was recorded" in page([])


def document(spans: list[dict]) -> dict:
    section = {"title": "Lanes", "kind": "lanes", "spans": spans}
    verdict = {"result": "pass", "sentence": "x"}
    return build({"name": "n", "title": "t", "verdict": verdict, "sections": [section]}, "2026-11-22T17:40:00Z")


@pytest.mark.parametrize("change", [{"kind": "other"}, {"lane": "x"}, {"start": None}, {"seconds": -1}, {"name": 3},
                                    {"rows": "many"}])  # fmt: skip
def test_strange_spans_are_refused(change: dict) -> None:
    assert document([COPY, FINISH])["sections"][0]["spans"][1]["kind"] == "finish"
    with pytest.raises(ReportError, match="is not one"):
        document([{**COPY, **change}])
