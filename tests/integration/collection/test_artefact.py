"""What a user gets from Galaxy: all of the collection, and nothing of the workshop."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
SHIPPED = {
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "group_vars",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "requirements.yml",
    "roles",
    "site.yml",
}


def run(*argv: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in argv], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def artefact(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("artefact")
    run(BIN / "ansible-galaxy", "collection", "build", "--output-path", folder)
    return next(folder.glob("bahnvision-aws-*.tar.gz"))


def test_nothing_of_the_workshop_ships(artefact):
    with tarfile.open(artefact) as archive:
        top = {name.split("/")[0] for name in archive.getnames()}
        assert sum(member.size for member in archive.getmembers()) < 5_000_000
    assert top <= SHIPPED, f"unexpected: {sorted(top - SHIPPED)}"
    assert {"plugins", "roles", "playbooks", "meta", "MANIFEST.json", "LICENSE", "README.md"} <= top


def test_every_module_and_role_of_the_artefact_is_documented(artefact, tmp_path):
    no_settings = tmp_path / "ansible.cfg"
    no_settings.touch()
    # Without the checkout's own settings: with them the collection would count as installed already.
    elsewhere = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path), "ANSIBLE_CONFIG": str(no_settings)}
    install = (BIN / "ansible-galaxy", "collection", "install", "--no-deps", "--collections-path", tmp_path, artefact)
    assert "was installed successfully" in run(*install, **elsewhere)
    listed = run(BIN / "ansible-doc", "--list", "bahnvision.aws", **elsewhere)
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert {line.split()[0].removeprefix("bahnvision.aws.") for line in listed.splitlines() if line} == modules
    for kind, names in (("module", modules), ("role", {path.name for path in (ROOT / "roles").iterdir()})):
        for name in names:
            assert (
                name.upper() in run(BIN / "ansible-doc", "--type", kind, f"bahnvision.aws.{name}", **elsewhere).upper()
            )
