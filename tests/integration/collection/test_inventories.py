"""The inventories that ship with the project: every playbook reads them, every input they set exists."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
PLAYBOOKS = ["site.yml", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "playbooks").glob("*.yml"))]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "meta" / "argument_specs.yml").exists())
STAGES = ["lab", "staging", "production"]


def values(stage: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted((ROOT / "inventories" / stage / "group_vars" / stage).glob("*.yml")):
        found |= yaml.safe_load(path.read_text()) or {}
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_every_playbook_is_sound_with_every_inventory(stage):
    done = subprocess.run(
        [str(PROGRAM), "--syntax-check", "-i", f"inventories/{stage}", *PLAYBOOKS], cwd=ROOT, capture_output=True,
        text=True, timeout=400, check=False, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr, done.stderr


@pytest.mark.parametrize("stage", STAGES)
def test_every_role_input_that_a_stage_sets_exists(stage):
    known = set()
    for role in ROLES:
        known |= set(yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text()))
    set_here = {name for name in values(stage) if name.split("_")[0] in ROLES}
    assert set_here <= known, f"no role takes {sorted(set_here - known)}"
    assert {"vpc", "rds"} <= {name.split("_")[0] for name in set_here} or stage == "lab"


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_names_itself_and_its_region(stage):
    assert values(stage)["stage"] == stage
    assert str(values(stage)["aws_region"]).count("-") == 2


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_nothing_of_the_lab_and_no_secret_lies_in_the_real_stages(stage):
    text = "\n".join(
        path.read_text() for path in (ROOT / "inventories" / stage).rglob("*.yml") if not path.is_symlink()
    )
    for word in ("lab_status", "endpoint_url", "127.0.0.1", "access_key", "secret_key"):
        assert word not in text
    assert "lookup(" in str(values(stage)["migration_source"]["password"])
