"""The warm connection: the same results as the plain one, truly warm, and nothing run twice or left behind."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from stage import send, warm
from warm_runs import WARM, Runs, alive, until

AWS = {"region": "eu-central-1", "endpoint_url": "http://127.0.0.1:9", "access_key": "key", "secret_key": "of nobody"}


def odd(name: str, does: str, more: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return {"name": name, "odd.odd.odd": {"does": does, **options}, "ignore_errors": True, **(more or {})}


def task(name: str, module: str, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, module: options, "ignore_errors": True, **more}


FEW = [
    odd("process", "process", {"environment": {"ODD": "a 'b' $HOME \"c\" ü\n;", "ODD_EMPTY": ""}}),
    odd("secret", "echo", secret="never shown", text="never shown either"),
    odd("diff and check", "echo", {"check_mode": True, "diff": True}, text="new"),
    odd("unhandled", "raise", text="ü"),
    odd("killed", "kill", number=9),
    odd("thread", "thread"),
    odd("imports", "imports"),
    odd("unsupported", "echo", colour="red"),
    task("aws refuses", "amazon.aws.ec2_vpc_net_info", AWS),
]
MORE = [
    odd("no_log", "echo", {"no_log": True}, text="hidden"),
    odd("loop", "echo", {"loop": ["a", {"b": 1}, "c"]}, text="{{ item }}"),
    odd("warnings", "warn", text="look"),
    odd("big", "big", number=2_000_000),
    odd("long", "echo", text="x" * 300_000),
    odd("noise", "noise", text="{no json"),
    odd("exit 3", "exit", number=3),
    odd("exit 256", "exit", number=256),
    odd("exit with text", "exit with text", text="so"),
    odd("no result", "no result"),
    odd("hard exit", "hard exit", number=7),
    odd("terminated", "kill", number=15),
    odd("interrupted", "kill", number=2),
    odd("crashed", "kill", number=11),
    odd("bytes", "bytes"),
    odd("daemon", "setsid after fork"),
    odd("missing", "echo") | {"odd.odd.odd": {}},
    odd("retried", "exit", {"retries": 2, "delay": 0, "until": "retried.rc == 0", "register": "retried"}, number=1),
    odd("awaited", "echo", {"async": 30, "poll": 1}, text="async"),
    odd("delegated", "echo", {"delegate_to": "localhost"}, text="there"),
    task("version", "bahnvision.aws.rds_engine_version_info", AWS),
    task("our options", "bahnvision.aws.rds_instance", {"region": "eu-central-1"}),
    task("profile", "amazon.aws.aws_caller_info", {"profile": "nobody", "region": "eu-central-1"}),
    task("aws url", "amazon.aws.aws_caller_info", {}, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}),
    task("kubernetes", "kubernetes.core.k8s_info", {"kind": "Pod", "kubeconfig": "/nowhere"}),
    task("command", "ansible.builtin.command", {"cmd": "sh -c 'echo $0; exit 4' ü"}),
    task("shell", "ansible.builtin.shell", {"cmd": "echo $PWD; ls /proc/self/fd | wc -l"}),
    task("file", "ansible.builtin.copy", {"content": "text", "dest": "{{ playbook_dir }}/copied", "mode": "0600"}),
    task("stat", "ansible.builtin.stat", {"path": "{{ playbook_dir }}/ansible_collections", "get_attributes": False}),
    task("facts", "ansible.builtin.setup", {"gather_subset": ["!all", "!min", "python", "user"]}),
]
COLD = [
    odd("zone", "echo", {"environment": {"TZ": "Asia/Tokyo"}}, text="a"),
    odd("locale", "echo", {"environment": {"LC_ALL": "C"}}, text="b"),
    odd("root", "echo", {"become": True, "become_method": "ansible.builtin.su"}, text="c"),
    odd("other", "echo", {"vars": {"ansible_python_interpreter": "{{ other_python }}"}}, text="d"),
    odd("utility", "echo", text="e"),
]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def compare(runs: Runs, tasks: list[dict[str, Any]], *options: str, **environment: str) -> list[tuple[str, str]]:
    """Run the tasks both ways; return how the modules of the warm run were run."""
    plain = runs.run("local", tasks, *options, **environment)
    assert runs.calls() == []
    forked = runs.run(WARM, tasks, *options, **environment)
    assert list(plain) == [one["name"] for one in tasks]
    for name, told in plain.items():
        assert forked[name] == told
    return runs.calls()


def test_the_results_are_those_of_the_plain_connection_and_every_module_was_warm(runs: Runs) -> None:
    calls = compare(runs, FEW)

    assert calls == [("warm", "odd")] * 8 + [("warm", "ec2_vpc_net_info")]


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("options", [(), ("--check", "--diff")], ids=["run", "check"])
def test_no_case_has_another_result(runs: Runs, options: tuple[str, ...]) -> None:
    calls = compare(runs, FEW + MORE, *options)

    cold = [call for call in calls if call[0] != "warm"]
    assert {kind for kind, _module in cold} <= {"cold not pipelined"}, "async alone needs a file"
    assert len(calls) - len(cold) >= 35


@pytest.mark.full
@pytest.mark.timeout(900)
def test_what_could_come_out_differently_runs_as_a_process_of_its_own(runs: Runs) -> None:
    other = runs.folder / "python"
    other.symlink_to(sys.executable)
    override = runs.folder / "module_utils"
    override.mkdir()
    shown = compare(runs, COLD[:4], "-e", f"other_python={other}")
    assert [kind for kind, _module in shown] == [
        "cold environment TZ", "cold environment LC_ALL", "cold become", "cold other interpreter",
    ]  # fmt: skip
    # A file beside the playbook wins over Ansible's own of that name.
    (override / "_text.py").write_text("from ansible.module_utils.common.text.converters import *\n")
    (override / "basic.py").write_text("raise SystemExit('another basic')\n")
    assert compare(runs, COLD[4:])[0][0].startswith("cold other file ansible/module_utils/basic.py")


@pytest.mark.full
def test_an_upgrade_in_the_middle_of_a_run_ends_the_warmth(runs: Runs) -> None:
    packages = runs.folder / "packages"
    packages.mkdir()
    change = task("upgrade", "ansible.builtin.copy", {"content": "", "dest": str(packages / "new.py"), "mode": "0600"})
    runs.run(WARM, [odd("before", "echo"), change, odd("after", "echo")], PYTHONPATH=str(packages))

    kinds = [kind for kind, module in runs.calls() if module == "odd"]
    assert kinds == ["warm", "cold packages changed"]


@pytest.mark.full
def test_it_can_be_turned_off_and_says_with_v_how_much_was_warm(runs: Runs) -> None:
    runs.run(WARM, [odd("any", "echo")], BAHNVISION_AWS_WARM="false")
    assert runs.calls() == []
    with runs.start(WARM, [odd("one", "echo"), COLD[0]], "-v", ANSIBLE_STDOUT_CALLBACK="default") as child:
        output, _errors = child.communicate(timeout=120)
    assert "warm_local: 1 warm, 1 cold (environment TZ: 1)" in output


def sleeping(runs: Runs, *more: dict[str, Any], **options: Any) -> tuple[Any, Path, int, list[int]]:
    """Start a run whose module sleeps; return it, its marks, and the warm process with that module."""
    marks = runs.folder / "marks"
    child = runs.start(WARM, [odd("sleeps", "sleep", options or None, number=300, text=str(marks)), *more])
    module = int(until(lambda: marks.exists() and marks.read_text()))
    return child, marks, module, until(lambda: warm(child.pid))


def test_a_module_whose_warm_process_is_killed_is_an_error_and_is_not_run_again(runs: Runs) -> None:
    child, marks, module, processes = sleeping(runs, odd("next", "echo"), retries=2)
    (zygote,) = set(processes) - {module}
    send(zygote, signal.SIGKILL)
    send(module, signal.SIGKILL)
    output, _errors = child.communicate(timeout=120)

    assert "odd.odd.plugins.modules.odd was started and may have done all, some or nothing of its work" in output
    assert marks.read_text().count("\n") == 1
    assert runs.calls() == [("cold the warm process has ended", "odd")], "what comes next is run without it"


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.full)])
def test_a_run_that_is_killed_leaves_nothing(runs: Runs, number: signal.Signals) -> None:
    child, _marks, module, processes = sleeping(runs)
    send(child.pid, number)
    child.wait(timeout=60)

    assert module in processes
    until(lambda: not any(alive(pid) for pid in processes))


@pytest.mark.full
def test_a_module_outlives_the_timeout_of_its_task_as_it_does_otherwise(runs: Runs) -> None:
    child, _marks, module, _processes = sleeping(runs, timeout=3)
    output, _errors = child.communicate(timeout=120)
    try:
        assert "timed out" in output.lower()
        assert alive(module)
    finally:
        send(module, signal.SIGKILL)
