# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule is, what it is given and what it finds. Pure: no server, no clock, no files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._dms.assessment import Assessment
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.grants import UNCHOSEN
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logicalfacts import Replication
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logicalsql import PREFIX
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.estimate import Estimate, estimate
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

# A blocker forbids the move, an advice does not; what is not moved is left on the source on purpose.
BLOCKER, ADVICE, NOT_MOVED = "blocker", "advice", "not moved"


@dataclass(frozen=True)
class Streams:
    """What method logical is judged by; pg_migrate judges it itself, since its streams outlive a run."""

    source: Replication
    target: Replication
    static: tuple[str, ...] = ()
    stem: str = PREFIX + "-"
    begun: bool = False


@dataclass(frozen=True)
class Request:
    """What is asked for, and what was found out beside the facts of the sides.

    `pooled` names the sides behind a pooler, `clients` says why programs are missing, `refusal` why the target
    must not be touched; `free_bytes` is what the folder for the dump has left, None when none is needed.
    `assessment` says what AWS DMS can move, where it was asked.
    """

    jobs: int
    engine: str = "copy"
    method: str = "copy"
    free_bytes: int | None = None
    target_storage: int | None = None
    sslmode: str = "verify-full"
    pooled: tuple[str, ...] = ()
    clients: str = ""
    refusal: str = ""
    replication: Streams | None = None
    assessment: Assessment | None = None
    wish: Wish = field(default_factory=Wish)


@dataclass(frozen=True)
class Case:
    source: Facts
    target: Facts
    request: Request

    @property
    def sides(self) -> tuple[tuple[str, Facts], ...]:
        return (("source", self.source), ("target", self.target))

    @property
    def logical(self) -> bool:
        return self.request.method == "logical"

    @property
    def owner_map(self) -> dict[str, str]:
        """Return owners on the source and the roles of the target that are to own their objects."""
        wish = self.request.wish
        if wish.owner == "none":
            return {}
        return {row[2]: wish.renamed(row[2]) for row in self.source.server["grants"] if tuple(row[:2]) not in UNCHOSEN}

    @property
    def grantees(self) -> set[str]:
        """Return the roles of the target that are to be granted something, or whose default privileges are set."""
        wish = self.request.wish
        if not wish.acl:
            return set()
        rows = self.source.server["grants"]
        named = {grantee for row in rows for grantee, _what, _grantable in row[3]}
        named |= {row[2] for row in rows if row[0] == "default privileges"}
        return {wish.renamed(role) for role in named - {"public"}}

    @property
    def estimate(self) -> Estimate:
        return estimate(self.source, self.request.jobs)


@dataclass(frozen=True)
class Found:
    """`todo` is left empty when the rule's own says it all."""

    object: str
    text: str
    todo: str = ""


Check = Callable[[Case], Iterable[Found]]


@dataclass(frozen=True)
class Rule:
    """`finds` and `todo` are what the documentation says of it. With a `method` it is asked for that one only."""

    id: str
    severity: str
    finds: str
    todo: str
    check: Check
    method: str = ""

    def asked(self, case: Case) -> bool:
        return self.method in ("", case.request.method)


@dataclass(frozen=True)
class Finding:
    rule: str
    severity: str
    object: str
    found: str
    todo: str

    @property
    def text(self) -> str:
        return f"{self.found}: {self.todo}" if self.todo else self.found

    @property
    def result(self) -> dict:
        return {"rule": self.rule, "object": self.object, "found": self.found, "todo": self.todo}


@dataclass
class Rules:
    """The rules of one file, in the order in which they are written, and the method that they are about."""

    method: str = ""
    all: list[Rule] = field(default_factory=list)

    def add(self, rule_id: str, severity: str, finds: str, todo: str = "") -> Callable[[Check], Check]:
        def added(check: Check) -> Check:
            self.all.append(Rule(rule_id, severity, finds, todo, check, self.method))
            return check

        return added
