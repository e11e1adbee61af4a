"""Which operation of which service a request is, told from the request alone."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import botocore.session
from moto.core.request import Request
from moto.core.routing import NotFound, get_service_router
from moto.core.utils import get_service_model

# Operations that change nothing. What is not known to be a read counts as a write.
READS = (
    "Describe", "List", "Get", "Head", "BatchGet", "BatchDescribe", "Search", "Lookup", "Query", "Scan", "Select",
    "Simulate", "Validate", "Verify", "Decode", "Check", "Estimate", "Preview", "Assume", "Can",
)  # fmt: skip
# Where the name a request is signed with is not the name of the service's model in botocore.
MODELS = {
    "aoss": ("opensearchserverless",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "aps": ("amp",),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2", "elb"),
    "email": ("sesv2", "ses"),
    "es": ("opensearch", "es"),
    "execute-api": ("apigatewaymanagementapi",),
    "monitoring": ("cloudwatch",),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Call:
    """One request, as far as its head and form fields tell."""

    service: str = ""
    operation: str = ""
    region: str = ""
    access_key_id: str = ""
    dry_run: bool = False

    @property
    def is_write(self) -> bool:
        return not self.dry_run and not self.operation.startswith(READS)

    @property
    def model(self) -> str:
        """The name of the service's model in botocore, "" when it has none."""
        return _models(self.service)[0] if _models(self.service) else ""


def read_call(environ: dict[str, Any]) -> Call:
    """Name the request. The body of a form is read and put back."""
    call = _from_credential(environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return replace(call, operation=target.rpartition(".")[2])
    form = _form(environ)
    if "Action" in form:
        return replace(call, operation=form["Action"], dry_run=form.get("DryRun") == "true")
    return _from_route(call, environ)


def _from_credential(environ: dict[str, Any]) -> Call:
    """Read <key>/<date>/<region>/<service>/aws4_request from the header or from a presigned address."""
    scope = ""
    header = environ.get("HTTP_AUTHORIZATION", "")
    if "Credential=" in header:
        scope = header.partition("Credential=")[2].partition(",")[0]
    else:
        scope = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    parts = scope.split("/")
    if len(parts) != 5:
        return Call()
    return Call(service=parts[3], region=parts[2], access_key_id=parts[0])


def _form(environ: dict[str, Any]) -> dict[str, str]:
    fields = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if environ.get("CONTENT_TYPE", "").startswith(FORM):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        fields.update(parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True))
    return {name: values[0] for name, values in fields.items()}


def _from_route(call: Call, environ: dict[str, Any]) -> Call:
    """REST services have no action: botocore's model knows which method and path is which operation."""
    # S3's router takes a first label that is not localhost or an address for a bucket's name.
    request = Request(dict(environ, **{"wsgi.input": io.BytesIO()}))
    for model in _models(call.service):
        try:
            operation, _parameters = get_service_router(model).match(request)
        except (NotFound, NotImplementedError):
            continue
        return replace(call, operation=str(operation.name))
    return call


def operations_of(service: str) -> frozenset[str]:
    """Return the operations of a service by the name that requests are signed with; none when it is unknown."""
    return frozenset(name for model in _models(service) for name in get_service_model(model).operation_names)


def _models(service: str) -> tuple[str, ...]:
    if service in MODELS:
        return MODELS[service]
    return (service,) if service in botocore_services() else ()


@cache
def botocore_services() -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_available_services())
