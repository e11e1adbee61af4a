"""Hold the lab's Kubernetes against a real API server: every probe manifest and every flow, on both.

    make conformance [RECORD=yes]        # it sets PYTHONPATH=lab/tests, where the conversations are

The real one's programs are looked for in KUBEBUILDER_ASSETS, on PATH and in .cache/conformance; else they are built
there, once, through the Go module proxy. A disagreement that known-differences.yml gives no reason for fails the run,
and so does a conversation that was not held to its end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bahnvision_lab.certificates import Authority
from bahnvision_lab.kubernetes.real import CONTROLLERS, RealCluster, programs, version_of
from kube_compare import known
from kube_talks import every, names
from kube_verdict import Conversations, verdict
from kube_world import USERS, Client, running_cluster, wait_for

import build

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VERSION = "1.35.4"  # of those that EKS offers
CACHE = ROOT / ".cache/conformance"
REPORT = ROOT / "build/conformance.json"


def at_hand(version: str) -> dict[str, Path]:
    folder = CACHE / version
    found = programs(folder / "bin")
    if not found:
        print(f"no kube-apiserver and etcd at hand: building {version} in {folder} (ten minutes, once)", flush=True)
        build.build(version, folder)
        found = programs(folder / "bin")
    if CONTROLLERS not in found:
        raise SystemExit(f"{found['kube-apiserver'].parent} has no {CONTROLLERS}: accounts, roll-outs and Jobs need it")
    return found


@contextlib.contextmanager
def real_cluster(found: dict[str, Path], folder: Path) -> Iterator[Client]:
    authority = Authority(folder / "ca")
    authority.issue(folder)
    bundle = folder / "bundle.pem"
    bundle.write_bytes(authority.bundle.read_bytes())
    cluster = RealCluster(found, folder / "real", folder, bundle, USERS)
    cluster.start()
    try:
        yield Client(cluster, str(bundle))
    finally:
        cluster.close()


def held(client: Client, name: str) -> Conversations:
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    wait_for(lambda: client.ask("GET", account).ok, "the default account")
    print(f"talking to {name} at {client.address} ...", flush=True)
    return dict(every(client))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default=VERSION, help=f"of Kubernetes, to build when none is at hand ({VERSION})")
    parser.add_argument("--record", action="store_true", help="write down what the real server says, for make test")
    arguments = parser.parse_args()
    found = at_hand(arguments.version)
    version = version_of(found)
    with tempfile.TemporaryDirectory(prefix="conformance-") as text:
        folder = Path(text)
        folder.chmod(0o755)
        with real_cluster(found, folder) as client:
            real = held(client, f"kube-apiserver {version}")
        (folder / "lab").mkdir()
        with running_cluster(folder / "lab", nodes=0, minor=version.rpartition(".")[0]) as client:
            ours = held(client, "the lab's Kubernetes")
    return judged(version, real, ours, arguments.record)


def judged(version: str, real: Conversations, ours: Conversations, record: bool) -> int:
    found = verdict(version, names(), real, ours, known())
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"version": version, "flaws": found.flaws, "rows": found.rows}, indent=1))
    print(f"{found.told()}; all of it in {REPORT.relative_to(ROOT)}")
    if record:
        for old in HERE.glob("recorded-*.json"):
            old.unlink()
        target = HERE / f"recorded-{version}.json"
        target.write_text(json.dumps(real, indent=0, sort_keys=True, ensure_ascii=False) + "\n")
        print(f"recorded in {target.relative_to(ROOT)}")
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
