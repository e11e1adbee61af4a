"""The commands `lab kubeconfig` and `lab eks-token`: a person's kubectl in a cluster of the lab.

What they write is as `aws eks update-kubeconfig` and `aws eks get-token` have it: no secret lies in the file, kubectl
asks for a token when it needs one.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bahnvision_lab.errors import LabError
from bahnvision_lab.state import VARIABLE, State

LIFE = timedelta(minutes=14)  # the token is good for 15


def add_parser(commands: Any) -> None:
    config = commands.add_parser("kubeconfig", help="a kubeconfig for a cluster of the lab, for kubectl and helm")
    config.add_argument("--output", metavar="FILE", type=Path, help="write it there; to a new file or one of ours")
    config.set_defaults(func=_kubeconfig)
    token = commands.add_parser("eks-token", help="a token for a cluster of the lab, as kubectl asks for it")
    token.set_defaults(func=_token)
    for command in (config, token):
        command.add_argument("--cluster", metavar="NAME", help="which; it may be left out when there is one only")


def _kubeconfig(arguments: argparse.Namespace) -> int:
    state = State.default()
    status = state.read_status()
    name = _chosen(status, arguments.cluster)
    text = yaml.safe_dump(kubeconfig(name, status, state), sort_keys=False)
    if arguments.output is None:
        print(text, end="")
        return 0
    _write(arguments.output, text)
    print(f"{arguments.output} leads to {name}: KUBECONFIG={arguments.output} kubectl get nodes")
    return 0


def kubeconfig(name: str, status: dict[str, Any], state: State) -> dict[str, Any]:
    bundle = Path(status["ca_bundle"]).read_bytes()
    called = f"lab-{name}"
    ask = {
        "apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable,
        "args": ["-m", "bahnvision_lab.cli", "eks-token", "--cluster", name],
        "env": [{"name": VARIABLE, "value": str(state.folder)}], "interactiveMode": "Never",
    }  # fmt: skip
    server = {"server": status["clusters"][name]["endpoint"],
              "certificate-authority-data": base64.b64encode(bundle).decode()}  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": called,
        "clusters": [{"name": called, "cluster": server}],
        "users": [{"name": called, "user": {"exec": ask}}],
        "contexts": [{"name": called, "context": {"cluster": called, "user": called}}],
    }  # fmt: skip


def _write(path: Path, text: str) -> None:
    """A kubeconfig of somebody's is not overwritten."""
    if path.exists():
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            ours = all(one["name"].startswith("lab-") for one in found.get("clusters") or ())
        except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeDecodeError):
            ours = False
        if not ours:
            raise LabError(f"{path} holds something else: name a new file with --output")
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    fresh.replace(path)


def _token(arguments: argparse.Namespace) -> int:
    status = State.default().read_status()
    name = _chosen(status, arguments.cluster)
    until = datetime.now(UTC) + LIFE
    told = {"expirationTimestamp": until.strftime("%Y-%m-%dT%H:%M:%SZ"), "token": token(name, status["aws"])}
    print(json.dumps({
        "apiVersion": _asked_in(), "kind": "ExecCredential", "spec": {}, "status": told,
    }))  # fmt: skip
    return 0


def _asked_in() -> str:
    """The version in which kubectl asks: it takes no other, and a kubeconfig may name v1beta1, as AWS's do."""
    try:
        return str(json.loads(os.environ["KUBERNETES_EXEC_INFO"])["apiVersion"])
    except (KeyError, ValueError, TypeError):
        return "client.authentication.k8s.io/v1"


def token(name: str, aws: dict[str, Any]) -> str:
    """Sign as the lab's own administrator. The address is EKS's: the lab checks the signature, nobody calls it."""
    request = AWSRequest("GET", f"https://sts.{aws['region']}.amazonaws.com/", {"x-k8s-aws-id": name})
    request.params = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    keys = Credentials(aws["access_key_id"], aws["secret_access_key"])
    SigV4QueryAuth(keys, "sts", aws["region"], expires=60).add_auth(request)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(request.url.encode()).decode().rstrip("=")


def _chosen(status: dict[str, Any], wanted: str | None) -> str:
    if not status["running"]:
        raise LabError("the lab is not running: lab up")
    names = sorted(status["clusters"])
    if wanted is None and len(names) == 1:
        return str(names[0])
    if wanted in names:
        return str(wanted)
    there = ", ".join(names) or "none"
    raise LabError(f"there is no cluster {wanted}; there are: {there}" if wanted
                   else f"name a cluster with --cluster; there are: {there}")  # fmt: skip
