# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS showed before a decision, and what no decision may touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.versions import Offer
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import identity_tags, tags_to_dict

KIND = "db_instance"
COMPONENT = "rds"
# The size that was asked for last: what lies above it is AWS's own growth (autoscaling) and no wish to shrink.
REQUESTED = "requested-storage-gib"
# Where the data of a restored instance came from.
RESTORED = "restored-from"


@dataclass(frozen=True)
class Seen:
    """What AWS showed: the instance, the versions, and what can be ordered of the wanted class."""

    instance: Mapping[str, Any] | None
    offers: tuple[Offer, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    classes: tuple[str, ...] = ()
    # The snapshot or instance that a new instance is restored from.
    origin: Mapping[str, Any] | None = None

    @property
    def tags(self) -> dict[str, str]:
        return tags_to_dict((self.instance or {}).get("TagList"))

    def offer(self, version: str) -> Offer | None:
        return next((offer for offer in self.offers if offer.version == version), None)

    def grown_by_aws(self, wanted: int, has: int) -> bool:
        """True when the storage is larger than wanted because autoscaling, or the origin of a restore, made it so."""
        requested = self.tags.get(REQUESTED, "")
        return requested.isdigit() and int(requested) <= wanted < has


def refuse(subject: str, problems: Sequence[str]) -> None:
    """Raise one error that tells all problems."""
    if problems:
        raise ResourceError(f"{subject}: " + "; ".join(problems), problems=list(problems))


def refuse_foreign(name: str, tags: Mapping[str, str], app: str, stage: str) -> None:
    """Refuse to touch what does not carry our tags, whatever its name."""
    ours = identity_tags(app, stage, COMPONENT)
    wrong = [key for key in ("managed-by", "app", "stage") if tags.get(key) != ours[key]]
    if wrong:
        found = ", ".join(f"{key}={tags.get(key, 'no such tag')}" for key in wrong)
        raise ResourceError(
            f"{name} exists and is not ours ({found}); nothing was touched. Choose another name, or tag it by hand "
            f"({', '.join(f'{key}={ours[key]}' for key in wrong)}) to hand it over"
        )
