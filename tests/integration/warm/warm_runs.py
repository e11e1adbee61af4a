"""Runs of tasks through the warm connection or the plain one, and what each told."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from stage import PROGRAM, ROOT

Task = dict[str, Any]
WARM = "bahnvision.aws.warm_local"
# Another in each run, whichever connection: times, process ids and the names of folders for a moment.
VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+|\d:\d\d:\d\d\.\d+|ansible_[\w.]+_payload_\w+|ansible-tmp-[\d.-]+"
    r"|ansible-local-\w+|j\d+\.\d+|0x[0-9a-f]{8,}|\d{10}\.\d+|(?<=\")\.\w{8}(?=\")"
)


class Runs:
    """Plays against localhost, with a collection of odd modules beside ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        modules = folder / "ansible_collections" / "odd" / "odd" / "plugins" / "modules"
        modules.mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("odd.py"), modules / "odd.py")
        self.log = folder / "calls"

    def start(self, connection: str, tasks: list[Task], *options: str, **environment: str) -> subprocess.Popen[str]:
        play = self.folder / "play.yml"
        play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        inputs = {"ansible_connection": connection, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        foreign = ("AWS_", "ANSIBLE_", "BAHNVISION_", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        ours = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": f"{self.folder}:{ROOT / '.cache' / 'collections'}",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "BAHNVISION_AWS_WARM_LOG": str(self.log),
        }  # fmt: skip
        self.log.unlink(missing_ok=True)
        return subprocess.Popen(
            [str(PROGRAM), "-i", "here,", "-e", json.dumps(inputs), *options, str(play)], cwd=self.folder, text=True,
            env={**kept, **ours, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(self, connection: str, tasks: list[Task], *options: str, **environment: str) -> dict[str, Any]:
        """Return what each task told, by its name."""
        with self.start(connection, tasks, *options, **environment) as child:
            output, errors = child.communicate(timeout=240)
        assert output.startswith("{"), output + errors
        told = [task for play in json.loads(output)["plays"] for task in play["tasks"]]
        return {task["task"]["name"]: still(task["hosts"]["here"]) for task in told}

    def calls(self) -> list[tuple[str, str]]:
        """Return how each module was run: (warm, module) or (cold <reason>, module)."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(kind, module.rpartition(".")[2]) for kind, module in (line.split("\t") for line in lines)]


def still(result: dict[str, Any]) -> dict[str, Any]:
    result.pop("_ansible_delegated_vars", None)  # the name of the connection
    if "module_stderr" in result:
        # Frames of a traceback: a zip has no lines to show, and its name is for a moment.
        result["module_stderr"] = re.sub(r"(?m)^  .*\n", "", result["module_stderr"])
    return json.loads(VOLATILE.sub("*", json.dumps(result)))


def until(condition: Any, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
