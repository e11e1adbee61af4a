# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: warm_local
short_description: Local connection that runs modules in forks of a process with boto3 loaded
version_added: 0.1.0
description:
  - Does what P(ansible.builtin.local#connection) does, and gives the same results.
  - A module in Python that the controller's own interpreter would run is run in a fork of a process that has Ansible's
    module utilities and boto3 loaded. The first task of a run starts that process, and it ends with the run.
  - Everything else goes the way of P(ansible.builtin.local#connection), and so does every module of which it is not
    certain that the fork would behave like a process of its own. See docs/performance.md.
notes:
  - Experimental. It relies on internals of ansible-core and botocore, and only of the versions that it was tested with;
    with others everything goes the way of P(ansible.builtin.local#connection).
  - Needs Linux 5.3 or newer, and pipelining.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  warm:
    description: Whether to use the warm process at all.
    type: bool
    default: true
    env: [{name: BAHNVISION_AWS_WARM}]
    vars: [{name: ansible_warm_local_warm}]
  log:
    description: File to which one line is added for each module, V(warm) or V(cold) with the reason.
    type: path
    env: [{name: BAHNVISION_AWS_WARM_LOG}]
    vars: [{name: ansible_warm_local_log}]
  become_success_timeout:
    description: As with P(ansible.builtin.local#connection).
    type: int
    default: 10
    vars: [{name: ansible_local_become_success_timeout}]
  become_strip_preamble:
    description: As with P(ansible.builtin.local#connection).
    type: bool
    default: true
    vars: [{name: ansible_local_become_strip_preamble}]
extends_documentation_fragment: [ansible.builtin.connection_pipelining]
"""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.release import __version__
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.display import Display
from ansible_collections.bahnvision.aws.plugins.plugin_utils._warm import client

ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
ANSIBALLZ = b"\n_ANSIBALLZ_WRAPPER = True\n"
FROM_A_FILE = re.compile(r"\S*python\S* \S*/(AnsiballZ_|async_wrapper\.py)")
MODULE = re.compile(rb"\nmodule_fqn='([\w.]+)',\n")

display = Display()


class Connection(LocalConnection):
    # ActionBase gives a working folder to this transport only, and others compare the name.
    transport = "local"

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> client.Ended:
        if not self.get_option("warm"):
            return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        module = named(in_data)
        try:
            if module:
                ended = self._run(environment(cmd, bool(self.become)), in_data)
                self._count("warm", module)
                display.vvv(f"EXEC (warm) {cmd}", host=self._play_context.remote_addr)
                return ended
            if FROM_A_FILE.search(str(cmd)):
                self._count("cold not pipelined", cmd)
        except client.Cold as reason:
            self._count(f"cold {reason}", module)
        except client.Lost as problem:
            raise AnsibleError(
                f"{module} was started and may have done all, some or nothing of its work: {problem} before it told. "
                "Nothing was repeated. Look at what it manages, and run the playbook again."
            ) from None
        return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)

    def _run(self, variables: dict[str, str], script: Any) -> client.Ended:
        self._connect()
        roots = [os.fspath(root) for root in AnsibleCollectionConfig.collection_paths]
        request = {"environment": {**os.environ, **variables}, "folder": os.fsdecode(self.cwd or Path.cwd())}
        return client.run(constants.DEFAULT_LOCAL_TMP, {"core": __version__, "roots": roots}, request, script)

    def _count(self, kind: str, module: str) -> None:
        """Note how the module ran; with -v, show how many have run which way until now."""
        path = self.get_option("log")
        if not path and display.verbosity < 1:
            return
        file = Path(path) if path else Path(constants.DEFAULT_LOCAL_TMP, "warm.calls")
        with file.open("a+", encoding="utf-8") as log:
            log.write(f"{kind}\t{module}\n")
            log.flush()
            log.seek(0)
            kinds = [line.split("\t")[0] for line in log]
        display.v(summary(kinds), host=self._play_context.remote_addr)


def summary(kinds: list[str]) -> str:
    cold = [kind.removeprefix("cold ") for kind in kinds if kind != "warm"]
    reasons = ", ".join(f"{reason}: {cold.count(reason)}" for reason in sorted(set(cold)))
    return f"warm_local: {len(kinds) - len(cold)} warm, {len(cold)} cold" + (f" ({reasons})" if reasons else "")


def named(script: bytes | None) -> str:
    """Return the name of the module that the script carries; '' when it is nothing of Ansible's making."""
    if not script or ANSIBALLZ not in script[:1000]:
        return ""
    found = MODULE.search(script)
    return found[1].decode() if found else "unknown"


def environment(command: str, become: bool) -> dict[str, str]:
    """Return the task's environment from `sh -c 'NAME=value ... python && sleep 0'`; Cold for any other command."""
    if become:
        raise client.Cold("become")
    try:
        shell, option, inner = shlex.split(command)
        words = shlex.split(inner)
    except ValueError:
        raise client.Cold("unknown command") from None
    program, assignments = words[-4:], [ASSIGNMENT.fullmatch(word) for word in words[:-4]]
    if (shell, option, program[1:]) != ("/bin/sh", "-c", ["&&", "sleep", "0"]) or None in assignments:
        raise client.Cold("unknown command")
    if program[0] != sys.executable:
        raise client.Cold("other interpreter")
    variables = {match[1]: match[2] for match in assignments if match}
    # Quoted again it has to be the same text: then the shell would have expanded nothing.
    again = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    if " ".join([*again, shlex.quote(sys.executable), "&&", "sleep", "0"]) != inner:
        raise client.Cold("unknown command")
    return variables
