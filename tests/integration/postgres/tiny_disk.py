"""A disk of a few megabytes: a small file system in memory, which only root can mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bahnvision_lab import processes


@contextmanager
def tiny_disk(folder: Path, size: str, *options: str, for_server: bool = False) -> Iterator[Path]:
    """Mount it on the folder; skip the test, with the kernel's reason, where that is forbidden."""
    folder.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", ",".join((f"size={size}", *options)), "tmpfs", str(folder))
    try:
        if for_server:
            processes.give_to_servers(folder)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=30)


def grow(folder: Path, size: str) -> None:
    mount("-o", f"remount,size={size}", str(folder))


def fill(folder: Path, leave: int) -> Path:
    """Take what is free but for `leave` bytes."""
    file = folder / "ballast"
    status = subprocess.run(["df", "--output=avail", "-B1", str(folder)], capture_output=True, text=True, check=True)
    file.write_bytes(b"\0" * max(int(status.stdout.split()[-1]) - leave, 0))
    return file


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
