"""The judgement on a whole comparison of two servers: rows, a table, and all that speaks against it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kube_compare import Known, Said, disagreements
from kube_talks import BROKEN

Conversations = dict[str, dict[str, Said]]


@dataclass
class Verdict:
    """What was compared. It is good when everything was, nothing differs and each reason was needed."""

    version: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    met: int = 0

    @property
    def good(self) -> bool:
        return bool(self.rows) and not self.flaws and all(row["agrees"] for row in self.rows)

    def table(self) -> str:
        lines = [f"{'against kube-apiserver ' + self.version:34} {'all':>6} {'agree':>6} {'differ':>6} {'steps':>6}"]
        for kind in ("probe", "flow"):
            told = [row for row in self.rows if row["kind"] == kind]
            agree, steps = sum(row["agrees"] for row in told), sum(row["steps"] for row in told)
            lines.append(f"{kind + 's':34} {len(told):6} {agree:6} {len(told) - agree:6} {steps:6}")
        return "\n".join(lines)

    def told(self) -> str:
        lines = []
        for row in self.rows:
            for one in row["disagreements"]:
                lines.append(f"  {one['at']}\n    real: {_shown(one['real'])}\n    lab:  {_shown(one['ours'])}")
        lines += [f"  {flaw}" for flaw in self.flaws]
        end = "they agree" if self.good else "FAILED"
        return "\n".join([*lines, self.table(), f"known differences met: {self.met}; {end}"])


def verdict(version: str, asked: Iterable[str], real: Conversations, ours: Conversations, reasons: Known) -> Verdict:
    """Compare what both servers said in the conversations that were to be held."""
    found, asked = Verdict(version), list(asked)
    if not asked:
        found.flaws.append("nothing was asked: there is nothing to compare")
    for who, said in (("the real server", real), ("the lab", ours)):
        found.flaws += _gaps(who, asked, said)
    for name in asked:
        if name in real and name in ours:
            found.rows.append(_row(name, real[name], ours[name], reasons))
    stale = [entry["at"] for entry in reasons.entries if entry["at"] not in reasons.met]
    found.flaws += [f"known-differences.yml: {at} no longer differs; take it out" for at in stale]
    found.met = len(reasons.met)
    return found


def _gaps(who: str, asked: list[str], said: Conversations) -> list[str]:
    """A conversation that was not held to its end compares nothing."""
    flaws = [f"{name}: {who} was never asked" for name in asked if not said.get(name)]
    flaws += [f"{name}: held with {who}, but nobody asks for it" for name in said if name not in asked]
    return flaws + [f"{name}: broke off with {who}: {steps[BROKEN]['fact']}"
                    for name, steps in said.items() if BROKEN in steps]  # fmt: skip


def _row(name: str, real: dict[str, Said], ours: dict[str, Said], reasons: Known) -> dict[str, Any]:
    found = disagreements(name, real, ours, reasons)
    told = [{"at": at, "real": one, "ours": other} for at, one, other in found]
    return {"kind": name.partition(" ")[0], "name": name, "steps": len(real), "agrees": not found,
            "disagreements": told}  # fmt: skip


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 300 else text[:300] + " ..."
