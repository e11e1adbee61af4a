# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the move back to a rate. No row passes through this process, so it stops and continues those that send them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PAUSE = 0.02
# Unused time is not saved up: after a pause for indexes the rows must not come in a burst.
CREDIT = 0.5


def written_by(pid: int) -> int:
    """Return how many bytes a child has written into files and pipes; what goes to its server is no part of that."""
    try:
        text = Path(f"/proc/{pid}/io").read_text()
    except OSError:
        return 0
    return int(text.split("wchar:", 1)[1].split(None, 1)[0])


def can_throttle() -> bool:
    return Path(f"/proc/{os.getpid()}/io").exists()


@dataclass
class Throttle:
    """All senders together keep below `rate` million bytes a second: while they are ahead of it, none of them runs.

    What was sent too early is waited for, so the mean holds however coarse the looks are.
    """

    rate: float
    clock: Callable[[], float] = time.monotonic
    written: Callable[[int], int] = written_by
    _seen: dict[subprocess.Popen[bytes], int] = field(default_factory=dict)
    _due: float = 0.0
    _stopped: bool = False

    def begin(self, sender: subprocess.Popen[bytes]) -> None:
        if self.rate:
            self._seen[sender] = self.written(sender.pid)
            if self._stopped:
                sender.send_signal(signal.SIGSTOP)
            # What the last one sent since the last look may be too early already.
            self.look()

    def end(self, sender: subprocess.Popen[bytes]) -> None:
        """The sender has something else to do now; what it sent last counts."""
        if sender in self._seen:
            self._take(sender)
            del self._seen[sender]
            sender.send_signal(signal.SIGCONT)

    def look(self) -> None:
        for sender in self._seen:
            self._take(sender)
        ahead = bool(self._seen) and self._due > self.clock()
        if ahead != self._stopped:
            self._stopped = ahead
            for sender in self._seen:
                # A child that has ended gets none, whose number may be somebody else's by now.
                sender.send_signal(signal.SIGSTOP if ahead else signal.SIGCONT)

    def release(self) -> None:
        """Whoever is stopped could not even be ended."""
        for sender in list(self._seen):
            self.end(sender)

    def _take(self, sender: subprocess.Popen[bytes]) -> None:
        now = max(self.written(sender.pid), self._seen[sender])
        self._due = max(self._due, self.clock() - CREDIT) + (now - self._seen[sender]) / (self.rate * 1e6)
        self._seen[sender] = now
