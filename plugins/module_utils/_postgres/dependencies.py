# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who belongs to whom in a database, and who needs whom, as the catalogue knows it. Pure.

An object is a place: the object ids of its catalogue and of itself, as a dump's table of contents has them. What has a
definition of its own (a table, a function, also an index or a constraint) is a node; everything else belongs to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import STANDALONE

Key = tuple[str, str]
CLASS, CONSTRAINT, NAMESPACE = "1259 ", "2606 ", "2615 "
# By which kinds of dependency (pg_depend) an object belongs to another one, the surest first. What is made for a
# partition belongs to the partition, but a constraint to its like of the partitioned table: that one is dumped.
_BELONGS, _CONSTRAINT_BELONGS = "eiaSP", "ePiaS"
_WITH_COLUMNS = ("table", "foreign table")


class Graph:
    """`nodes` maps places to (kind, name), `dependencies` are [place, place that it needs, kind of dependency]."""

    def __init__(self, nodes: Mapping[str, Key], dependencies: Iterable[Iterable[str]]) -> None:
        self.nodes = dict(nodes)
        self._up: dict[str, list[tuple[str, str]]] = {}
        for one, other, kind in dependencies:
            self._up.setdefault(one, []).append((other, kind))
        # The relation of a composite type has its name here, and belongs to the type.
        self._type_of = {
            place: other
            for place, (kind, _ident) in self.nodes.items()
            if kind == "composite type"
            for other, how in self._up.get(place, ())
            if how == "i"
        }
        self._found: dict[str, str | None] = {other: place for place, other in self._type_of.items()}
        self.pairs = self._pairs()

    def node(self, place: str) -> str | None:
        """Return the node that a place is or belongs to; None when it is none of ours."""
        if place in self.nodes:
            return place
        if place not in self._found:
            self._found[place] = None  # what leads back to itself belongs to nobody
            self._found[place] = self._above(place)
        return self._found[place]

    def owner(self, node: str) -> str:
        """Return the object that stands by itself: a table for its indexes, constraints and sequences."""
        kind = self.nodes[node][0]
        if kind == "sequence":
            return self._table_of(node) or node
        if kind in STANDALONE or kind == "extension":
            return node
        found = self._above(node)
        return node if found is None else self.owner(found)

    def schema(self, node: str) -> str | None:
        """Return the place of the schema that a node is in; None when it is in none."""
        for place in (node, self._type_of.get(node, node)):
            for other, kind in self._up.get(place, ()):
                if other.startswith(NAMESPACE) and kind == "n":
                    return other
        return None

    def name(self, node: str) -> str:
        return " ".join(self.nodes[node])

    @property
    def places(self) -> set[str]:
        found = {other for above in self._up.values() for other, _kind in above}
        return found | self._up.keys() | self.nodes.keys()

    def _above(self, place: str) -> str | None:
        order = _CONSTRAINT_BELONGS if place.startswith(CONSTRAINT) else _BELONGS
        above = [(order.index(kind), other) for other, kind in self._up.get(place, ()) if kind in order]
        found = (self.node(other) for _rank, other in sorted(above))
        return next((node for node in found if node not in (None, place)), None)

    def _table_of(self, sequence: str) -> str | None:
        """A sequence that a column owns belongs to the column's table."""
        return next(
            (
                other
                for other, kind in self._up.get(sequence, ())
                if kind in "ai" and self.nodes.get(other, ("", ""))[0] in _WITH_COLUMNS
            ),
            None,
        )

    def _pairs(self) -> list[tuple[str, str, str]]:
        """Return (node, node that it needs, kind of dependency), each once."""
        pairs: dict[tuple[str, str, str], None] = {}
        for place, above in self._up.items():
            node = self.node(place)
            for other, kind in above:
                needed = self.node(other)
                if node and needed and node != needed and kind != "e":
                    pairs[node, needed, kind] = None
        return list(pairs)
