"""The watcher of pg_migrate: it reads, and what happens to it happens to nothing else."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.progressline import line
from ansible_collections.bahnvision.aws.plugins.plugin_utils import watched
from ansible_collections.bahnvision.aws.plugins.plugin_utils.watched import Look, Watcher


class Connection:
    """Answers as a connection's exec_command does."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers, self.commands = list(answers), []

    def exec_command(self, command: str, sudoable: bool) -> tuple[int, bytes, bytes]:
        self.commands.append(command)
        status, out = self.answers.pop(0)
        return status, out, b""


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []

    class Display:
        def display(self, text: str, stderr: bool) -> None:
            assert stderr
            lines.append(text)

    monkeypatch.setattr(watched, "Display", Display)
    return lines


def test_the_file_is_read_over_the_connection() -> None:
    connection = Connection((0, b'{"phase": "dump"}'), (1, b""), (0, b"{half"), (0, b"[1]"))
    look = Look(connection, False, "/a b/p")

    assert [look() for _turn in range(4)] == [{"phase": "dump"}, {}, {}, {}]
    assert connection.commands[0] == "cat '/a b/p'"


def test_the_file_is_read_here(tmp_path: Path) -> None:
    look = Look(None, True, str(tmp_path / "p"))
    assert look() == {}
    (tmp_path / "p").write_text(json.dumps({"phase": "dump"}))
    assert look() == {"phase": "dump"}


def test_lines_come_until_it_is_stopped(shown: list[str]) -> None:
    watcher = Watcher(lambda: {"phase": "dump", "elapsed": 3}, 0.02, "runner", line)  # type: ignore[arg-type]
    deadline = time.monotonic() + 60
    while len(shown) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    watcher.stop()
    number = len(shown)
    time.sleep(0.1)

    assert shown[0] == "[runner] reading the source, 3 s"
    assert number == len(shown) >= 2


def test_a_look_that_hangs_does_not_hold_the_task_up(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "PATIENCE", 0.05)
    looking, told = threading.Event(), threading.Event()

    def look() -> dict[str, str]:
        looking.set()
        assert told.wait(60)
        return {"phase": "dump"}

    watcher = Watcher(look, 0.01, "runner", line)  # type: ignore[arg-type]
    assert looking.wait(60)
    watcher.stop()  # it comes back, although the look hangs until the next line
    told.set()
    watcher._thread.join(60)
    assert shown == []
