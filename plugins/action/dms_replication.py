# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._dms.progressline import line
from ansible_collections.bahnvision.aws.plugins.plugin_utils.watched import WatchedAction


class ActionModule(WatchedAction):
    """Shows how far the module is."""

    MODULE = "bahnvision.aws.dms_replication"
    LINE = staticmethod(line)
