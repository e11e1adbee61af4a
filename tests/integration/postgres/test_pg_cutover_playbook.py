"""The cut-over as Ansible runs it: the module, and the playbook's tasks."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from pg_follow import PASSWORD, ours, run
from pg_sides import CHECKOUT, Sides
from test_pg_modules import INTERPRETER, PLAYBOOK, play


@pytest.mark.full
def test_the_module_runs_under_ansible_and_never_shows_a_password(ledger: Sides) -> None:
    run(ledger)
    shared = {"source": _given(ledger.source.params), "target": _given(ledger.target.params), "jobs": "2"}
    outputs = []
    for state, options in (("status", ()), ("switched", ("--check",)), ("switched", ()), ("finished", ())):
        reached = {"source_from_target": {"password": PASSWORD}, "target_from_source": {"password": PASSWORD}}
        status, output = play(ledger, "pg_migrate_cutover", {**shared, **reached, "state": state}, "-vvv", *options)
        assert status == 0, output
        outputs.append(output)

    assert [f"changed={number} " in text for number, text in zip((0, 1, 1, 1), outputs, strict=True)] == [True] * 4
    assert PASSWORD not in "".join(outputs)
    assert "state: switched" in outputs[2]


def _given(params: dict) -> dict:
    return {key: value for key, value in params.items() if value is not None}


@pytest.mark.full
def test_the_playbook_tells_the_application(ledger: Sides, tmp_path: Path) -> None:
    """cut_over.yml as it is, but for the steps that look things up in AWS."""
    run(ledger)
    text = (CHECKOUT / "playbooks/cut_over.yml").read_text()
    # The steps before it need AWS and a runner.
    without = re.sub(r" +- name: [^\n]+\n +ansible.builtin.import_tasks: steps/[^\n]+\n", "", text)
    assert "steps/" not in without
    (tmp_path / "cut_over.yml").write_text(without)
    (tmp_path / "point.yml").write_text(
        "- name: Point\n  ansible.builtin.debug:\n"
        "    msg: write to {{ cutover_side }} at {{ cutover_connection.port }}\n"
    )
    given = {
        "migration_source": _given(ledger.source.params), "migration_target": _given(ledger.target.params),
        "cutover_point_application": str(tmp_path / "point.yml"), "reports_dir": str(tmp_path / "reports"),
        "stage": "test", "aws_region": "eu-central-1",
    }  # fmt: skip
    (tmp_path / "given.json").write_text(json.dumps(given))
    defaults = [f"@{CHECKOUT}/group_vars/all/{name}.yml" for name in ("app", "aws", "migration")]
    extra = [part for file in (*defaults, f"@{tmp_path}/given.json") for part in ("-e", file)]
    (tmp_path / "hosts").write_text("[runners]\nrunner ansible_connection=local\n")
    outputs = []
    for state in ("status", "switched", "rolled_back", "finished"):
        abandon = ("-e", "cutover_abandon=true") if state == "finished" else ()
        options = ("-i", str(tmp_path / "hosts"), *INTERPRETER, *extra, "-e", f"cutover_state={state}", *abandon)
        done = subprocess.run(
            [str(PLAYBOOK), *options, str(tmp_path / "cut_over.yml")], cwd=CHECKOUT, capture_output=True, text=True,
            timeout=280, check=False, env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        outputs.append(done.stdout)

    assert f"write to target at {ledger.target.server.port}" in outputs[1]
    assert f"write to source at {ledger.source.server.port}" in outputs[2]
    assert "No side took writes for" in outputs[1]
    assert "write to" not in outputs[0].replace("may write to", "")
    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 0), (0, 0, 0))
    report = (tmp_path / "reports/cut_over.json").read_text()
    assert PASSWORD not in report + "".join(outputs)
    (tmp_path / "given.json").unlink()
