"""docs/failures.md names every failure test, and nothing that does not exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "failures.md").read_text()
NAMED = re.findall(r"`(test_pg_\w+\.py)::(test_\w+)`", PAGE)
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


def test_the_matrix_is_as_large_as_it_must_be() -> None:
    cases = [line for line in PAGE.split("## Properties")[0].splitlines() if "::test_" in line]

    assert len(cases) >= 35
