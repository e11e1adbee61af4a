"""The canary passwords, looked for wherever a process, a server or a file could show them."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from faults import Case, marks
from pg_sides import Sides, family

EVERYWHERE = "select coalesce(string_agg(a::text, ''), '') from pg_stat_activity a"
RECORD = "select coalesce(string_agg(r::text, ''), '') from ansible_migrate.{} r"


@pytest.mark.full
def test_the_passwords_are_nowhere_while_a_run_works_and_after_it_has_failed(bulk_case: Case) -> None:
    sides = bulk_case.sides
    looked = look_while(sides, child := sides.start(), seconds=1.5)
    child.terminate()
    out, problem = child.communicate(timeout=200)
    assert child.returncode != 0
    looked += look_while(sides, child := sides.start(verify="hash"), seconds=60)
    whole, nothing = child.communicate(timeout=200)
    assert child.returncode == 0, nothing

    assert looked > 100
    for text in (out, problem, whole, nothing):
        assert "canary" not in text
    for table in ("run", "item"):
        assert "canary" not in marks(sides, RECORD.format(table))[0][0]
    for side in (sides.source, sides.target):
        log = side.server.log.read_text(errors="replace")
        # The tests themselves give the roles their passwords with SQL that a server writes down when it fails.
        assert "canary" not in log.replace("password '", "")


def look_while(sides: Sides, child: subprocess.Popen, seconds: float) -> int:
    """Look at every process of this machine that has to do with the run, at its files and at the servers' sessions."""
    looked, deadline = 0, time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < deadline:
        for pid in family(child.pid):
            for part in ("cmdline", "environ"):
                looked += clean(Path(f"/proc/{pid}/{part}"))
        looked += sum(clean(file) for file in sides.workdir.rglob("*") if file.is_file())
        for side in (sides.source, sides.target):
            assert "canary" not in side.query(EVERYWHERE, admin=True)[0][0]
        time.sleep(0.02)
    return looked


def clean(file: Path) -> bool:
    """Assert that the canary is not in the file; return whether it could still be read."""
    try:
        text = file.read_bytes()
    except OSError:
        return False
    assert b"canary" not in text, file
    return True
