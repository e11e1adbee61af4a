# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of the module report."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._report.document import CONTENT

RESULTS = ["pass", "fail", "warn", "info"]
STEP_RESULTS = ["pass", "fail", "warn", "skip", "info"]

COLUMN = {
    "key": {"type": "str", "required": True, "no_log": False},
    "title": {"type": "str"},
    "kind": {"type": "str", "choices": ["text", "count", "bytes", "seconds", "result"], "default": "text"},
    "total": {"type": "bool", "default": False},
}
CHECK = {
    "name": {"type": "str", "required": True},
    "result": {"type": "str", "choices": STEP_RESULTS, "required": True},
    "detail": {"type": "raw"},
}
STEP = {
    "name": {"type": "str", "required": True},
    "seconds": {"type": "float", "required": True},
    "start": {"type": "float"},
    "result": {"type": "str", "choices": STEP_RESULTS},
    "note": {"type": "str"},
}
SECTION = {
    "title": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": [*CONTENT], "required": True},
    "note": {"type": "str"},
    "facts": {"type": "dict"},
    "columns": {"type": "list", "elements": "dict", "options": COLUMN},
    "rows": {"type": "list", "elements": "dict"},
    "checks": {"type": "list", "elements": "dict", "options": CHECK},
    "rules": {"type": "list", "elements": "dict"},
    "steps": {"type": "list", "elements": "dict", "options": STEP},
    "spans": {"type": "list", "elements": "dict"},
    "text": {"type": "str"},
}
VERDICT = {
    "result": {"type": "str", "choices": RESULTS, "required": True},
    "sentence": {"type": "str", "required": True},
}
ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "title": {"type": "str", "required": True},
    "subtitle": {"type": "str", "default": ""},
    "verdict": {"type": "dict", "required": True, "options": VERDICT},
    "facts": {"type": "dict", "default": {}},
    "sections": {"type": "list", "elements": "dict", "default": [], "options": SECTION},
    "keep": {"type": "int", "default": 20},
}
