"""How far a run is, shown while it runs; and what an interrupted playbook leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from pg_sides import CHECKOUT, MASTER, Sides, alive, family, refusal, wait_until
from test_pg_modules import INTERPRETER, PLAYBOOK, given

LINE = re.compile(
    r"\[localhost\] writing the target, \d+ s, +\d+ %, \d of 3 tables, [\d,.]+ of [\d,.]+ MB, [\d,]+ rows"
)


def start(
    sides: Sides, keywords: dict | None = None, connection: tuple[str, ...] = ("-c", "local"), **options: object
) -> subprocess.Popen:
    """Start a playbook that moves the database, in a session of its own as a terminal would."""
    path = sides.workdir.parent / "play.yml"
    task = {"name": "Move", "bahnvision.aws.pg_migrate": {**given(sides.params()), **options}, "register": "run",
            **(keywords or {})}  # fmt: skip
    shown = {"name": "Show", "ansible.builtin.debug": {"var": "run.timeline"}}
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task, shown]}]))
    remote = sides.workdir.parent / "remote"
    env = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_REMOTE_TMP": str(remote)}
    return subprocess.Popen(
        [str(PLAYBOOK), "-i", "localhost,", *connection, *INTERPRETER, str(path)],
        cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True,
    )  # fmt: skip


def slow(sides: Sides) -> None:
    """Let the last index take some seconds, so that a run is met in the middle; small tables are done before."""
    sides.source.run("create function langsam(v int) returns int language plpgsql immutable as"
                     f" $$ begin if current_user = '{MASTER}' then perform pg_sleep(0.2); end if; return v; end $$;"
                     " create table zaeh (id int, v text); create index on zaeh (langsam(id))")  # fmt: skip
    sides.source.run("insert into zaeh select n, 'x' from generate_series(1, 25) n")


def claimed(sides: Sides) -> bool:
    rows = sides.target.query("select to_regclass('ansible_migrate.item')::text")
    return rows != [(None,)] and bool(
        sides.target.query("select from ansible_migrate.item where kind = 'table data' and state = 'done'")
    )


def test_lines_are_shown_while_a_playbook_moves_a_database(small: Sides) -> None:
    slow(small)
    child = start(small, progress_interval=1)
    out, errors = child.communicate(timeout=200)

    assert child.returncode == 0, out + errors
    lines = [line for line in errors.splitlines() if line.startswith("[localhost] ")]
    assert any(LINE.match(line) for line in lines), errors
    assert any("public.zaeh indexes" in line for line in lines), errors
    assert "canary" not in out + errors
    # The file was in a private folder that is gone.
    assert list((small.workdir.parent / "remote").glob("*")) == []
    assert "kind: copy" in out
    assert "name: public.fahrt_km" in out


@pytest.mark.full
def test_an_interrupted_playbook_leaves_nothing_running_and_is_completed_by_the_next(small: Sides) -> None:
    slow(small)
    child = start(small)
    wait_until(lambda: claimed(small), "the first table", 60)
    under = family(child.pid)

    # As a terminal does: Ctrl-C goes to the whole foreground group.
    os.killpg(child.pid, signal.SIGINT)
    out, errors = child.communicate(timeout=200)

    assert child.returncode != 0, out
    wait_until(lambda: not alive(under), "the end of all processes")
    assert list(small.workdir.iterdir()) == []
    assert small.target.query("select state from ansible_migrate.run") == [("running",)]

    child = start(small)
    out, errors = child.communicate(timeout=200)
    assert child.returncode == 0, out + errors
    assert small.verify("counts")["differences"] == []


@pytest.mark.full
def test_a_watcher_that_sees_nothing_does_not_hurt(small: Sides) -> None:
    """Its folder is taken away before the module begins to write."""
    child = start(small, progress_path="/nowhere/at/all", progress_interval=1)
    out, errors = child.communicate(timeout=200)
    assert child.returncode == 0, out + errors


@pytest.mark.full
def test_the_progress_file_tells_all_and_replaces_nothing_of_others(small: Sides, tmp_path: Path) -> None:
    path = tmp_path / "progress"
    path.write_text("precious")
    error = refusal(lambda: small.migrate(progress_path=str(path)))
    assert "progress_path" in str(error)
    assert path.read_text() == "precious"
    path.unlink()

    small.migrate(progress_path=str(path))

    told = json.loads(path.read_text())
    assert (told["phase"], told["tables"], told["tables_done"], told["percent"]) == ("verify", 2, 2, 100.0)
    assert told["rows"] == 100
    assert small.migrate(progress_path=str(path))["changed"] is False
    path.unlink()


@pytest.mark.full
@pytest.mark.parametrize("interval", [0, -1])
def test_lines_can_be_turned_off(small: Sides, interval: int) -> None:
    child = start(small, progress_interval=interval)
    out, errors = child.communicate(timeout=200)
    assert child.returncode == 0, out
    assert "[localhost]" not in errors


@pytest.mark.full
def test_a_move_may_run_by_itself(small: Sides) -> None:
    child = start(small, {"async": 90, "poll": 2}, progress_interval=1)
    out, errors = child.communicate(timeout=200)
    assert child.returncode == 0, out + errors
    assert "kind: copy" in out


@pytest.mark.full
def test_lines_are_shown_of_a_runner_that_is_reached_by_ssh(small: Sides, tmp_path: Path) -> None:
    """The program that Ansible takes for ssh runs the command here, as a server would there."""
    slow(small)
    program = tmp_path / "ssh"
    program.write_text('#!/bin/bash\nexec /bin/sh -c "${@: -1}"\n')
    program.chmod(0o755)
    far = ("-c", "ssh", "-e", json.dumps({"ansible_ssh_executable": str(program)}))
    child = start(small, connection=far, progress_interval=1)
    out, errors = child.communicate(timeout=200)

    assert child.returncode == 0, out + errors
    assert any(LINE.match(line) for line in errors.splitlines()), errors
    assert list((small.workdir.parent / "remote").glob("*")) == []


def test_the_dump_engine_tells_which_tables_are_there(small: Sides, tmp_path: Path) -> None:
    small.migrate(engine="dump", progress_path=str(tmp_path / "progress"))

    told = json.loads((tmp_path / "progress").read_text())
    assert told["tables_done"] == told["tables"] >= 2
    assert (told["percent"], told["running"]) == (100.0, [])
