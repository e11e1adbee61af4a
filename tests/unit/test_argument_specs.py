"""Every role keeps its contract: what defaults/main.yml sets is what meta/argument_specs.yml says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).parents[2] / "roles").iterdir() if path.is_dir())


@pytest.fixture(params=ROLES, ids=lambda path: path.name)
def role(request: pytest.FixtureRequest) -> Path:
    return request.param


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def options(role: Path) -> dict[str, dict[str, Any]]:
    return load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]


def described(name: str, spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield an option and the options inside it."""
    yield name, spec
    for inner, inner_spec in spec.get("options", {}).items():
        yield from described(f"{name}.{inner}", inner_spec)


def shape(value: Any) -> Any:
    """Make values comparable with their types: to YAML 1 and true differ, to Python they are equal."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__, value


def test_there_are_roles() -> None:
    assert "vpc" in [role.name for role in ROLES]


def test_defaults_and_specs_are_equal(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml")
    specified = {name: spec["default"] for name, spec in options(role).items() if "default" in spec}

    assert shape(defaults) == shape(specified)


def test_inputs_without_a_default_are_required_or_may_be_left_out_on_purpose(role: Path) -> None:
    for name, spec in options(role).items():
        assert "default" in spec or "required" in spec, f"{name}: say default, or required: true or false"


def test_every_option_has_a_type_and_a_description(role: Path) -> None:
    for name, spec in options(role).items():
        for full_name, inner in described(name, spec):
            assert inner.get("type"), f"{full_name} has no type: anything would pass"
            assert inner.get("description"), f"{full_name} has no description"
            assert inner["type"] != "list" or inner.get("elements"), f"{full_name} does not say what it lists"


def test_inputs_carry_the_name_of_the_role(role: Path) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


def test_a_role_is_whole(role: Path) -> None:
    for part in ("README.md", "defaults/main.yml", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"):
        assert (role / part).is_file(), part
    assert load(role / "meta" / "main.yml")["dependencies"] == []


def test_nothing_a_user_may_change_is_in_vars(role: Path) -> None:
    names = [name for path in role.glob("vars/*.yml") for name in load(path) or {}]
    assert [name for name in names if not name.startswith(f"__{role.name}_")] == []


def test_the_readme_says_what_a_user_must_know(role: Path) -> None:
    text = (role / "README.md").read_text()
    for heading in ("## Inputs", "## Requirements", "## Example", "## Output", "## Idempotent", "rollback"):
        assert heading in text, heading
