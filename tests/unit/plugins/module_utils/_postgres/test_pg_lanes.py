"""The pipe between the two psql of a worker, with other programs in their places."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.lanes import Lane
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Answer


@pytest.fixture
def lane(tmp_path: Path):
    made = Lane(0, None, None, tmp_path / "rows")  # type: ignore[arg-type]
    made.begin_rows()
    yield made
    made.end_rows()


def shell(script: str, lane: Lane, **more) -> subprocess.Popen:
    return subprocess.Popen(["sh", "-c", script, "sh", str(lane.fifo)], **more)


def test_the_writer_waits_for_the_reader_and_the_reader_for_us(lane: Lane) -> None:
    writer = shell('printf rows > "$1"', lane)
    time.sleep(0.2)
    assert writer.poll() is None, "rows were written that nobody could read"

    reader = shell('exec cat "$1"', lane, stdout=subprocess.PIPE, text=True)
    assert writer.wait(timeout=60) == 0
    time.sleep(0.2)
    assert reader.poll() is None, "the reader came to an end before we have said that the writer ended well"

    lane.end_rows()
    assert reader.communicate(timeout=60)[0] == "rows"


def test_a_reader_that_goes_away_ends_the_writer(lane: Lane) -> None:
    reader = shell('head -c 1 "$1"', lane, stdout=subprocess.PIPE)
    writer = shell('exec cat /dev/zero > "$1"', lane)

    assert reader.wait(timeout=60) == 0
    reader.stdout.close()
    assert writer.wait(timeout=60) == -signal.SIGPIPE
    lane.source = SimpleNamespace(child=writer)  # type: ignore[assignment]
    assert lane.pipe_broken(Answer([], "the connection ended", 0.0))


def test_the_pipe_serves_one_table_after_another_and_is_private(lane: Lane) -> None:
    assert lane.fifo.stat().st_mode & 0o777 == 0o600
    for number in range(3):
        if number:
            lane.begin_rows()
        reader = shell('exec cat "$1"', lane, stdout=subprocess.PIPE, text=True)
        assert shell(f'printf {number} > "$1"', lane).wait(timeout=60) == 0
        lane.end_rows()
        assert reader.communicate(timeout=60)[0] == str(number)


def test_an_error_of_the_source_itself_is_no_broken_pipe(lane: Lane) -> None:
    lane.source = SimpleNamespace(child=SimpleNamespace(returncode=None))  # type: ignore[assignment]

    assert not lane.pipe_broken(Answer([], "ERROR:  canceling statement", 0.0))
    assert lane.pipe_broken(Answer([], "could not write COPY data: Broken pipe", 0.0))


@pytest.mark.skipif(sys.platform != "linux", reason="pipes have a size to set on Linux only")
def test_the_pipe_is_large(lane: Lane) -> None:
    with lane.fifo.open("rb", buffering=0) as reader:
        # F_GETPIPE_SZ, which Python names since 3.10
        assert fcntl.fcntl(reader.fileno(), 1032) == 1 << 20
