"""Hold the lab's Kubernetes against a real API server: every probe manifest and every flow, on both.

    make conformance                        # or: .venv/bin/python lab/conformance/run.py [--record]

The real one's programs are looked for in KUBEBUILDER_ASSETS, on PATH and in .cache/conformance; else they are built
there, once, through the Go module proxy. A disagreement that known-differences.yml gives no reason for fails the run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import build  # noqa: E402
from bahnvision_lab.certificates import Authority  # noqa: E402
from bahnvision_lab.kubernetes.real import RealCluster, programs, version_of  # noqa: E402
from kube_compare import Known, Said, disagreements, known  # noqa: E402
from kube_talks import every  # noqa: E402
from kube_world import USERS, Client, running_cluster, wait_for  # noqa: E402

VERSION = "1.35.4"  # of those that EKS offers
CACHE = ROOT / ".cache/conformance"
REPORT = ROOT / "build/conformance.json"
Conversations = dict[str, dict[str, Said]]


def at_hand(version: str) -> dict[str, Path]:
    folder = CACHE / version
    found = programs(folder / "bin")
    if not found:
        print(f"no kube-apiserver and etcd at hand: building {version} in {folder} (ten minutes, once)", flush=True)
        build.build(version, folder)
        found = programs(folder / "bin")
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


def counted(real: Conversations, ours: Conversations, told: Known) -> list[dict[str, Any]]:
    """One row per conversation."""
    rows = []
    for name, steps in real.items():
        found = disagreements(name, steps, ours[name], told)
        rows.append({
            "kind": name.partition(" ")[0], "name": name, "steps": len(steps), "agrees": not found,
            "disagreements": [{"at": at, "real": one, "ours": other} for at, one, other in found],
        })  # fmt: skip
    return rows


def table(version: str, rows: list[dict[str, Any]]) -> str:
    lines = [f"{'against kube-apiserver ' + version:34} {'all':>6} {'agree':>6} {'differ':>6} {'steps':>6}"]
    for kind in ("probe", "flow"):
        told = [row for row in rows if row["kind"] == kind]
        agree = sum(row["agrees"] for row in told)
        steps = sum(row["steps"] for row in told)
        lines.append(f"{kind + 's':34} {len(told):6} {agree:6} {len(told) - agree:6} {steps:6}")
    return "\n".join(lines)


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
    return told(version, real, ours, arguments.record)


def told(version: str, real: Conversations, ours: Conversations, record: bool) -> int:
    reasons = known()
    rows = counted(real, ours, reasons)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"version": version, "rows": rows}, indent=1))
    for row in rows:
        for one in row["disagreements"]:
            print(f"  {one['at']}\n    real: {shown(one['real'])}\n    lab:  {shown(one['ours'])}")
    stale = [entry["at"] for entry in reasons.entries if entry["at"] not in reasons.met]
    for at in stale:
        print(f"  known-differences.yml: {at} no longer differs; take it out")
    print(table(version, rows))
    print(f"known differences met: {len(reasons.met)}; all of it in {REPORT.relative_to(ROOT)}")
    if record:
        for old in HERE.glob("recorded-*.json"):
            old.unlink()
        target = HERE / f"recorded-{version}.json"
        target.write_text(json.dumps(real, indent=0, sort_keys=True, ensure_ascii=False) + "\n")
        print(f"recorded in {target.relative_to(ROOT)}")
    return 1 if stale or Counter(row["agrees"] for row in rows)[False] else 0


def shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 300 else text[:300] + " ..."


if __name__ == "__main__":
    sys.exit(main())
