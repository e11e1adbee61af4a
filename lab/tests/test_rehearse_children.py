"""What a rehearsal starts ends with it, however deep, and however the rehearsal ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import identify, start_tick
from bahnvision_lab.rehearse.children import MARK, Checkout, end_marked, marked_processes
from bahnvision_lab.rehearse.stages import StageError

# As Ansible does: a child that leaves the session of its parent, and does not mind SIGTERM's default.
DEEP = textwrap.dedent("""
    import pathlib, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    pathlib.Path(sys.argv[1]).write_text(str(child.pid))
    time.sleep(600)
""")


@pytest.fixture
def checkout(tmp_path):
    """A checkout in a path with a blank, as people have them."""
    root = tmp_path / "my checkout"
    root.mkdir()
    yield Checkout(root)
    end_marked(str(root))


def wait_for(path, patience=120):
    deadline = time.monotonic() + patience
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"{path} was not written"
        time.sleep(0.02)
    return path.read_text()


def test_output_goes_to_the_log_of_the_stage(checkout):
    log = checkout.run("load", [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"])

    assert log == checkout.root / "build" / "rehearse" / "load.log"
    assert sorted(log.read_text().split()) == ["err", "out"]


def test_a_program_that_fails_is_named_with_its_log(checkout):
    with pytest.raises(StageError, match=r"verify: .*python.* ended with 3") as failure:
        checkout.run("verify", [sys.executable, "-c", "raise SystemExit(3)"])
    assert failure.value.log == checkout.logs / "verify.log"


def test_a_program_that_hangs_is_ended_with_all_it_started(checkout, tmp_path):
    note = tmp_path / "pid"

    with pytest.raises(StageError, match="was not finished after 8 s"):
        checkout.run("migrate", [sys.executable, "-c", DEEP, str(note)], timeout=8)

    assert start_tick(int(wait_for(note))) is None
    assert list(marked_processes(str(checkout.root))) == []


def test_servers_of_the_lab_stay(checkout, tmp_path):
    note = tmp_path / "pid"
    start = "import pathlib, subprocess, sys; child = subprocess.Popen(['sleep', '600'], start_new_session=True); "
    checkout.run(
        "lab", [sys.executable, "-c", start + "pathlib.Path(sys.argv[1]).write_text(str(child.pid))", str(note)], False
    )

    server = identify(int(note.read_text()))
    assert server.alive
    os.kill(server.pid, signal.SIGKILL)


def test_the_environment_is_the_projects_own(checkout, monkeypatch):
    for name in ("AWS_PROFILE", "ANSIBLE_ROLES_PATH", "PGPASSWORD"):
        monkeypatch.setenv(name, "foreign")
    show = "import json, os; print(json.dumps(dict(os.environ)))"

    seen = json.loads(checkout.run("lab", [sys.executable, "-c", show]).read_text())

    assert not {"AWS_PROFILE", "ANSIBLE_ROLES_PATH", "PGPASSWORD"} & set(seen)
    assert seen["ANSIBLE_CONFIG"] == str(checkout.root / "ansible.cfg")
    assert seen["PATH"].split(os.pathsep)[0] == str(checkout.root / ".venv" / "bin")
    assert seen[MARK] == str(checkout.root)


def test_one_rehearsal_at_a_time(checkout):
    with checkout.alone(), pytest.raises(LabError, match="another rehearsal runs"), checkout.alone():
        pytest.fail("two rehearsals at once")
    with checkout.alone():
        pass


def test_the_next_rehearsal_ends_what_a_killed_one_left(checkout, tmp_path):
    note = tmp_path / "pid"
    script = (
        "import sys, pathlib; from bahnvision_lab.rehearse.children import Checkout; "
        "c = Checkout(pathlib.Path(sys.argv[1])); "
        'exec(\'with c.alone(): c.run("migrate", [sys.executable, "-c", sys.argv[2], sys.argv[3]])\')'
    )
    killed = subprocess.Popen([sys.executable, "-c", script, str(checkout.root), DEEP, str(note)])
    deep = identify(int(wait_for(note)))
    killed.kill()
    killed.wait()
    assert deep.alive

    with checkout.alone():
        assert not deep.alive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_rehearsal_ends_its_children_and_says_so(checkout, tmp_path, number):
    note = tmp_path / "pid"
    script = textwrap.dedent("""
        import pathlib, sys
        from bahnvision_lab.rehearse import cli
        from bahnvision_lab.rehearse.children import Checkout
        from bahnvision_lab.rehearse.stages import Runner, Stage
        checkout = Checkout(pathlib.Path(sys.argv[1]))
        argv = [sys.executable, "-c", sys.argv[2], sys.argv[3]]
        runner = Runner([Stage("migrate", lambda: checkout.run("migrate", argv))], print)
        code = cli._rehearse(runner)
        print(runner.result)
        sys.exit(code)
    """)
    rehearsal = subprocess.Popen(
        [sys.executable, "-c", script, str(checkout.root), DEEP, str(note)], stdout=subprocess.PIPE, text=True
    )
    deep = identify(int(wait_for(note)))

    rehearsal.send_signal(number)
    output, _other = rehearsal.communicate(timeout=120)

    assert rehearsal.returncode == 128 + number
    assert output.splitlines()[-1] == "interrupted"
    assert not deep.alive
