# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module that writes how far it is into a file, and show it meanwhile."""

from __future__ import annotations

import copy
import json
import shlex
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

# Each command of these runs in a process of its own, so that one may look while another works.
CONNECTIONS = frozenset(("local", "ssh", "kubectl", "oc", "docker", "podman"))
PATIENCE = 2.0


class WatchedAction(ActionBase):
    """Runs the module as it would run without us, and shows meanwhile how far it is.

    A thread reads the file that the module writes. It only reads: when it fails, is slow or is killed with us, the move
    goes on or ends as it would have without it.
    """

    MODULE = ""
    LINE: Callable[[dict[str, Any], float], str]
    TRANSFERS_FILES = False
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        # With async the module goes on alone, and Ansible asks for it: there is no moment to show anything.
        alone = bool(self._task.async_val) and not self._connection.has_native_async
        watcher = None if alone else self._watcher(args, task_vars or {})
        try:
            result.update(
                self._execute_module(module_name=self.MODULE, module_args=args, task_vars=task_vars, wrap_async=alone)
            )
        finally:
            if watcher:
                watcher.stop()
        return result

    def _watcher(self, args: dict[str, Any], task_vars: dict[str, Any]) -> Watcher | None:
        try:
            seconds = int(args.get("progress_interval", 10))
        except (TypeError, ValueError):
            return None  # the module refuses it, with a message
        kind = str(self._connection.transport).rsplit(".", 1)[-1]
        if seconds < 1 or self._task.check_mode or kind not in CONNECTIONS or self._is_become_unprivileged():
            return None
        if not args.get("progress_path"):
            # A private folder on the host of the module; Ansible removes it after the task.
            folder = self._make_tmp_path()
            args["progress_path"] = self._connection._shell.join_path(
                folder, f"{self.MODULE.rpartition('.')[2]}.progress"
            )
        # The copy keeps the connection's options and has a state of its own.
        look = Look(copy.copy(self._connection), kind == "local", str(args["progress_path"]))
        host = str(self._task.delegate_to or task_vars.get("inventory_hostname", ""))
        return Watcher(look, seconds, host, type(self).LINE)


class Look:
    """Reads the file where it is."""

    def __init__(self, connection: Any, here: bool, path: str) -> None:
        self.connection, self.here, self.path = connection, here, path

    def __call__(self) -> dict[str, Any]:
        """Return what the file says; nothing when there is none yet, or it cannot be read."""
        try:
            text = Path(self.path).read_text() if self.here else self._there()
            told = json.loads(text) if text else {}
        except (OSError, ValueError, AnsibleError):
            return {}
        return told if isinstance(told, dict) else {}

    def _there(self) -> str:
        status, out, _error = self.connection.exec_command(f"cat {shlex.quote(self.path)}", sudoable=False)
        return out.decode(errors="replace") if status == 0 else ""


class Watcher:
    """Shows a line every so many seconds until it is stopped."""

    def __init__(
        self,
        look: Callable[[], dict[str, Any]],
        seconds: float,
        host: str,
        line: Callable[[dict[str, Any], float], str],
    ) -> None:
        self.look, self.seconds, self.host, self.line = look, seconds, host, line
        self._stopped = threading.Event()
        # A daemon: what it waits for must not keep a finished task from ending.
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(PATIENCE)

    def _watch(self) -> None:
        before: dict[str, Any] = {}
        since = time.monotonic()
        while not self._stopped.wait(self.seconds):
            told = self.look()
            if told != before:
                before, since = told, time.monotonic()
            if told and not self._stopped.is_set():
                Display().display(f"[{self.host}] {self.line(told, round(time.monotonic() - since))}", stderr=True)
