# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image a component runs, by a digest: a tag may be another image tomorrow, and nobody could roll back to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import Component, Context

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REFERENCE = re.compile(
    r"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(@sha256:[0-9a-f]{64})?"
)


def image_of(component: Component, context: Context) -> str:
    """The whole reference; empty when the context does not tell it."""
    name = component["image"]
    if _is_reference(name):
        return name
    known = str(context["images"].get(name) or "")
    return known if "/" in known or "@" in known else _joined(context, name, known)


def _is_reference(text: str) -> bool:
    return "/" in text or "@" in text or (":" in text and not DIGEST.fullmatch(text))


def _joined(context: Context, name: str, known: str) -> str:
    if not known:
        return ""
    place = f"{context['registry'].rstrip('/')}/{name}" if context["registry"] else name
    return f"{place}@{known}" if DIGEST.fullmatch(known) else f"{place}:{known}"


def is_fixed(image: str) -> bool:
    return DIGEST.fullmatch(image.rpartition("@")[2]) is not None


def version_of(image: str) -> str:
    """What to call this version in traces: the tag, or the beginning of the digest."""
    place, _at, digest = image.partition("@")
    tag = place.rpartition("/")[2].partition(":")[2]
    return tag or digest.removeprefix("sha256:")[:12]


def problems(component: Component, context: Context) -> Iterator[str]:
    where, image = f"component {component['name']}", image_of(component, context)
    if not image:
        yield (
            f"{where}: nobody tells which {component['image']} to run: put its digest into context.images, such as "
            f"{{{component['image']}: 'sha256:...'}}"
        )
    elif not REFERENCE.fullmatch(image):
        yield f"{where}: {image!r} is no reference to an image (lower-case name, then :tag or @sha256: and 64 digits)"
    elif not is_fixed(image) and not context["mutable_images"]:
        yield (
            f"{where}: {image} names its image by a tag, behind which tomorrow may be another; name the digest "
            "(name@sha256:...), or allow it with mutable_images"
        )
