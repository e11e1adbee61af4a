"""The modules as Ansible runs them, and the way of the passwords."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pg_sides import CHECKOUT, Sides, family, wait_until

PLAYBOOK = CHECKOUT / ".venv/bin/ansible-playbook"
# As JSON: in the form name=value a path would end at its first blank.
INTERPRETER = ("-e", json.dumps({"ansible_python_interpreter": sys.executable}))
SHARED = ("source", "target", "jobs")


def play(sides: Sides, module: str, params: dict, *options: str) -> tuple[int, str]:
    """Run one module in a play; return the status and everything Ansible shows."""
    # JSON is YAML. The file is the test's own: a project takes passwords from a vault or from AWS.
    path = sides.workdir.parent / "play.yml"
    task = {"name": "Run", f"bahnvision.aws.{module}": params, "register": "run", "vars": {}}
    shown = {"name": "Show", "ansible.builtin.debug": {"var": "run"}}
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task, shown]}]))
    env = {**os.environ, "ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
    done = subprocess.run(
        [str(PLAYBOOK), "-i", "localhost,", "-c", "local", *INTERPRETER, str(path), *options],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=280, check=False, env=env,
    )  # fmt: skip
    path.unlink()
    return done.returncode, done.stdout + done.stderr


def given(params: dict) -> dict:
    """Leave out what is None, as a person does who writes a task."""
    sides = {side: {key: value for key, value in params[side].items() if value is not None} for side in SHARED[:2]}
    return {key: value for key, value in (params | sides).items() if value is not None}


def test_both_modules_run_under_ansible_and_never_show_a_password(small: Sides) -> None:
    report = small.workdir.parent / "move.json"
    params = given(small.params(verify="hash", report_path=str(report)))
    outputs = []

    for options in (("--check", "--diff"), (), ()):
        status, output = play(small, "pg_migrate", params, "-vvv", *options)
        assert status == 0, output
        outputs.append(output)
        assert report.exists() == ("--check" not in options)
    told = json.loads(report.read_text())
    assert (told["changed"], told["report_path"]) == (False, str(report))
    assert "canary" not in report.read_text()
    status, output = play(small, "pg_migrate_verify", {key: params[key] for key in SHARED}, "-vvv")
    assert status == 0, output

    assert [f"changed={number} " in text for number, text in zip((1, 1, 0), outputs, strict=True)] == [True] * 3
    assert all("skipped=0 " in text for text in outputs)
    assert "+table public.konto" in outputs[0]
    assert "hash_equal: true" in output
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in output
    assert "canary" not in "".join(outputs) + output


@pytest.mark.full
def test_a_difference_fails_the_task_and_names_the_table(small: Sides) -> None:
    params = given(small.params())
    assert play(small, "pg_migrate", params)[0] == 0
    small.target.run("delete from fahrt where id = 7")

    status, output = play(small, "pg_migrate_verify", {key: params[key] for key in SHARED})

    assert status != 0
    assert "public.fahrt has 50 rows on the source, 49 on the target" in " ".join(output.split())


def test_a_failure_under_ansible_is_one_message_without_the_password(small: Sides) -> None:
    params = given(small.params(target={"password": "wrong-canary"}))

    status, output = play(small, "pg_migrate", params)

    assert status != 0
    assert "check the user and the password" in " ".join(output.split())
    assert "canary" not in output
    assert "Traceback" not in output


def recorders(programs: Path, folder: Path) -> Path:
    """Make scripts that note what each program is started with, and become it: no look can come too late."""
    for name in ("psql", "pg_dump", "pg_restore"):
        script, note = folder / name, shlex.quote(str(folder / f"{name}."))
        script.write_text(f'#!/bin/sh\ncat "/proc/$$/cmdline" "/proc/$$/environ" > {note}$$\n'
                          f'exec {shlex.quote(str(programs / name))} "$@"\n')  # fmt: skip
        script.chmod(0o755)
    return folder


def test_passwords_are_neither_in_arguments_nor_environments_nor_files(bulk: Sides, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    programs = recorders(bulk.target.server.bindir, tmp_path / "bin")
    child = bulk.start(verify="hash", client_bindir=str(programs))
    looked = 0
    while child.poll() is None:
        for pid in family(child.pid):
            for part in ("cmdline", "environ"):
                try:
                    text = Path(f"/proc/{pid}/{part}").read_bytes()
                except OSError:
                    continue
                looked += 1
                assert b"canary" not in text, f"{part} of process {pid}"
        for file in bulk.workdir.rglob("*"):
            _assert_clean(file)
        time.sleep(0.02)
    out, problem = child.communicate()

    assert child.returncode == 0, problem
    assert looked
    notes = [note for note in programs.iterdir() if note.suffix]
    assert {note.stem for note in notes} == {"psql", "pg_dump", "pg_restore"}
    assert [note.name for note in notes if b"canary" in note.read_bytes()] == []
    assert any(b"PGAPPNAME=ansible_migrate" in note.read_bytes() for note in notes), "environments were not seen"
    assert "canary" not in out + problem
    for side in (bulk.source, bulk.target):
        assert "canary" not in side.server.log.read_text(errors="replace").replace("password '", "")


def _assert_clean(file: Path) -> None:
    try:
        # toc.dat and the lists are where connection strings could be; rows are random here.
        if file.suffix in (".dat", ".list") and file.stat().st_size < 1 << 20:
            assert b"canary" not in file.read_bytes(), file
    except FileNotFoundError:
        return


@pytest.mark.full
def test_the_folder_of_a_run_is_private(bulk: Sides) -> None:
    child = bulk.start()
    folder = wait_until(lambda: next(iter(bulk.workdir.iterdir()), None), "the private folder")

    assert folder.stat().st_mode & 0o777 == 0o700
    assert child.wait(timeout=200) == 0
    child.stdout.close()
    child.stderr.close()
    assert not folder.exists()
