# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all our AWS modules share."""

from __future__ import annotations


class ModuleDocFragment:
    # How long to wait for it.
    DOCUMENTATION = r"""
options:
  wait:
    description: Wait until what was made is ready.
    type: bool
    default: true
  wait_timeout:
    description: Seconds after which waiting fails and tells what was last seen.
    type: int
    default: 600
  wait_pause:
    description: Longest pause in seconds between two looks while waiting.
    type: float
    default: 3
"""

    # What is ours.
    IDENTITY = r"""
options:
  app:
    description: The application; value of the tag C(app).
    type: str
    required: true
  stage:
    description: The stage of the application; value of the tag C(stage).
    type: str
    required: true
"""

    # How it is tagged besides; TAGS_SPEC of _resource/module.py.
    TAGS = r"""
options:
  tags:
    description: Further tags. With O(purge_tags) those that are not named here are removed.
    type: dict
  purge_tags:
    description: Remove tags that are not in O(tags), when O(tags) is given.
    type: bool
    default: true
"""

    # What a plan gives every module of ours.
    ATTRIBUTES = r"""
attributes:
  check_mode:
    support: full
    description: Only reads, and refuses what a run would refuse.
  diff_mode:
    support: full
    description: Names each setting that changes.
"""
