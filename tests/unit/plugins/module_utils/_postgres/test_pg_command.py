"""Real children: they end with their parent, with the deadline, and with their group."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import Commands, Deadline
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError

COLLECTIONS = Path(__file__).parents[5] / ".cache" / "collections"
PARENT = f"""
import subprocess, sys, time
sys.path.insert(0, {str(COLLECTIONS)!r})
from pathlib import Path
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import Commands, Deadline
commands = Commands(Deadline(60))
folder = Path(sys.argv[1])
folder.mkdir()
(folder / "dump").touch()
commands.watchdog.folder_made(folder)
child = commands.start(["sh", "-c", "sleep 60 & echo $! >&2; exec sleep 60"], {{"PATH": "/usr/bin:/bin"}}, (), -3, -3)
print(child.pid, child.stderr.readline().decode().strip(), flush=True)
time.sleep(60)
"""


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while any(running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(running(pid) for pid in pids)


@pytest.fixture
def commands():
    made = Commands(Deadline(120))
    yield made
    made.close()


def follow(commands: Commands, script: str, **more) -> tuple[int, list[str]]:
    lines: list[str] = []
    status = commands.follow(["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, (), lines.append, **more)
    return status, lines


def test_children_and_files_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert [running(pid) for pid in pids] == [True, True]

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert gone(pids)
    deadline = time.monotonic() + 60
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()


def test_lines_and_status_are_handed_over(commands: Commands) -> None:
    assert follow(commands, "echo one >&2; printf two >&2; exit 3") == (3, ["one", "two"])


def test_a_child_beyond_the_deadline_is_ended_with_its_group() -> None:
    commands = Commands(Deadline(0.5))
    lines: list[str] = []
    try:
        with pytest.raises(PostgresError, match=r"sh was not finished after 0\.5 s"):
            commands.follow(["sh", "-c", "sleep 60 & echo $! >&2; wait"], {"PATH": "/usr/bin:/bin"}, (), lines.append)
        assert gone([int(lines[0])])
    finally:
        commands.close()


def test_a_tick_that_raises_ends_the_child(commands: Commands) -> None:
    def tick() -> None:
        raise PostgresError("the lock is lost")

    began = time.monotonic()
    with pytest.raises(PostgresError, match="the lock is lost"):
        follow(commands, "exec sleep 110", on_tick=tick)
    assert time.monotonic() - began < 100


def test_a_stubborn_child_is_killed(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command"
    monkeypatch.setattr(f"{module}.PATIENCE", 0.2)
    lines: list[str] = []

    def tick() -> None:
        if lines:
            raise PostgresError("enough")

    with pytest.raises(PostgresError, match="enough"):
        commands.follow(
            ["sh", "-c", "trap '' TERM; echo $$ >&2; while :; do sleep 0.1; done"], {"PATH": "/usr/bin:/bin"}, (),
            lines.append, tick,
        )  # fmt: skip
    assert gone([int(lines[0])])
