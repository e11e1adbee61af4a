"""A real kube-apiserver with etcd and Kubernetes' own controllers, where their programs are at hand."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bahnvision_lab import processes
from bahnvision_lab.errors import LabError
from bahnvision_lab.kubernetes.api.identity import User
from bahnvision_lab.postgres import free_port

APISERVER, ETCD, CONTROLLERS = "kube-apiserver", "etcd", "kube-controller-manager"
CONTROLLER_USER = "system:kube-controller-manager"
SERVICE_RANGE = "10.100.0.0/16"
PATIENCE = 120  # seconds until it must be ready: on a machine with much to do it takes half of them


def programs(*folders: Path) -> dict[str, Path]:
    """Where the programs are: KUBEBUILDER_ASSETS, then PATH, then `folders`; {} when no place has both servers."""
    places = [Path(one) for one in (os.environ.get("KUBEBUILDER_ASSETS"),) if one]
    on_path = shutil.which(APISERVER)
    places += [Path(on_path).parent] if on_path else []
    for place in (*places, *folders):
        found = {name: place / name for name in (APISERVER, ETCD, CONTROLLERS) if (place / name).is_file()}
        if APISERVER in found and ETCD in found:
            return found
    return {}


def version_of(found: dict[str, Path]) -> str:
    """1.35.4"""
    told = subprocess.run([found[APISERVER], "--version"], capture_output=True, text=True, timeout=60, check=True)
    return told.stdout.split()[-1].removeprefix("v")


@dataclass
class RealCluster:
    """Starts with `start`, ends with `close`. `certificate` holds server.crt and server.key, `authority` is the CA."""

    found: dict[str, Path]
    folder: Path
    certificate: Path
    authority: Path
    users: dict[str, User] = field(default_factory=dict)  # by token
    address: str = ""
    _running: list[processes.ProcessId] = field(default_factory=list)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._controllers = secrets.token_urlsafe(32)
        self._write_secrets()
        processes.give_to_servers(self.folder)
        try:
            store = self._etcd()
            self._api_server(store)
            if CONTROLLERS in self.found:
                self._controller_manager()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for one in reversed(self._running):
            processes.end(one, signal.SIGTERM, 5)
        self._running.clear()

    def _write_secrets(self) -> None:
        key = rsa.generate_private_key(65537, 2048)
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        self._write("accounts.key", text)
        users = {**self.users, self._controllers: User(CONTROLLER_USER, ("system:masters",))}
        rows = [f'{token},{one.name},{one.uid},"{",".join(one.groups)}"' for token, one in users.items()]
        self._write("tokens.csv", "\n".join([*rows, ""]).encode())

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(content)
        processes.give_to_servers(path)

    def _run(self, name: str, *options: str) -> None:
        """In the lab's own name it would be root; it dies with us."""
        argv = ["setpriv", "--pdeathsig", "KILL", str(self.found[name]), *options]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                processes.unprivileged(argv, self.folder), cwd=self.folder, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self._running.append(processes.identify(process.pid))

    def _etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _count in range(2))
        (self.folder / "etcd").mkdir(mode=0o700, exist_ok=True)
        processes.give_to_servers(self.folder / "etcd")
        self._run(
            ETCD, "--data-dir", str(self.folder / "etcd"), "--listen-client-urls", client,
            "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}", "--log-level", "warn", "--unsafe-no-fsync",
        )  # fmt: skip
        return client

    def _api_server(self, store: str) -> None:
        port = free_port()
        key = str(self.folder / "accounts.key")
        self.address = f"https://127.0.0.1:{port}"
        self._run(
            APISERVER, "--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", str(port),
            "--tls-cert-file", str(self.certificate / "server.crt"),
            "--tls-private-key-file", str(self.certificate / "server.key"), "--cert-dir", str(self.folder),
            "--token-auth-file", str(self.folder / "tokens.csv"), "--authorization-mode", "RBAC",
            "--service-cluster-ip-range", SERVICE_RANGE, "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-account-key-file", key, "--service-account-signing-key-file", key, "--allow-privileged=true",
            # On loopback there is no address to advertise; nodes here are ready from the beginning.
            "--endpoint-reconciler-type", "none", "--disable-admission-plugins", "TaintNodesByCondition",
            "--profiling=false",
        )  # fmt: skip
        self._wait_ready()

    def _wait_ready(self) -> None:
        context = ssl.create_default_context(cafile=self.authority)
        request = urllib.request.Request(f"{self.address}/readyz")  # noqa: S310 - https on loopback
        request.add_header("Authorization", f"Bearer {self._controllers}")
        deadline, last = time.monotonic() + PATIENCE, "no answer"
        while time.monotonic() < deadline and all(one.alive for one in self._running):
            try:
                with urllib.request.urlopen(request, timeout=5, context=context) as told:  # noqa: S310
                    if told.read() == b"ok":
                        return
            except urllib.error.HTTPError as problem:
                last = problem.read().decode(errors="replace")[-400:]
            except OSError as problem:
                last = str(problem)
            time.sleep(0.2)
        log = (self.folder / f"{APISERVER}.log").read_text(errors="replace")[-600:]
        raise LabError(f"kube-apiserver at {self.address} did not become ready: {last}; its log ends with: {log}")

    def _controller_manager(self) -> None:
        settings = {
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {
                "server": self.address, "certificate-authority": str(self.authority)}}],
            "users": [{"name": "lab", "user": {"token": self._controllers}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        }  # fmt: skip
        self._write("controllers.kubeconfig", json.dumps(settings).encode())
        self._run(
            CONTROLLERS, "--kubeconfig", str(self.folder / "controllers.kubeconfig"), "--secure-port", "0",
            "--service-account-private-key-file", str(self.folder / "accounts.key"),
            "--root-ca-file", str(self.authority), "--leader-elect=false",
            # Nodes here have no kubelet that would renew its lease.
            "--controllers", "*,-node-lifecycle-controller",
        )  # fmt: skip
