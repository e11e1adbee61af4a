"""Check a request's signature (SigV4), with botocore's own signer. moto takes any."""

from __future__ import annotations

import hmac
import io
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bahnvision_lab.aws.naming import Call


def is_genuine(environ: dict[str, Any], call: Call, secret_access_key: str) -> bool:
    """Tell whether the signature in the Authorization header was made with this secret.

    A presigned address carries its signature in the query and is not checked.
    """
    header = environ.get("HTTP_AUTHORIZATION", "")
    if not header.startswith("AWS4-HMAC-SHA256"):
        return True
    fields = dict(part.strip().split("=", 1) for part in header.partition(" ")[2].split(",") if "=" in part)
    credentials = Credentials(call.access_key_id, secret_access_key)
    signer = (S3SigV4Auth if call.service == "s3" else SigV4Auth)(credentials, call.service, call.region)
    request = _rebuilt(environ, fields.get("SignedHeaders", "").split(";"))
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return hmac.compare_digest(signer.signature(text, request), fields.get("Signature", ""))


def _rebuilt(environ: dict[str, Any], signed: list[str]) -> AWSRequest:
    """Return the request with just the headers that were signed."""
    names = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
    headers = {name: environ.get(names.get(name) or "HTTP_" + name.upper().replace("-", "_"), "") for name in signed}
    body = b""
    if "x-amz-content-sha256" not in headers:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
    target = environ.get("RAW_URI") or environ["PATH_INFO"]
    request = AWSRequest(environ["REQUEST_METHOD"], f"http://{environ['HTTP_HOST']}{target}", headers, body)
    request.context["timestamp"] = environ.get("HTTP_X_AMZ_DATE", "")
    return request
