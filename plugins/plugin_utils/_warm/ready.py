# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting the warm process ready: what to import, and the proof that modules run in it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.plugin_utils._warm import child, payload, preload

PROBE = """
from ansible.module_utils._internal._ansiballz import _loader
import botocore.session
session = botocore.session.Session()
session.get_component("data_loader").load_data("partitions")
_loader.run_module(json_params=b'{"ANSIBLE_MODULE_ARGS": {"data": "warm"}}', profile="legacy",
                   module_fqn="ansible.modules.ping", modlib_path="", extensions={})
"""


def prepare(core: str, roots: list[str]) -> child.Prepared:
    environment, models = preload.Environment(), preload.Models()
    with environment.recorded():
        missing = preload.import_all(preload.ANSIBLE + preload.SDK)
        import ansible

        files = payload.Files(Path(ansible.__file__).parent.parent, roots)
        for name in preload.COLLECTIONS:
            if folder := files.collection(name):
                payload.adopt(f"{payload.ROOT}.{name}", folder)
        preload.import_all(preload.UTILITIES)
    files.remember_loaded()
    prepared = child.Prepared(files, environment, models, preload.folder_times())
    prepared.refusal = f"no {missing[0]}" if missing else preload.untested(core) or refusal(models)
    return prepared


def refusal(models: preload.Models) -> str:
    """Return why modules cannot run here, or ''. A probe runs as a module would, in a child."""
    models.install()
    if len([*Path("/proc/self/task").iterdir()]) > 1:
        return "an import has started a thread"
    if any(not Path(path).is_absolute() for path in (os.environ.get("PYTHONPATH") or "/").split(os.pathsep)):
        return "PYTHONPATH is relative"
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if not pid:
            os.dup2(output.fileno(), 1)
            sys.modules["__main__"].__dict__.pop("main", None)
            child.finish(child.run(PROBE.encode()), lambda: None)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    return "" if code == 0 and answer(said) == "warm" else "the probe failed"


def answer(said: str) -> object:
    try:
        return json.loads(said).get("ping")
    except (ValueError, AttributeError):
        return None
