# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the warm process has ready before the first module: imports, and botocore's models once somebody asked."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# What was tried; anything else runs cold. A test fails when an upgrade leaves these.
TESTED = {"ansible-core": ("2.19",), "Python": ("3.11",), "botocore": ("1.44",)}

ANSIBLE = (
    "ansible.module_utils.basic",
    "ansible.module_utils._internal._ansiballz._loader",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
)
# Libraries of the standard kind that nearly every module of AWS imports late.
SDK = ("boto3", "botocore.paginate", "botocore.waiter", "botocore.httpsession", "runpy", "tempfile")
COLLECTIONS = ("bahnvision.aws", "amazon.aws")
UTILITIES = ("ansible_collections.amazon.aws.plugins.module_utils.modules",)

# Methods of botocore's Loader whose answer depends on their arguments and the search path alone.
ANSWERS = ("list_available_services", "determine_latest_version", "load_service_model", "load_data_with_path")

# What the interpreter or the C library reads from the environment before Python can watch.
READ_BY_NATIVE_CODE = {"TZ", "LANG", "LANGUAGE", "HOME", "PATH", "TMPDIR"}
PREFIXES = ("PYTHON", "LC_", "LD_", "MALLOC_", "GLIBC_", "OPENSSL_", "SSL_")


class Environment:
    """The environment of the start, and the names that something read from it while it was imported."""

    def __init__(self) -> None:
        self.start = dict(os.environ)
        self.read = set(READ_BY_NATIVE_CODE)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        kind = type(os.environ)
        original = kind.__getitem__

        def record(mapping: Any, name: str) -> str:
            self.read.add(name)
            return original(mapping, name)

        kind.__getitem__ = record  # type: ignore[method-assign]
        try:
            yield
        finally:
            kind.__getitem__ = original  # type: ignore[method-assign]

    def refused(self, wanted: dict[str, str]) -> list[str]:
        """Return the names whose other value may change what was imported."""
        changed = {name for name in wanted.keys() | self.start.keys() if wanted.get(name) != self.start.get(name)}
        return sorted(name for name in changed if name in self.read or name.startswith(PREFIXES))


def folder_times() -> dict[str, int]:
    """Return when the folders of packages last gained or lost something: an upgrade in the middle of a run shows."""
    return {entry: Path(entry).stat().st_mtime_ns for entry in sys.path if entry and Path(entry).is_dir()}


def untested(core: str) -> str:
    """Return the first version that nobody tried, or ''."""
    import botocore

    found = {"ansible-core": core, "Python": sys.version.split()[0], "botocore": botocore.__version__}
    wrong = [f"{name} {version}" for name, version in found.items() if short(version) not in TESTED[name]]
    return f"{wrong[0]} is not tested" if wrong else ""


def short(version: str) -> str:
    return ".".join(version.split(".")[:2])


def import_all(names: tuple[str, ...]) -> list[str]:
    """Import what is there; return what is not."""
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


class Models:
    """Answers of botocore's loader that one module worked out and every later one finds.

    Each Loader of a session keeps its own search path; the answers depend on nothing else.
    """

    def __init__(self) -> None:
        self._answers: dict[tuple[Any, ...], Any] = {}

    def install(self) -> None:
        import botocore.loaders

        models = self

        class Loader(botocore.loaders.Loader):
            pass

        def shared(method: str) -> Any:
            original = getattr(botocore.loaders.Loader, method)

            def answer(loader: Any, *args: Any, **kwargs: Any) -> Any:
                key = (tuple(loader.search_paths), method, args, tuple(sorted(kwargs.items())))
                if key not in models._answers:
                    models._answers[key] = original(loader, *args, **kwargs)
                return models._answers[key]

            return answer

        for method in ANSWERS:
            setattr(Loader, method, shared(method))
        self._loader, botocore.loaders.Loader = Loader, Loader

    def known(self) -> set[tuple[Any, ...]]:
        return set(self._answers)

    def news(self, known: set[tuple[Any, ...]]) -> bytes:
        """Return what was asked beyond the known, for learn()."""
        return json.dumps([key for key in self._answers if key not in known]).encode()

    def learn(self, news: bytes) -> None:
        from botocore.exceptions import BotoCoreError

        for paths, method, args, kwargs in json.loads(news):
            loader = self._loader(extra_search_paths=list(paths), include_default_search_paths=False)
            with contextlib.suppress(BotoCoreError):  # gone meanwhile
                getattr(loader, method)(*args, **dict(kwargs))
