"""Random databases: every feature is drawn or not, names are as odd as the server allows, values are the hard ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st
from random_values import VALUES

PIECES = ("a", "B", " ", '"', "'", "\\", "%", "$1", ";", "--", "/*", ".", ",", "(", "{", "ü", "€", "😀", "\t", "\n",
          ":x", "=", "select", "`", "|", "~", "^")  # fmt: skip


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass
class Draft:
    """What is made so far, and a source of names and values."""

    rng: random.Random
    sql: list[str] = field(default_factory=list)
    types: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(VALUES))
    schemas: list[str] = field(default_factory=lambda: ["public"])
    tables: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    # (table, column) of columns whose values a sequence gives
    counted: list[tuple[str, str]] = field(default_factory=list)
    _number: int = 0

    def fresh(self) -> str:
        """Return a new quoted name of up to 63 bytes."""
        self._number += 1
        name = "".join(self.rng.choices(PIECES, k=self.rng.choice((1, 2, 5, 40)))) + str(self._number)
        while len(name.encode()) > 63:
            name = name[1:]
        return quoted(name)

    def relation(self) -> str:
        return f"{self.rng.choice(self.schemas)}.{self.fresh()}"

    def value(self, kind: str) -> str:
        if self.rng.random() < 0.2:
            return "null"
        if kind.endswith("[]"):
            inner = ", ".join(self.value(kind[:-2]) for _n in range(self.rng.randrange(4)))
            return f"array[{inner}]::{kind}"
        return literal(self.rng.choice(self.types[kind])) + f"::{kind}"

    def some_types(self, most: int) -> list[str]:
        kinds = self.rng.sample(sorted(self.types), self.rng.randint(1, most))
        return [kind + self.rng.choice(("", "", "[]")) for kind in kinds]

    def fill(self, table: str, columns: list[tuple[str, str]], rows: int) -> None:
        names = ", ".join(name for name, _kind in columns)
        for _row in range(rows):
            values = ", ".join(self.value(kind) for _name, kind in columns)
            self.sql.append(f"insert into {table} ({names}) values ({values})")


def plain(d: Draft) -> None:
    table = d.relation()
    columns = [(d.fresh(), kind) for kind in d.some_types(12)]
    d.sql.append(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns)})")
    d.fill(table, columns, d.rng.choice((0, 1, 9)))
    d.tables.append(table)


def user_types(d: Draft) -> None:
    enum, domain, composite, span = (d.relation() for _n in range(4))
    labels = ("rot", "o''weh", 'a"b', "ü,{}", "NULL", " ")
    d.sql += [
        f"create type {enum} as enum ({', '.join(repr_label(label) for label in labels)})",
        f"alter type {enum} add value 'zuerst' before 'rot'",
        f"create domain {domain} as text check (value <> 'verboten') default 'd'",
        f"create type {composite} as (a int, {d.fresh()} text, e {enum})",
        f"create type {span} as range (subtype = float8)",
    ]
    d.types |= {
        enum: ("rot", "o'weh", "NULL", "zuerst"), domain: ("", "x y"), composite: ('(1,"a ""b"" \\\\",rot)', "(,,)"),
        span: ("[0.1,0.2)", "empty"),
    }  # fmt: skip
    for kind in (enum, domain, composite, span, f"{enum}[]", f"{composite}[]"):
        table = d.relation()
        d.sql.append(f"create table {table} (v {kind})")
        d.fill(table, [("v", kind)], 3)


def repr_label(label: str) -> str:
    return f"'{label}'"


def without_columns(d: Draft) -> None:
    table = d.relation()
    d.sql += [f"create table {table} ()", f"insert into {table} select from generate_series(1, {d.rng.randrange(9)})"]


def dropped_columns(d: Draft) -> None:
    table, gone, stays = d.relation(), d.fresh(), d.fresh()
    d.sql += [
        f"create table {table} ({gone} int, a text, {stays} int default 5)",
        f"insert into {table} select n, 'x' || n, n from generate_series(1, 9) n",
        f"alter table {table} drop column {gone}",
        f"alter table {table} add column neu int default 7",
    ]


def generated(d: Draft) -> None:
    table, column = d.relation(), d.fresh()
    d.sql += [
        f"create table {table} (a numeric, {column} numeric generated always as (a * 2) stored, b text)",
        f"insert into {table} (a, b) select n / 3.0, n from generate_series(1, 9) n",
    ]


def identities(d: Draft) -> None:
    for how in ("always", "by default"):
        table, column = d.relation(), d.fresh()
        d.sql += [
            f"create table {table} ({column} bigint generated {how} as identity (start 10 increment 3), b int)",
            f"insert into {table} (b) select generate_series(1, 9)",
        ]
        d.counted.append((table, column))


def serials(d: Draft) -> None:
    table, column = d.relation(), d.fresh()
    d.sql += [f"create table {table} ({column} serial primary key, b int)",
              f"insert into {table} (b) select generate_series(1, {d.rng.randint(1, 9)})"]  # fmt: skip
    d.counted.append((table, column))


def partitions(d: Draft) -> None:
    table, low, high, rest = (d.relation() for _n in range(4))
    hashed = [d.relation() for _n in range(2)]
    d.sql += [
        f"create table {table} (n int not null, t text, w int) partition by range (n)",
        f"create table {low} partition of {table} for values from (minvalue) to (10)",
        f"create table {high} partition of {table} for values from (10) to (20) partition by hash (w)",
        *(f"create table {part} partition of {high} for values with (modulus 2, remainder {n})"
          for n, part in enumerate(hashed)),
        f"create table {rest} (w int, n int not null, t text)",
        f"alter table {table} attach partition {rest} default",
        f"create unique index on {table} (n, w)",
        f"insert into {table} select n, 't' || n, n * 7 from generate_series(-5, 30) n",
    ]  # fmt: skip


def heirs(d: Draft) -> None:
    parent, child, grandchild = (d.relation() for _n in range(3))
    d.sql += [
        f"create table {parent} (a int, b text check (b <> ''))",
        f"create table {child} (c int) inherits ({parent})",
        f"create table {grandchild} (d int) inherits ({child})",
        f"insert into {parent} values (1, 'p')",
        f"insert into {child} values (2, 'k', 3)",
        f"insert into {grandchild} values (4, 'e', 5, 6)",
    ]


def unlogged(d: Draft) -> None:
    table = d.relation()
    d.sql += [f"create unlogged table {table} (a int primary key)",
              f"insert into {table} select generate_series(1, 9)"]  # fmt: skip


def secured(d: Draft) -> None:
    table, policy = d.relation(), d.fresh()
    d.sql += [
        f"create table {table} (a int)",
        f"insert into {table} select generate_series(1, 9)",
        f"create policy {policy} on {table} using (a > 5)",
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
    ]


def circle(d: Draft) -> None:
    one, two, key = d.relation(), d.relation(), d.fresh()
    d.sql += [
        f"create table {one} (id int primary key, o int not null)",
        f"create table {two} (id int primary key, o int not null references {one} deferrable initially deferred)",
        f"begin; insert into {one} select n, n from generate_series(1, 9) n;"
        f" insert into {two} select n, n from generate_series(1, 9) n; commit",
        f"alter table {one} add constraint {key} foreign key (o) references {two} on delete cascade deferrable",
        f"alter table {one} add check (id > 0) not valid",
    ]


def indexes(d: Draft) -> None:
    table, names = d.relation(), [d.fresh() for _n in range(6)]
    d.sql += [
        f"create table {table} (a int, b int, c text, d int4range, exclude using gist (d with &&))",
        f"insert into {table} select n, n % 5, 'Wort ' || n, int4range(n, n + 1) from generate_series(1, 40) n",
        f"alter table {table} add constraint {names[0]} unique (a) include (b) deferrable initially deferred",
        f"alter table {table} add constraint {names[1]} unique nulls not distinct (a, b) with (fillfactor = 60)",
        f"create index {names[2]} on {table} (lower(c), (b + 1) desc nulls last) where a > 3",
        f"create unique index {names[3]} on {table} (a desc) include (c)",
        f"create index {names[4]} on {table} using gin (to_tsvector('english', c))",
        f"create index {names[5]} on {table} using brin (a)",
        f"alter table {table} cluster on {names[3]}",
    ]


def views(d: Draft) -> None:
    table, view, first, second = (d.relation() for _n in range(4))
    d.sql += [
        f"create table {table} (a int, b text)",
        f"insert into {table} select n, 'x' from generate_series(1, 9) n",
        f"create view {view} as select a, b as {d.fresh()} from {table} where a > 2",
        f"create materialized view {first} as select * from {view}",
        f"create materialized view {second} as select sum(a) as s from {first}",
        f"create unique index on {first} (a)",
        f"create materialized view {d.relation()} as select 1 as a with no data",
    ]


def code(d: Draft) -> None:
    table, function, trigger = d.relation(), d.relation(), d.fresh()
    d.sql += [
        f"create table {table} (a int, b text default 'it''s')",
        f"create function {function}() returns trigger language plpgsql as $$ begin raise 'must not fire'; end $$",
        f"insert into {table} values (1, 'x')",
        f"create trigger {trigger} before insert on {table} for each row execute function {function}()",
        f"create rule {d.fresh()} as on delete to {table} do instead nothing",
        f"comment on table {table} is {literal(d.rng.choice(VALUES['text'][3:6]))}",
    ]


def large_objects(d: Draft) -> None:
    for number in range(d.rng.randint(1, 4)):
        size = d.rng.choice((0, 1, 2047, 5000))
        d.sql.append(f"select lo_from_bytea({70000 + number}, decode(repeat('0a', {size}), 'hex'))")


def sequences(d: Draft) -> None:
    up, down = d.relation(), d.relation()
    d.sql += [
        f"create sequence {up} as smallint start 5 maxvalue 100 cycle",
        f"create sequence {down} increment -3 minvalue -900 maxvalue 9 start 9",
        f"select nextval({literal(down)})",
        f"select setval({literal(up)}, 42, {d.rng.choice(('true', 'false'))})",
    ]


FEATURES: dict[str, Callable[[Draft], None]] = {
    made.__name__: made
    for made in (
        user_types, plain, without_columns, dropped_columns, generated, identities, serials, partitions, heirs,
        unlogged, secured, circle, indexes, views, code, large_objects, sequences,
    )
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    sql: tuple[str, ...]
    counted: tuple[tuple[str, str], ...]
    features: tuple[str, ...]


@st.composite
def databases(draw: st.DrawFn, least: int = 6) -> Example:
    """Draw which features there are, in the order above, and let a seed choose names and values."""
    chosen = draw(st.sets(st.sampled_from(sorted(FEATURES)), min_size=least))
    draft = Draft(random.Random(draw(st.integers(0, 2**32))))
    for name in (draft.fresh() for _n in range(2)):
        draft.sql.append(f"create schema {name}")
        draft.schemas.append(name)
    made = tuple(name for name in FEATURES if name in chosen)
    for name in made:
        FEATURES[name](draft)
    return Example(tuple(draft.sql), tuple(draft.counted), made)
