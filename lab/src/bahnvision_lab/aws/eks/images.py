"""Which images do not run, and why."""

from __future__ import annotations

import re

from bahnvision_lab.faults import Faults

_REFERENCE = re.compile(
    r"([a-zA-Z0-9.-]+(:\d+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)


class Images:
    """No registry is asked: a registry under .invalid never answers (RFC 2606), and faults name others."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def trouble(self, image: str) -> str:
        """Return ErrImagePull, InvalidImageName, CrashLoopBackOff or ReadinessFailed; "" for an image that runs."""
        if not _REFERENCE.fullmatch(image):
            return "InvalidImageName"
        named = self._faults.image_trouble(image)
        if named:
            return named
        host = image.partition("/")[0].partition(":")[0]
        return "ErrImagePull" if host.endswith(".invalid") else ""
