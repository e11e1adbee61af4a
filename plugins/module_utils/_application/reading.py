# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what a person wrote into components and a context that the planners can rely on, or tell all that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

Component = Mapping[str, Any]
Context = Mapping[str, Any]
Spec = dict[str, dict[str, Any]]
COPIED = ("type", "elements", "choices", "required", "default")


def spec_of(options: Mapping[str, Any]) -> Spec:
    """The argument spec that documented options describe. What defaults to {} gets the defaults of its own options."""
    spec: Spec = {}
    for name, option in options.items():
        spec[name] = {key: option[key] for key in COPIED if key in option}
        if "suboptions" in option:
            spec[name]["options"] = spec_of(option["suboptions"])
            spec[name]["apply_defaults"] = option["type"] == "dict" and option.get("default") == {}
            if spec[name]["apply_defaults"]:
                del spec[name]["default"]
    return spec


def read(where: str, given: Mapping[str, Any], spec: Spec) -> tuple[dict[str, Any], list[str]]:
    """One checked dictionary with its defaults, and what is wrong with it."""
    unknown = list(_unknown(where, given, spec))
    if unknown:
        return {}, unknown
    result = ArgumentSpecValidator(spec).validate(dict(given))
    return result.validated_parameters, [f"{where}: {message}" for message in result.error_messages]


def _unknown(where: str, given: Any, spec: Spec) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield f"{where} must be a dictionary, not {type(given).__name__}"
        return
    for key, value in given.items():
        if key not in spec:
            near = difflib.get_close_matches(str(key), list(spec), 1)
            yield f"{where} knows no {key}" + (f"; is {near[0]} meant?" if near else f" (it knows {', '.join(spec)})")
        elif "options" in spec[key] and value is not None:
            items = enumerate(value) if isinstance(value, list) else [("", value)]
            for number, item in items:
                at = f"{where}.{key}" + (f"[{number}]" if number != "" else "")
                yield from _unknown(at, item, spec[key]["options"])
