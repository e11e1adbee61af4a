"""Runs every check of the project and ends with one line: `N passed, N failed, N skipped`.

Workers take the steps in their order, the long ones first. There are three: two cores are the smallest machine we care
for, and what starts servers waits for a third of its time. Every step writes build/test/<step>.log; a failed step shows
the end of it. A step that is not pytest counts as one test; pytest's tests are counted from its JUnit file, and a run
that collected none has failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET  # our own files
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
LOGS = ROOT / "build" / "test"
# Where Ansible and molecule keep what they remember. It is emptied first: what a killed molecule remembers of its lab
# would make the next one skip the lab's start.
MEMORY = ROOT / ".cache" / "test-home"
STEP_SECONDS = 3600
# Scenarios of molecule whose every assertion the roles' own tests make too.
LEFT_TO_FULL = tuple(
    f"--exclude={name}" for name in ("elasticache", "elasticache_check", "rds_check", "vpc", "vpc_check")
)
FAILURE_LENGTH = 2000  # characters of what a failed test said
FAILURES_SHOWN = 10
WORKERS = 3
# Begun first, or the others would wait for them at the end.
LONG = tuple(f"integration-{name}" for name in (
    "data", "postgres", "rds_role", "rds_role_kills", "data_kills", "elasticache_kills", "elasticache_role",
    "dms_playbook", "vpc-plain", "vpc_role", "playbooks", "pg_properties", "pg_majors_damage",
))  # fmt: skip


@dataclass(frozen=True)
class Step:
    name: str
    argv: tuple[str, ...]
    group: str


@dataclass
class Result:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: tuple[str, ...] = ()

    def __add__(self, other: Result) -> Result:
        return Result(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped,
            self.failures + other.failures,
        )  # fmt: skip


def steps(full: bool) -> list[Step]:
    """Return all steps, the long ones first: whichever worker is free takes the next."""

    def tool(program: str, *arguments: str, group: str = "lint", name: str = "") -> Step:
        return Step(name or program, (str(BIN / program), *arguments), group)

    def pytest(name: str, *paths: str) -> Step:
        select = () if full else ("-m", "not full")
        junit = f"--junitxml={LOGS / name}.xml"
        return Step(
            name, (str(BIN / "python"), "-m", "pytest", "-q", "--durations=5", junit, *select, *paths), "pytest"
        )

    # The roles' tests use the warm connection, molecule the plain one: here one role's suite the other way round.
    plain = pytest("integration-vpc-plain", "tests/integration/lab/test_vpc_role.py")
    plain = replace(plain, argv=("env", "BAHNVISION_TEST_CONNECTION=local", *plain.argv))
    suites = [pytest(name, *paths) for name, paths in integration(full).items()] + ([plain] if full else [])
    return [
        pytest("lab", "lab/tests"),
        *sorted(suites, key=lambda step: step.name not in LONG),
        tool("molecule", "test", "--all", *(() if full else LEFT_TO_FULL), group="molecule"),
        Step("sanity", ("sh", "scripts/sanity.sh"), "sanity"),
        pytest("unit", "tests/unit"),
        tool("ansible-lint", "--offline", "--nocolor"),
        tool("mypy", "-p", "ansible_collections.bahnvision.aws.plugins.module_utils", "-p", "bahnvision_lab"),
        tool("yamllint", "--strict", "."),
        tool("antsibull-changelog", "lint"),
        tool("ruff", "check", "."),
        tool("ruff", "format", "--check", ".", name="ruff-format"),
    ]


def integration(full: bool) -> dict[str, list[str]]:
    """Return the steps of tests/integration: one per role, one per other folder, and one for the rest of lab/.

    With the slow tests each file is a step: a whole folder would take longer than a step may.
    """
    folder = ROOT / "tests" / "integration"
    found: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("test_*.py")):
        about = file.parent.name
        if full:
            about = file.stem.removeprefix("test_")
        elif about == "lab":
            about = next((role for role in ("data", "elasticache", "rds", "vpc") if f"_{role}_" in file.name), "lab")
        found.setdefault(f"integration-{about}", []).append(str(file.relative_to(ROOT)))
    return found


class Runner:
    """Runs steps, prints one line each, and ends the children when it is ended itself."""

    def __init__(self) -> None:
        self._children: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self, *_signal: object) -> None:
        self._stopped = True
        with self._lock:
            for child in self._children:
                # Not SIGTERM: at an interrupt pytest takes its labs and servers down.
                os.killpg(child.pid, signal.SIGINT)

    def run(self, step: Step) -> Result:
        if self._stopped:
            return Result(failed=1)  # what did not run has not passed
        log = LOGS / f"{step.name}.log"
        junit = LOGS / f"{step.name}.xml"
        junit.unlink(missing_ok=True)
        began = time.monotonic()
        with log.open("wb") as output:
            child = subprocess.Popen(
                step.argv, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            with self._lock:
                self._children.add(child)
            try:
                code = child.wait(STEP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGINT)
                code = child.wait(60) or 1
            with self._lock:
                self._children.discard(child)
        result, skips = count(step, code, junit)
        self.tell(step, result, time.monotonic() - began, log, skips)
        return result

    def tell(self, step: Step, result: Result, seconds: float, log: Path, skips: list[str]) -> None:
        word = "FAILED" if result.failed else "ok"
        text = f"{step.name:28} {word:6} {result.passed:5} passed {result.failed:3} failed {seconds:6.1f} s"
        with self._lock:
            print(text, flush=True)
            for skip in skips:
                print(f"  skipped: {skip}", flush=True)
            if result.failed:
                tail = log.read_text(errors="replace").splitlines()[-60:]
                print(
                    "\n".join(f"  | {line}" for line in tail),
                    f"  (all of it: {log.relative_to(ROOT)})",
                    sep="\n",
                    flush=True,
                )


def end_lab_of_molecule() -> None:
    """Molecule ends its lab itself, unless it was interrupted."""
    state = ROOT / "build" / "molecule-lab"
    if state.exists():
        subprocess.run(
            [str(BIN / "lab"), "down"], env={**environment(), "BAHNVISION_LAB_STATE": str(state)}, check=True
        )


def environment() -> dict[str, str]:
    """The tools see the project's own programs first, and nobody's AWS account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_", "PG"))}
    return {
        **kept,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(MEMORY),
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def count(step: Step, code: int, junit: Path) -> tuple[Result, list[str]]:
    if step.group != "pytest":
        failures = (f"{step.name}: ended with {code}",) if code else ()
        return Result(passed=int(code == 0), failed=int(code != 0), failures=failures), []
    result, skips = Result(), []
    if junit.exists():
        for case in ET.parse(junit).iter("testcase"):  # noqa: S314 - written by our own pytest run
            skip = case.find("skipped")
            if skip is not None:
                result.skipped += 1
                skips.append(f"{case.get('classname')}::{case.get('name')}: {skip.get('message') or 'NO REASON GIVEN'}")
            elif (failure := next(chain(case.iter("failure"), case.iter("error")), None)) is not None:
                result.failed += 1
                said = f"{failure.get('message')}"[:FAILURE_LENGTH]
                result.failures += (f"{case.get('classname')}::{case.get('name')}: {said}",)
            else:
                result.passed += 1
    # A crash, an internal error or an empty collection is a failure although no test case says so.
    if code != 0 and not result.failed:
        result.failed += 1
        result.failures += (f"{step.name}: no test failed, but it ended with {code}",)
    return result, skips


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the deeper, slower tests too")
    parser.add_argument("--only", choices=["lint", "sanity", "pytest", "molecule"], help="one group of steps")
    options = parser.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(MEMORY, ignore_errors=True)
    chosen = [step for step in steps(options.full) if options.only in (None, step.group)]
    runner = Runner()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, runner.stop)
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        total = sum(pool.map(runner.run, chosen), Result())
    end_lab_of_molecule()
    # Once more at the end: whoever reads only the last lines must see why.
    for failure in total.failures[:FAILURES_SHOWN]:
        print(f"FAILED {failure}")
    if more := len(total.failures[FAILURES_SHOWN:]):
        print(f"FAILED and {more} more, see above")
    print(f"all steps in {time.monotonic() - began:.0f} s")
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
