# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what a person wrote into components and a context that the planners can rely on, or tell all that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

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


@dataclass(frozen=True)
class Reading:
    """One dictionary with its defaults. `unfit` keeps others from looking at it, `unknown` is left out."""

    value: dict[str, Any]
    unfit: list[str]
    unknown: list[str]


def read(where: str, given: Any, spec: Spec) -> Reading:
    if not isinstance(given, Mapping):
        return Reading({}, [f"{where} must be a dictionary, not {type(given).__name__}"], [])
    result = ArgumentSpecValidator(spec).validate(_known(given, spec))
    unfit = [f"{where}: {message}" for message in result.error_messages]
    return Reading(result.validated_parameters, unfit, list(_unknown(where, given, spec)))


def _known(given: Any, spec: Spec) -> Any:
    if isinstance(given, list):
        return [_known(one, spec) for one in given]
    if not isinstance(given, Mapping):
        return given
    return {
        key: _known(value, spec[key]["options"]) if "options" in spec[key] else value
        for key, value in given.items() if key in spec
    }  # fmt: skip


def _unknown(where: str, given: Any, spec: Spec) -> Iterator[str]:
    for key, value in given.items():
        if key not in spec:
            near = difflib.get_close_matches(str(key), list(spec), 1)
            yield f"{where} knows no {key}" + (f"; is {near[0]} meant?" if near else f" (it knows {', '.join(spec)})")
        elif "options" in spec[key] and value is not None:
            items = enumerate(value) if isinstance(value, list) else [("", value)]
            for number, item in items:
                at = f"{where}.{key}" + (f"[{number}]" if number != "" else "")
                yield from _unknown(at, item, spec[key]["options"]) if isinstance(item, Mapping) else ()
