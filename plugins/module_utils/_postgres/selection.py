# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose what of a database is moved. Pure: wishes and the catalogue's dependencies in, decisions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.dependencies import CLASS, Graph
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Pattern, Wish, names_of

_RELATIONS = frozenset(("table", "foreign table", "view", "materialized view", "sequence"))
# They hold rows, or others are made of them: dependents=leave_out does not reach them.
_FIRM = frozenset(("table", "foreign table", "sequence", "schema", "extension"))


@dataclass(frozen=True)
class Chosen:
    """What a selection comes to.

    `places` are left out, see Graph; `keys` are the kinds and names of the same. `rowless` are the object ids of tables
    that are moved without their rows, `emptied` their names; `refilled` are materialized views over them. `needs` names
    for each extension that is skipped one object that cannot do without.
    """

    places: frozenset[str] = frozenset()
    keys: frozenset[tuple[str, str]] = frozenset()
    rowless: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()
    refilled: frozenset[str] = frozenset()
    left_out: tuple[tuple[str, str], ...] = ()
    faults: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)

    @property
    def unread(self) -> frozenset[str]:
        """Everything that does not hold the source's rows."""
        return self.emptied | self.refilled


# A command line holds two megabytes at most; without these pg_dump does too much, and nothing wrong.
_MOST_OPTIONS = 1 << 20


def dump_options(wish: Wish, chosen: Chosen, rows: bool) -> tuple[str, ...]:
    """Spare pg_dump the locks, and with `rows` the rows, of what its table of contents will lose.

    Names as the server writes them are patterns of pg_dump that fit themselves only.
    """
    options = [] if wish.comments else ["--no-comments"]
    options += [] if wish.large_objects else ["--no-blobs"]
    named = [f"--exclude-table={ident}" for kind, ident in sorted(chosen.keys) if kind in _RELATIONS]
    if rows:
        named += [f"--exclude-table-data={ident}" for ident in sorted(chosen.emptied)]
    fit = sum(len(option.encode()) for option in named) < _MOST_OPTIONS
    return tuple(options + (named if fit else []))


def choose(wish: Wish, objects: Iterable[Mapping], dependencies: Iterable[Iterable[str]]) -> Chosen:
    """`objects` are rows of PLACED_OBJECTS, `dependencies` those of DEPENDENCIES."""
    nodes = {row["place"]: (row["kind"], row["ident"]) for row in objects if row["kind"] not in ("column", "comment")}
    return Choice(wish, Graph(nodes, dependencies)).made()


@dataclass
class Choice:
    """The planner's notes: `out` and `rowless` map nodes to reasons."""

    wish: Wish
    graph: Graph
    out: dict[str, str] = field(default_factory=dict)
    rowless: dict[str, str] = field(default_factory=dict)
    faults: dict[str, None] = field(default_factory=dict)
    needs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._owners = {node: self.graph.owner(node) for node in self.graph.nodes}
        self._units = [node for node, owner in self._owners.items() if node == owner]
        self._extensions = {
            node: names_of(ident)[0] for node, (kind, ident) in self.graph.nodes.items() if kind == "extension"
        }

    def made(self) -> Chosen:
        self._by_schema()
        self._by_table()
        self._without_rows()
        while self._spread():
            pass
        self._of_extensions()
        gone = {place for place in self.graph.places if self._gone(self.graph.node(place))}
        return Chosen(
            places=frozenset(gone),
            rowless=frozenset(node.split(" ")[1] for node in (*self.rowless, *self._foreign_tables())),
            emptied=frozenset(self.graph.nodes[node][1] for node in self.rowless),
            refilled=frozenset(self.graph.nodes[node][1] for node in self._refilled()),
            left_out=tuple(self._told()),
            faults=tuple(self.faults),
            needs=self.needs,
        )

    def _gone(self, node: str | None) -> bool:
        return node is not None and (node in self.out or self._owners[node] in self.out)

    def _label(self, node: str) -> str | None:
        """Return the bare name of a node's schema. The one that is not listed is public."""
        kind, _ident = self.graph.nodes[node]
        place = node if kind == "schema" else self.graph.schema(node)
        if place is None:
            return None
        return names_of(self.graph.nodes.get(place, ("", "public"))[1])[0]

    def _by_schema(self) -> None:
        labels = {node: self._label(node) for node in self._units if node not in self._extensions}
        known: set[tuple[str, ...]] = {(label,) for label in labels.values() if label is not None} | {("public",)}
        lists = self.wish.schemas
        for name, patterns in (("include", lists.include), ("exclude", lists.exclude)):
            self._must_fit(f"schemas.{name}", patterns, known)
        self._must_fit("schemas.exclude_data", lists.exclude_data, known)
        for node, label in labels.items():
            what = "it" if self.graph.nodes[node][0] == "schema" else "its schema"
            if label is None:
                continue
            if _fits(lists.exclude, (label,)):
                self.out[node] = f"schemas.exclude names {what}"
            elif lists.include and not _fits(lists.include, (label,)):
                self.out[node] = f"schemas.include does not name {what}"
            elif self.graph.nodes[node][0] == "table" and _fits(lists.exclude_data, (label,)):
                self.rowless[node] = "schemas.exclude_data names its schema"

    def _by_table(self) -> None:
        relations = {node: names_of(self.graph.nodes[node][1]) for node in self._units if self._is(node, _RELATIONS)}
        lists = self.wish.tables
        known = {names for node, names in relations.items() if node not in self.out}
        tables = {names for node, names in relations.items() if self._is(node, ("table",)) and node not in self.out}
        self._must_fit("tables.include", lists.include, known)
        self._must_fit("tables.exclude", lists.exclude, set(relations.values()))
        self._must_fit("tables.exclude_data", lists.exclude_data, tables)
        for node, names in relations.items():
            if node in self.out:
                continue
            if _fits(lists.exclude, names):
                self.out[node] = "tables.exclude names it"
            elif lists.include and not _fits(lists.include, names):
                self.out[node] = "tables.include does not name it"
            elif self._is(node, ("table",)) and _fits(lists.exclude_data, names):
                self.rowless[node] = "tables.exclude_data names it"

    def _is(self, node: str, kinds: Iterable[str]) -> bool:
        return self.graph.nodes[node][0] in kinds

    def _must_fit(self, option: str, patterns: Iterable[Pattern], known: set[tuple[str, ...]]) -> None:
        for pattern in patterns:
            if not any(pattern.fits(names) for names in known):
                self.faults[f"{option} names {pattern.text}, which is not among what the source has or is moved"] = None

    def _without_rows(self) -> None:
        """The rows of a partitioned table are those of its partitions."""
        below: dict[str, list[str]] = {}
        for node, needed, kind in self.graph.pairs:
            if kind == "a" and self._is(node, ("table",)) and self._is(needed, ("table",)):
                below.setdefault(needed, []).append(node)
        waiting = list(self.rowless)
        while waiting:
            parent = waiting.pop()
            for node in below.get(parent, ()):
                if node not in self.rowless:
                    self.rowless[node] = f"it is a partition of {self.graph.nodes[parent][1]}: {self.rowless[parent]}"
                    waiting.append(node)

    def _spread(self) -> bool:
        """Leave out, or refuse to leave behind, what needs something that is left out; say whether there was any."""
        before = len(self.out)
        for node, needed, _kind in self.graph.pairs:
            if self._gone(node) or needed in self._extensions:
                continue
            why = self._lacks(node, needed)
            if not why:
                continue
            if self._owners[node] == self._owners[needed]:  # the index of a constraint that is left out
                self.out[node] = why
            elif node in self._extensions and (self.wish.skips(self._extensions[node]) or self._elsewhere(node)):
                continue
            elif self.wish.dependents == "leave_out" and not self._is(node, _FIRM):
                self.out[node] = why
            else:
                self.faults[f"{self.graph.name(node)} needs {why.partition(' needs ')[2]}"] = None
        return len(self.out) > before

    def _lacks(self, node: str, needed: str) -> str:
        if self._gone(needed):
            return f"it needs {self.graph.name(needed)}, which is left out"
        # A foreign key: its rows would point to nothing.
        theirs, ours = self._owners[needed], self._owners[node]
        if self._is(node, ("constraint",)) and theirs in self.rowless and ours not in self.rowless and ours != theirs:
            return f"it needs the rows of {self.graph.name(theirs)}, which are left out"
        return ""

    def _elsewhere(self, extension: str) -> bool:
        """Whether the target's extension is another one, or in another schema."""
        about = self.wish.map.get(self._extensions[extension], {})
        return about.get("schema", self._label(extension)) != self._label(extension)

    def _of_extensions(self) -> None:
        known = set(self._extensions.values())
        for option, names in (("exclude", self.wish.without), ("map", self.wish.map)):
            for name in sorted(set(names) - known):
                self.faults[f"extensions.{option} names {name}, which the source does not have"] = None
        for node, needed, _kind in self.graph.pairs:
            name = self._extensions.get(needed, "")
            if not name or self._gone(node) or (node in self._extensions and self.wish.skips(self._extensions[node])):
                continue
            if self.wish.skips(name):
                self.needs.setdefault(name, self.graph.name(node))
            elif self._elsewhere(needed) and node not in self._extensions:
                self.faults[f"{self.graph.name(node)} needs extension {name} in the schema that it has on the source,"
                            " and extensions.map puts it into another one"] = None  # fmt: skip

    def _foreign_tables(self) -> list[str]:
        """Return the tables of extensions that the target has not, or has otherwise: their rows cannot follow."""
        other = {
            node for node, name in self._extensions.items()
            if self.wish.skips(name) or self._elsewhere(node) or "name" in self.wish.map.get(name, {})
        }  # fmt: skip
        return [place for place in self.graph.places if place.startswith(CLASS) and self.graph.node(place) in other]

    def _refilled(self) -> set[str]:
        """Return the materialized views that show other rows on the target, since fewer are there."""
        tables = {node for node in self._units if self._is(node, ("table",))}
        found, grown = {node for node in tables if node in self.rowless or node in self.out}, True
        while grown:
            more = set()
            for node, needed, _kind in self.graph.pairs:
                if node in tables and needed in tables and node in found:
                    more.add(needed)  # what reads the parent reads its partitions
                elif needed in found and self._is(node, ("view", "materialized view")):
                    more.add(node)
            grown = not more <= found
            found |= more
        return {node for node in found if self._is(node, ("materialized view",)) and not self._gone(node)}

    def _told(self) -> Iterable[tuple[str, str]]:
        nodes = self.graph.nodes
        for node, reason in sorted(self.out.items(), key=lambda item: nodes[item[0]]):
            if node == self._owners[node] or self._owners[node] not in self.out:
                yield self.graph.name(node), reason
        for node, reason in sorted(self.rowless.items(), key=lambda item: nodes[item[0]]):
            if not self._gone(node):
                yield f"rows of {self.graph.name(node)}", reason
        for node in sorted(self._refilled(), key=nodes.__getitem__):
            yield f"rows of {self.graph.name(node)}", "it is filled from what the target holds, and not compared"
        for name in sorted(self._extensions.values()):
            if self.wish.skips(name):
                reason = "extensions.exclude names it" if name in self.wish.without else "extensions.mode is skip"
                yield f"extension {name}", reason


def _fits(patterns: Iterable[Pattern], names: tuple[str, ...]) -> bool:
    return any(pattern.fits(names) for pattern in patterns)
