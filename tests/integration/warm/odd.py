"""A module that behaves as `does` says. It is copied into a collection of its own."""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule


def tell_process(module: AnsibleModule) -> None:
    known = {name: value for name, value in os.environ.items() if name.startswith(("ODD", "LANG", "PWD", "AWS"))}
    main = sys.modules["__main__"]
    module.exit_json(
        environment=known, cwd=str(Path.cwd()), argv=len(sys.argv), stdin=sys.stdin.read(), name=main.__name__,
        mask=os.umask(0), descriptors=sorted(path.name for path in Path("/proc/self/fd").glob("[0-9]")),
        path=[entry for entry in sys.path if "ansible_" not in entry], encoding=sys.stdout.encoding,
        sigpipe=str(signal.getsignal(signal.SIGPIPE)), sigterm=str(signal.getsignal(signal.SIGTERM)),
        sigint=str(signal.getsignal(signal.SIGINT)),
    )  # fmt: skip


def tell_imports(module: AnsibleModule) -> None:
    """What the zip does not hold is not there."""
    found = []
    for name in ("amazon.aws.plugins.module_utils.s3", "bahnvision.aws.plugins.module_utils._resource.plan"):
        try:
            found.append(importlib.import_module(f"ansible_collections.{name}").__name__)
        except ImportError as problem:
            found.append(str(problem).replace("'", ""))
    module.exit_json(found=found)


def leave_a_thread(module: AnsibleModule) -> None:
    """Python waits for a thread and calls what was registered, in this order."""
    atexit.register(print, "registered", file=sys.stderr)
    threading.Thread(target=lambda: (time.sleep(0.2), print("from the thread", file=sys.stderr))).start()
    sys.exit(3)


def leave_a_daemon(module: AnsibleModule) -> None:
    if os.fork() == 0:
        os.setsid()
        for number in (0, 1, 2):
            os.close(number)
        time.sleep(0.1)
        os._exit(0)
    module.exit_json(left=True)


def leave(code: object) -> None:
    raise SystemExit(code)


def leave_hard(code: int) -> None:
    print("half", flush=True)
    os._exit(code)


def sleep(module: AnsibleModule) -> None:
    with Path(module.params["text"]).open("a") as marks:
        marks.write(f"{os.getpid()}\n")
    time.sleep(module.params["number"])
    module.exit_json(slept=True)


def odd(module: AnsibleModule) -> None:
    number, text = module.params["number"], module.params["text"]
    acts: dict[str, Callable[[], object]] = {
        "echo": lambda: module.exit_json(
            changed=True, diff={"before": "", "after": text}, checked=module.check_mode, echo=text, given=module.params
        ),
        "warn": lambda: (module.warn(text), module.deprecate(text, version="99.0.0"), module.exit_json()),
        "big": lambda: module.exit_json(big="ü" * number),
        "noise": lambda: (print(text), print(text, file=sys.stderr), module.exit_json()),
        "exit": lambda: leave(number),
        "exit with text": lambda: leave(text),
        "no result": lambda: None,
        "hard exit": lambda: leave_hard(number),
        "kill": lambda: os.kill(os.getpid(), number),
        "raise": lambda: {}[text],
        "bytes": lambda: (sys.stdout.buffer.write(b"\xff\xfe\n"), module.exit_json()),
        "setsid after fork": lambda: leave_a_daemon(module),
        "thread": lambda: leave_a_thread(module),
        "process": lambda: tell_process(module),
        "imports": lambda: tell_imports(module),
        "sleep": lambda: sleep(module),
    }
    acts[module.params["does"]]()


def main() -> None:
    spec = {
        "does": {"required": True}, "number": {"type": "int", "default": 0}, "text": {"default": ""},
        "secret": {"no_log": True, "default": ""},
    }  # fmt: skip
    odd(AnsibleModule(spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
