"""The documentation points to what exists: relative links, their headings, and the playbooks it tells people to run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "roles/*/README.md", "lab/README.md")
PAGES = sorted({page for pattern in PATTERNS for page in ROOT.glob(pattern)})
PLAYBOOKS = [ROOT / "site.yml", *sorted((ROOT / "playbooks").glob("*.yml"))]

# [words](target) and [words](target "title"); not inside code.
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)")
# Blocks and inline code. A link in them is an example.
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
OUTWARD = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
COMMAND = re.compile(r"\bansible-playbook\b([^\n`|]*)")
FILE = re.compile(r"(?<!\S)(?!@)([\w./-]+\.ya?ml)(?!\S)")


def links(text: str) -> list[str]:
    return [target for target in LINK.findall(CODE.sub("", text)) if not OUTWARD.match(target)]


def broken(page: Path, text: str) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    return [target for target in links(text) if not _leads_somewhere(page, target)]


def _leads_somewhere(page: Path, target: str) -> bool:
    path, _mark, heading = target.partition("#")
    found = (page.parent / path).resolve() if path else page
    return found.exists() and (not heading or heading in _headings(found.read_text()))


def _headings(text: str) -> set[str]:
    """Return the anchors of a page as GitHub makes them."""
    titles = re.findall(r"^#+\s+(.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def playbooks(text: str) -> list[str]:
    """Return the playbooks that the commands of a page run. A comment behind the command names none."""
    return [name for rest in COMMAND.findall(text) for name in FILE.findall(rest.split(" #")[0])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    assert broken(page, page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_playbooks_of_the_commands_exist(page):
    assert [name for name in playbooks(page.read_text()) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.name)
def test_each_playbook_has_a_page_that_tells_how_to_run_it(playbook):
    name = str(playbook.relative_to(ROOT))
    assert [page for page in PAGES if name in playbooks(page.read_text())], f"no page shows how to run {name}"


def test_every_kind_of_page_is_looked_at():
    assert [pattern for pattern in PATTERNS if not any(ROOT.glob(pattern))] == []


def test_a_broken_link_is_seen():
    page = ROOT / "README.md"
    text = "[a](no/such.md) [b](LICENSE) [c](https://example.com/x.md) [d](CONTRIBUTING.md#no-such-heading) `[e](f)`"
    assert broken(page, text) == ["no/such.md", "CONTRIBUTING.md#no-such-heading"]


def test_a_playbook_is_found_wherever_it_stands():
    text = "`ansible-playbook -i x a.yml --check`\n$ ansible-playbook b/c.yml d.yml -e @vars.yml  # not e.yml\n"
    assert playbooks(text) == ["a.yml", "b/c.yml", "d.yml"]
