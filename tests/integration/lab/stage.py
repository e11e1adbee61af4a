"""A lab, and the way to run the project's playbooks against it, judged by the requests that AWS saw."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bahnvision_lab.testing import Lab

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
# Molecule has the connection of every user, local; here the same modules run in forks of a warm process.
CONNECTION = os.environ.get("BAHNVISION_TEST_CONNECTION", "bahnvision.aws.warm_local")


class Outcome:
    """What one run of a playbook told of one component, and what it asked of AWS meanwhile."""

    def __init__(self, component: str, code: int, told: dict[str, Any], requests: list[dict[str, Any]]) -> None:
        self.code = code
        self.requests = requests
        self.tasks: dict[str, dict[str, Any]] = {}
        for play in told["plays"]:
            for task in play["tasks"]:
                if component in task["hosts"]:
                    name = task["task"]["name"].removeprefix(f"bahnvision.aws.{component} : ")
                    result = task["hosts"][component]
                    # What a run makes and what check mode foresees without a cluster may be two tasks of one name.
                    if not (result.get("skipped") and name in self.tasks):
                        self.tasks[name] = result

    @property
    def writes(self) -> list[str]:
        return [entry["operation"] for entry in self.requests if entry["write"]]

    @property
    def reads(self) -> list[str]:
        return [entry["operation"] for entry in self.requests if not entry["write"]]

    @property
    def changed(self) -> list[str]:
        return [name for name, result in self.tasks.items() if result.get("changed")]

    @property
    def errors(self) -> list[str]:
        return [str(result["msg"]) for result in self.tasks.values() if result.get("failed")]

    def before(self, task: str) -> dict[str, Any]:
        """Return the left side of a task's diff: {object: facts}."""
        return self.tasks[task]["diff"]["before"]

    def after(self, task: str) -> dict[str, Any]:
        """Return the right side of a task's diff: {object: facts}."""
        return self.tasks[task]["diff"]["after"]


class Stage:
    """Runs one playbook for one component. `inputs` are extra variables of every run."""

    def __init__(self, lab: Lab, component: str, playbook: str, **inputs: Any) -> None:
        self.lab = lab
        self.component = component
        self.playbook = playbook
        self.inputs = inputs
        self.log = Path(lab.status()["aws"]["request_log"])
        self.kills = 0  # how many runs `kill_at` has killed

    def start(
        self, *options: str, playbook: str = "", output: Any = subprocess.PIPE, **inputs: Any
    ) -> subprocess.Popen[str]:
        story = ROOT / "playbooks" / (playbook or self.playbook)
        argv = [
            str(PROGRAM), "-i", str(ROOT / "inventories" / "lab"), str(story), "--limit", self.component,
            "-e", json.dumps({"ansible_connection": CONNECTION, **self.inputs, **inputs}), *options,
        ]  # fmt: skip
        environment = {
            **os.environ, **self.lab.environment(), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
        }  # fmt: skip
        return subprocess.Popen(
            argv, cwd=ROOT, env=environment, stdout=output, stderr=output, text=True, start_new_session=True
        )

    def run(self, *options: str, playbook: str = "", timeout: float = 600, **inputs: Any) -> Outcome:
        seen = len(self.requests())
        with self.start(*options, playbook=playbook, **inputs) as child:
            output, errors = child.communicate(timeout=timeout)
        assert output.startswith("{"), output + errors
        return Outcome(self.component, child.returncode, json.loads(output), self.requests()[seen:])

    def requests(self) -> list[dict[str, Any]]:
        # The last line may still be on its way while a run goes on.
        return [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]

    def kill_at(self, writes: int, within: float = 0.4, most: float = 400, **inputs: Any) -> int:
        """Start a run and kill it with all its children at the given number of writes; return how many it made.

        The kill comes up to `within` seconds after that write, or after `most` seconds. A run that ends before is not
        killed, and must have succeeded.
        """
        seen = self._writes()
        # Into a file: nobody reads a pipe meanwhile, and a run that is not killed would wait for ever to say its end.
        with tempfile.TemporaryFile("w+") as said:
            child = self.start(output=said, **inputs)
            deadline = time.monotonic() + most
            while self._writes() - seen < writes and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            # Somewhere in or after that write, not always at the moment of its answer.
            time.sleep(random.uniform(0, within))
            alive = child.poll() is None
            self.kills += alive
            if alive:
                kill_family(child.pid)
            child.wait(timeout=120)
            said.seek(0)
            assert alive or child.returncode == 0, said.read()
        return self._writes() - seen

    def _writes(self) -> int:
        """Count without parsing: this is asked a hundred times a second."""
        return self.log.read_bytes().count(b'"write": true')


def kill_family(pid: int) -> None:
    """Kill the run and all that it started. All are stopped first: none may start another while they are counted."""
    family: list[int] = []
    while new := [member for member in relatives(pid) if member not in family]:
        for member in new:
            send(member, signal.SIGSTOP)
        family += new
    for member in family:
        send(member, signal.SIGKILL)


def relatives(pid: int) -> set[int]:
    heads = {pid, *warm(pid)}
    return heads | {inner for head in heads for inner in descendants(head)}


def descendants(pid: int) -> list[int]:
    """The workers of Ansible lead sessions of their own: a signal to the group of the run would miss them."""
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children + [inner for child in children for inner in descendants(child)]


def warm(controller: int) -> list[int]:
    """The warm process of a run has left its family; it and its modules show in their arguments whose they are."""
    ends = f"zygote.py\0{controller}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            if (folder / "cmdline").read_bytes().endswith(ends):
                found.append(int(folder.name))
    return sorted(found)


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
        os.kill(pid, number)


def assert_four_runs(stage: Stage, **inputs: Any) -> tuple[Outcome, Outcome]:
    """Check, run, check, run: what is foreseen is made, and nothing is left to do. Return the first two."""
    foreseen = stage.run("--check", "--diff", **inputs)
    assert (foreseen.code, foreseen.writes) == (0, []), foreseen.errors
    made = stage.run("--diff", **inputs)
    assert (made.code, made.changed) == (0, foreseen.changed), made.errors
    for options in (("--check", "--diff"), ()):
        again = stage.run(*options, **inputs)
        assert (again.code, again.changed, again.writes) == (0, [], []), again.errors
    return foreseen, made
