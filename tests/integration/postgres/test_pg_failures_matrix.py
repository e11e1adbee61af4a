"""docs/failures.md names every failure test, and nothing that does not exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "failures.md").read_text()
NAME = re.compile(r"`(test_pg_\w+\.py)::(test_\w+)`")
NAMED = NAME.findall(PAGE)
SERVING = {Path(__file__).name}


def functions_of(file: Path) -> set[tuple[str, str]]:
    functions = (node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef))
    return {(file.name, node.name) for node in functions if node.name.startswith("test_")}


def test_every_named_test_exists() -> None:
    known = set().union(*(functions_of(file) for file in HERE.glob("test_pg_*.py")))

    assert set(NAMED) - known == set()


def test_every_failure_test_is_in_the_matrix() -> None:
    failures = set().union(
        *(functions_of(file) for file in HERE.glob("test_pg_failures_*.py") if file.name not in SERVING)
    )

    assert failures - set(NAMED) == set()


def runs_in_make_test(file: str, test: str) -> str:
    """Return the word of the matrix for a test: yes, or no, or part of its cases."""
    found = (node for node in ast.parse((HERE / file).read_text()).body if isinstance(node, ast.FunctionDef))
    decorators = [ast.unparse(one) for node in found if node.name == test for one in node.decorator_list]
    if "pytest.mark.full" in decorators:
        return "no"
    return "part" if any("mark.full" in text for text in decorators) else "yes"


def test_the_matrix_tells_what_make_test_runs() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and "::test_" in line]
    told = {row: row.split(" | ")[-2] for row in rows}

    words = {row: {runs_in_make_test(*one) for one in NAME.findall(row)} for row in rows}

    assert {row: told[row] for row in rows if told[row] != (words[row].pop() if len(words[row]) == 1 else "part")} == {}


def test_the_matrix_is_as_large_as_it_must_be() -> None:
    cases = [line for line in PAGE.split("## Properties")[0].splitlines() if "::test_" in line]

    assert len(cases) >= 35
