"""Stable endpoints in front of servers that come and go: it plays DNS, and the network between two servers.

A process of its own: the API's threads must not stand in the way of the data.
"""

from __future__ import annotations

from bahnvision_lab.router.client import Address, Router

__all__ = ["Address", "Router"]
