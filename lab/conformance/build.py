"""Build a real Kubernetes API server, its controllers and etcd through a Go module proxy, into a folder.

    python lab/conformance/build.py 1.35.4 FOLDER

k8s.io/kubernetes cannot be `go install`ed: its go.mod asks for the modules of its staging tree at v0.0.0 and replaces
them by folders, and replacements of a dependency are ignored. A wrapper module repeats its requirements and replaces
them by the published tags instead (v1.35.4 <-> v0.35.4). etcd comes from the same graph, at the release Kubernetes
itself is tested with. Every module is held against the Go checksum database, which the proxy passes on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CORE = "k8s.io/kubernetes"
BINARIES = {
    "kube-apiserver": f"{CORE}/cmd/kube-apiserver",
    "kube-controller-manager": f"{CORE}/cmd/kube-controller-manager",
    "etcd": "go.etcd.io/etcd/server/v3",
}
STAMPED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


def wrapper(core: str, version: str) -> str:
    """The go.mod of a module that requires what Kubernetes' own go.mod requires, from published tags."""
    library = "v0." + version.partition(".")[2]
    staging = re.findall(r"^\s*(?:replace )?(k8s\.io/[\w.-]+) => \./staging/", core, re.M)
    if "k8s.io/apiserver" not in staging:
        raise SystemExit(f"the go.mod of {CORE} v{version} replaces no folders of staging: look at its shape")
    head = re.sub(r"^module .*$", "module lab/kubernetes", core.partition("\nreplace ")[0], count=1, flags=re.M)
    head = re.sub(r"^(\s*k8s\.io/[\w.-]+) v0\.0\.0$", rf"\1 {library}", head, flags=re.M)
    lines = "".join(f"\t{name} => {name} {library}\n" for name in staging)
    return f"{head}\nrequire {CORE} v{version}\n\nreplace (\n{lines})\n"


def stamps(version: str) -> str:
    major, minor = version.split(".")[:2]
    told = {
        "gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean",
        "gitCommit": "built-from-the-module-proxy", "buildDate": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    return " ".join(["-s -w", *(f"-X {place}.{key}={value}" for place in STAMPED for key, value in told.items())])


def build(version: str, folder: Path) -> None:
    if shutil.which("go") is None:
        raise SystemExit("no Go toolchain in PATH; Kubernetes says in its go.mod which one it wants")
    work = folder / "source"
    work.mkdir(parents=True, exist_ok=True)
    # An absolute cache: the modules go where `make clean` finds them, not into somebody's home.
    paths = {"GOMODCACHE": str(folder / "modules"), "GOCACHE": str(folder / "build")}
    environment = {**os.environ, "GOFLAGS": "-mod=mod -modcacherw -p=2", "CGO_ENABLED": "0", "GOWORK": "off", **paths}

    def go(*arguments: str) -> str:
        done = subprocess.run(
            ["nice", "-n", "10", "go", *arguments],
            cwd=work, env=environment, stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"`go {' '.join(arguments[:2])} ...` in {work} ended with {done.returncode}")
        return done.stdout

    (work / "go.mod").write_text("module lab/kubernetes\n")
    told = json.loads(go("mod", "download", "-json", f"{CORE}@v{version}"))
    (work / "go.mod").write_text(wrapper(Path(told["GoMod"]).read_text(), version))
    # Kubernetes' own sums: a module that is not the one they tested is refused without asking anybody.
    shutil.copy(Path(told["Dir"]) / "go.sum", work / "go.sum")
    (work / "go.sum").chmod(0o644)
    for name, package in BINARIES.items():
        print(f"building {name} {version} ...", flush=True)
        go("build", "-trimpath", "-ldflags", stamps(version), "-o", str(folder / "made" / name), package)
    ready = folder / "bin"
    shutil.rmtree(ready, ignore_errors=True)
    (folder / "made").rename(ready)


if __name__ == "__main__":
    build(sys.argv[1], Path(sys.argv[2]).resolve())
