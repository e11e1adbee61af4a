# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-core packs for a module, and whether the files on this machine are the same.

A module's script (AnsiballZ) carries all of our and Ansible's code as a zip. The warm process runs the files on disk
instead, and may do so only when each of them is byte for byte what the zip holds.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import sys
import types
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

ROOT = "ansible_collections"
# AnsiballZ writes a text of its own for these two.
ALWAYS_DIFFERENT = frozenset(("ansible/__init__.py", "ansible/module_utils/__init__.py"))
CALL = re.compile(
    rb"\nansible_module='[^'\n]+',\nmodule_fqn='(?P<module>[\w.]+)',\nprofile='legacy',\ndate_time=[^\n]+\n"
    rb"rlimit_nofile=\d+,\nparams=[^\n]+\nextensions=\{\},\nzip_data='(?P<zip>[A-Za-z0-9+/=]+)',\n\)\n$"
)

Sum = tuple[int, int]  # CRC-32 and size


@dataclass(frozen=True)
class Payload:
    """The name of the module, and a checksum of each file in the zip."""

    module: str
    files: dict[str, Sum]

    @property
    def modules(self) -> set[str]:
        return {module_name(file) for file in self.files}

    @property
    def collections(self) -> set[str]:
        names = (file.split("/") for file in self.files)
        return {".".join(parts[1:3]) for parts in names if parts[0] == ROOT and len(parts) > 3}


def read(script: bytes) -> Payload | None:
    """Return what the script carries; None for a script of another make."""
    call = CALL.search(script)
    if call is None:
        return None
    try:
        archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(call["zip"])))
    except (binascii.Error, zipfile.BadZipFile):
        return None
    return Payload(call["module"].decode(), {info.filename: (info.CRC, info.file_size) for info in archive.infolist()})


def module_name(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class Files:
    """The files on this machine: Ansible's own, and the collections where Ansible would find them."""

    def __init__(self, site: Path, roots: list[str]) -> None:
        self._site, self._roots = site, roots
        self._loaded: dict[str, Sum] = {}
        self._collections: dict[str, Path | None] = {}

    def collection(self, name: str) -> Path | None:
        """Return the folder of a collection: the first root that has it, as in Ansible's own finder."""
        if name not in self._collections:
            folders = (Path(root, ROOT, *name.split(".")) for root in self._roots)
            self._collections[name] = next((folder for folder in folders if folder.is_dir()), None)
        return self._collections[name]

    def path(self, file: str) -> Path | None:
        top, *rest = file.split("/")
        if top == "ansible":
            return self._site / file
        folder = self.collection(".".join(rest[:2])) if top == ROOT and len(rest) > 2 else None
        return folder.joinpath(*rest[2:]) if folder else None

    def remember_loaded(self) -> None:
        """Note what each imported file was: it may be edited while we run."""
        for name in [name for name in sys.modules if name.startswith(("ansible.", ROOT + "."))]:
            for file in (name.replace(".", "/") + end for end in ("/__init__.py", ".py")):
                known = self._on_disk(file)
                if known and file not in self._loaded:
                    self._loaded[file] = known

    def different(self, payload: Payload) -> str:
        """Return the first file of the payload that is not ours, or ''."""
        return next((file for file, wanted in payload.files.items() if not self._same(file, wanted)), "")

    def _same(self, file: str, wanted: Sum) -> bool:
        if file in ALWAYS_DIFFERENT:
            return True
        found = self._loaded.get(file) or self._on_disk(file)
        # AnsiballZ adds the empty __init__.py of a package that has none.
        empty_package = wanted[1] == 0 and file.endswith("/__init__.py")
        return found == wanted or (found is None and empty_package)

    def _on_disk(self, file: str) -> Sum | None:
        path = self.path(file)
        try:
            data = path.read_bytes() if path else None
        except OSError:
            return None
        return None if data is None else (zlib.crc32(data), len(data))


def adopt(name: str, folder: Path | None) -> None:
    """Let `import ansible_collections.<name>` find the folder, with no other of that name beside it."""
    parent, _dot, leaf = name.rpartition(".")
    if name not in sys.modules:
        if parent:
            adopt(parent, None)
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = [str(folder)] if folder else []
        if parent:
            setattr(sys.modules[parent], leaf, package)


class OnlyPayload:
    """Hides the files of collections that are on disk but not in the payload: the module must not see more."""

    def __init__(self, payload: Payload) -> None:
        self._names = payload.modules
        for name in [name for name in sys.modules if name.startswith(ROOT + ".") and name not in self._names]:
            del sys.modules[name]

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name.startswith(ROOT + ".") and name not in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
