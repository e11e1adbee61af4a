# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which further ranges AWS lets a VPC have, and which ones the user has forbidden. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.cidr import FORBIDDEN, Network, parse

BLOCK_10, BLOCK_172, BLOCK_192 = (Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
PRIVATE = (BLOCK_10, BLOCK_172, BLOCK_192)
# AWS uses it inside itself.
INTERNAL = Network("198.19.0.0/16")
MOST = 5  # ranges of one VPC, the first one included; a quota that AWS raises on demand


def parse_secondary(texts: Iterable[str], vpc: Network) -> list[Network]:
    """Return the further ranges of the VPC, each of them one that AWS takes beside the first."""
    found: list[Network] = []
    for text in texts:
        cidr = parse(text, "a secondary range")
        if not 16 <= cidr.prefixlen <= 28:
            raise ResourceError(f"secondary range {cidr} has /{cidr.prefixlen}; AWS takes /16 to /28")
        for other in (vpc, *found):
            if cidr.overlaps(other):
                raise ResourceError(f"secondary range {cidr} overlaps {other}, another range of the VPC")
        for restricted in _restricted(vpc):
            if cidr.overlaps(restricted):
                raise ResourceError(
                    f"AWS does not allow the secondary range {cidr} beside {vpc}: nothing of {restricted} is; "
                    f"{_allowed(vpc)}"
                )
        found.append(cidr)
    if len(found) >= MOST:
        raise ResourceError(f"{len(found)} secondary ranges are asked for; a VPC has {MOST} with the first one")
    return found


def refuse_forbidden(cidrs: Iterable[Network], texts: Iterable[str]) -> None:
    """Fail on a range of the VPC that a network to be connected with it already has."""
    forbidden = [parse(text, "a forbidden range") for text in texts]
    for cidr in cidrs:
        for other in forbidden:
            if cidr.overlaps(other):
                raise ResourceError(
                    f"range {cidr} of the VPC overlaps {other}, which is forbidden: a network that is to be "
                    "connected has it; choose another range"
                )


def _restricted(vpc: Network) -> list[Network]:
    """What AWS's table of associations names for the first range (VPC user guide, VPC CIDR blocks)."""
    home = next((block for block in PRIVATE if vpc.subnet_of(block)), None)
    restricted = [INTERNAL, *FORBIDDEN, *(block for block in PRIVATE if block != home)]
    if home == BLOCK_10 and vpc.subnet_of(Network("10.0.0.0/15")):
        restricted.append(Network("10.0.0.0/16"))
    if home == BLOCK_172:
        restricted.append(Network("172.31.0.0/16"))
    return restricted


def _allowed(vpc: Network) -> str:
    home = next((block for block in PRIVATE if vpc.subnet_of(block)), None)
    return f"take one of {home} or 100.64.0.0/10" if home else "take one of 100.64.0.0/10 or a public one"
