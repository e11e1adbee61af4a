"""One line per request to the AWS API, so that a test can tell what was asked and whether anything was written."""

from __future__ import annotations

import json
import os
import re
import threading
from datetime import UTC, datetime
from pathlib import Path

from bahnvision_lab.aws.naming import Call

_CODE = re.compile(
    rb"<Code>([^<]+)</Code>|\"__type\"\s*:\s*\"(?:[^\"#]*#)?([^\"]+)\"|\"code\"\s*:\s*\"([^\"]+)\"", re.I
)


class RequestLog:
    """Appends JSON lines. Only names and results: neither parameters nor bodies, which hold passwords."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", buffering=1)

    def write(self, call: Call, status: int, error: str | None, seconds: float) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "service": call.service,
            "operation": call.operation,
            "region": call.region,
            "write": call.is_write,
            "status": status,
            "error": error,
            "ms": round(seconds * 1000, 1),
        }
        with self._lock:
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        self._file.close()


def error_code(body: bytes, header: str | None) -> str | None:
    """Return the error code of an answer, in whichever of AWS's formats it is."""
    if header:
        return header.partition(":")[0].rpartition("#")[2]
    found = _CODE.search(body)
    return next(group for group in found.groups() if group).decode() if found else None
