# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's bearer tokens: an address of STS, signed in advance. Pure: no botocore, whose import costs more than the rest.

The signature: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
The token: https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

PREFIX = "k8s-aws-v1."
URL_SECONDS = "60"  # EKS takes the token for 15 minutes from its date, whatever the address says
CLUSTER = "x-k8s-aws-id"
GLOBAL = "sts.amazonaws.com"


@dataclass(frozen=True)
class Signer:
    """Whose token it is, and which STS vouches for it."""

    access_key: str
    secret_key: str
    session_token: str
    region: str
    endpoint_url: str


def token(signer: Signer, cluster: str, now: datetime) -> str:
    """Return the bearer token for `cluster`. `now` is in UTC."""
    address = presigned(signer, cluster, now)
    return PREFIX + base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")


def presigned(signer: Signer, cluster: str, now: datetime) -> str:
    """Return the address of GetCallerIdentity, good only together with the cluster's name."""
    endpoint = urlsplit(signer.endpoint_url)
    host, path = _host(signer.endpoint_url), quote(endpoint.path or "/", safe="/~")
    date = now.strftime("%Y%m%dT%H%M%SZ")
    # The endpoint without a region belongs to us-east-1.
    scope = (date[:8], "us-east-1" if host == GLOBAL else signer.region, "sts", "aws4_request")
    query = {
        "Action": "GetCallerIdentity", "Version": "2011-06-15",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": "/".join((signer.access_key, *scope)),
        "X-Amz-Date": date, "X-Amz-Expires": URL_SECONDS, "X-Amz-SignedHeaders": f"host;{CLUSTER}",
    }  # fmt: skip
    if signer.session_token:
        query["X-Amz-Security-Token"] = signer.session_token
    told = "&".join(f"{_quoted(name)}={_quoted(query[name])}" for name in sorted(query))
    canonical = "\n".join((
        "GET", path, told, f"host:{host}", f"{CLUSTER}:{cluster}", "", f"host;{CLUSTER}",
        hashlib.sha256(b"").hexdigest(),
    ))  # fmt: skip
    text = "\n".join(("AWS4-HMAC-SHA256", date, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_key(signer.secret_key, scope), text.encode(), hashlib.sha256).hexdigest()
    return f"{endpoint.scheme}://{host}{path}?{told}&X-Amz-Signature={signature}"


def _host(address: str) -> str:
    """Return the Host header: without the port when it is the scheme's own."""
    endpoint = urlsplit(address)
    usual = {"https": 443, "http": 80}.get(endpoint.scheme)
    name = f"[{endpoint.hostname}]" if ":" in (endpoint.hostname or "") else (endpoint.hostname or "")
    return name if endpoint.port in (None, usual) else f"{name}:{endpoint.port}"


def _key(secret: str, scope: tuple[str, ...]) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
