"""The application's facts have one place, and every stage sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = sorted(path.name for path in (ROOT / "inventories").iterdir() if path.is_dir())
SHARED = sorted((ROOT / "group_vars" / "all").glob("*.yml"))


def test_the_three_stages_exist():
    assert {"lab", "staging", "production"} <= set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_links_each_file_of_the_application(stage):
    folder = ROOT / "inventories" / stage / "group_vars" / "all"
    linked = {link.name: link.resolve() for link in folder.iterdir() if link.is_symlink()}
    assert linked == {path.name: path for path in SHARED}


def test_no_variables_beside_the_playbooks():
    # playbooks/group_vars/all would win over a user's own inventory group_vars/all.
    assert not (ROOT / "playbooks" / "group_vars").exists()
