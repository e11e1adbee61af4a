# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AWS API call: retried inside, its error translated outside.

Botocore's own retries are switched off for our clients (module.py), so that the attempts below are all
there are, every throttling code is among them, and a deadline means what it says.
"""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

# Without botocore AnsibleAWSModule fails with the reason, before any call is made.
with contextlib.suppress(ImportError):
    import jmespath  # type: ignore[import-untyped]
    from botocore import exceptions as botocore_exceptions
    from botocore.loaders import create_loader

# The service refused without acting: a repetition cannot do anything twice.
THROTTLED = frozenset({
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "Unavailable",
})  # fmt: skip
# The service failed: it may have acted before it did.
BROKEN = frozenset({"InternalError", "InternalFailure", "InternalServerError"})
CREATES = ("allocate_", "create_", "copy_", "import_", "issue_", "purchase_", "request_", "restore_", "run_", "start_")
# Botocore may refuse for lack of credentials in several ways, each with a name of its own.
NO_CREDENTIALS = frozenset({
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "UnauthorizedSSOTokenError",
    "SSOTokenLoadError", "TokenRetrievalError", "ProfileNotFound",
})  # fmt: skip
HINTS = {
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"),
        "the identity in use lacks this permission; the README of the role lists the actions it needs",
    ),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"), "the session has expired; log in again and repeat"
    ),
    **dict.fromkeys(
        ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "SignatureDoesNotMatch"),
        "AWS does not know these credentials; check profile, keys and the clock of this machine",
    ),
    **dict.fromkeys(NO_CREDENTIALS, "no usable credentials; log in (aws sso login) or set AWS_PROFILE"),
}


@dataclass(frozen=True)
class Patience:
    """How long one call is repeated: full jitter between 0 and base * 2^n, at most `cap` seconds apart."""

    attempts: int = 12
    seconds: float = 180
    base: float = 0.3
    cap: float = 15
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float, float], float] = random.uniform

    def pause(self, attempt: int, start: float) -> float | None:
        """Return the seconds to sleep after this attempt, or None when attempts or time are used up."""
        pause = self.jitter(0, min(self.cap, self.base * 2**attempt))
        late = self.clock() - start + pause > self.seconds
        return None if late or attempt == self.attempts - 1 else pause


DEFAULT = Patience()


def call(
    client: Any,
    operation: str,
    what: str,
    *,
    missing: Collection[str] = (),
    eventual: Collection[str] = (),
    found: Callable[[], dict[str, Any] | None] | None = None,
    repeatable: bool = False,
    patience: Patience | None = None,
    **params: Any,
) -> Any:
    """Call one operation and return its answer, or None when it ends with a code of `missing`.

    `what` completes "cannot ...". `eventual` are codes that pass by themselves, such as the NotFound of an
    object made a second ago. When the answer to a creation is lost, a repetition could make a second object:
    operations with a client token are repeated with the same token; others ask `found()`, which looks for
    what the lost call may have made; without it the error is raised and a new run finds what there is.
    `repeatable` says of a creation that it cannot do harm twice (tags, routes).
    """
    patience = patience or DEFAULT
    token = _token_member(client, operation)
    # Botocore would make a new token for each attempt.
    params = {**({token: str(uuid.uuid4())} if token else {}), **params}
    repeatable = repeatable or bool(token) or not operation.startswith(CREATES)
    start = patience.clock()
    for attempt in range(patience.attempts):
        try:
            return getattr(client, operation)(**params)
        except (botocore_exceptions.ClientError, botocore_exceptions.BotoCoreError) as problem:
            if error_code(problem) in missing:
                return None
            lost = _may_have_acted(problem) and not repeatable
            _refuse_repetition(problem, what, eventual, lost and found is None)
            pause = patience.pause(attempt, start)
            if pause is None:
                raise translated(problem, what, f"given up after {attempt + 1} attempts") from problem
        patience.sleep(pause)
        made = found() if lost and found is not None else None
        if made is not None:
            return made
    raise AssertionError("unreachable: the last attempt returns or raises")


def _refuse_repetition(problem: Exception, what: str, eventual: Collection[str], blind: bool) -> None:
    """Raise what no repetition would cure, and what a `blind` repetition could do twice."""
    passing = _may_have_acted(problem) or _refused_for_now(problem) or error_code(problem) in eventual
    if not passing:
        raise translated(problem, what) from problem
    if blind:
        raise ResourceError(
            f"cannot {what}: the answer was lost ({_text(problem)}); run again, what was made will be found"
        ) from problem


def pages(
    client: Any, operation: str, key: str, what: str, *, missing: Collection[str] = (), **params: Any
) -> list[Any]:
    """Return the items under `key` ("A" or "A.B") of all pages; [] when the answer is a code of `missing`."""
    items: list[Any] = []
    token: dict[str, Any] = {}
    while True:
        page = call(client, operation, what, missing=missing, **{**params, **token})
        if page is None:
            return items
        found: Any = page
        around = page
        for part in key.split("."):
            around, found = found, found.get(part) or {}
        items.extend(found or [])
        modelled = _paging(client, operation)
        following = _modelled_page(modelled, page, what) if modelled else _next_page({**around, **page}, what)
        if following and following == token:
            raise ResourceError(f"cannot {what}: AWS returned the same page token twice")
        if not following:
            return items
        token = following


def _paging(client: Any, operation: str) -> dict[str, Any]:
    """Return what botocore knows of the operation's pages; {} when it knows nothing, or the client is no client."""
    meta = getattr(client, "meta", None)
    if meta is None:
        return {}
    name = meta.method_to_api_mapping.get(operation, "")
    return _paging_models(meta.service_model.service_name).get(name, {})


@cache
def _paging_models(service: str) -> dict[str, Any]:
    with contextlib.suppress(botocore_exceptions.DataNotFoundError):
        return create_loader().load_service_model(service, "paginators-1")["pagination"]
    return {}


def _modelled_page(model: dict[str, Any], page: dict[str, Any], what: str) -> dict[str, Any]:
    """Return the token of the next page, wherever in the answer the model says that it is."""
    more = model.get("more_results")
    if more and not jmespath.search(more, page):
        return {}
    ways = [model[key] if isinstance(model[key], list) else [model[key]] for key in ("input_token", "output_token")]
    tokens = {request: jmespath.search(answer, page) for request, answer in zip(*ways, strict=True)}
    tokens = {request: token for request, token in tokens.items() if token}
    if more and not tokens:
        raise ResourceError(f"cannot {what}: the answer is truncated and has no page token")
    return tokens


def _next_page(page: dict[str, Any], what: str) -> dict[str, Any]:
    """Return the token of the next page, under the names that AWS mostly uses."""
    for answer, request in (
        ("NextToken", "NextToken"), ("nextToken", "nextToken"), ("Marker", "Marker"), ("NextMarker", "Marker"),
    ):  # fmt: skip
        if page.get(answer) and page.get("IsTruncated", True):
            return {request: page[answer]}
    if page.get("IsTruncated"):
        raise ResourceError(f"cannot {what}: the answer is truncated and has no page token that we know")
    return {}


def error_code(problem: Exception) -> str:
    """Return AWS's code of an error, or the name of botocore's exception."""
    response = getattr(problem, "response", None) or {}
    return response.get("Error", {}).get("Code") or type(problem).__name__


def translated(problem: Exception, what: str, addition: str = "") -> ResourceError:
    """Return the error to raise in place of botocore's, with what to do about it where we know."""
    code = error_code(problem)
    tail = "".join(f" ({text})" for text in (addition, HINTS.get(code, "")) if text)
    return ResourceError(f"cannot {what}: {_text(problem)}{tail}", error_code=code)


def _text(problem: Exception) -> str:
    response = getattr(problem, "response", None) or {}
    message = response.get("Error", {}).get("Message") or str(problem)
    return f"{error_code(problem)}: {message}"


def _status(problem: Exception) -> int:
    response = getattr(problem, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def _refused_for_now(problem: Exception) -> bool:
    """True when the request cannot have acted and may succeed later."""
    never_sent = (
        botocore_exceptions.EndpointConnectionError,
        botocore_exceptions.ConnectTimeoutError,
        botocore_exceptions.ProxyConnectionError,
    )
    return error_code(problem) in THROTTLED or isinstance(problem, never_sent)


def _may_have_acted(problem: Exception) -> bool:
    """True when the request may have been carried out although its answer is an error, or none."""
    if _refused_for_now(problem) or error_code(problem) in HINTS:
        return False
    broken = error_code(problem) in BROKEN or (_status(problem) >= 500 and _status(problem) != 501)
    lost = (
        botocore_exceptions.ConnectionClosedError,
        botocore_exceptions.ReadTimeoutError,
        botocore_exceptions.ResponseStreamingError,
    )
    return broken or isinstance(problem, lost)


def _token_member(client: Any, operation: str) -> str:
    """Return the parameter that makes the operation safe to repeat, or ""."""
    model = getattr(client, "meta", None)
    if model is None:
        return ""
    name = model.method_to_api_mapping.get(operation)
    members = model.service_model.operation_model(name).idempotent_members if name else []
    return members[0] if members else ""
