"""Objects for moves between majors: of every kind that a source of a major can hold."""

from __future__ import annotations

from pg_sides import Sides, awkward_sql

# What only servers from a major on can hold.
SINCE = {
    15: """
create table zahlen (a int not null, b int, c int check (c > 0), constraint "a ist da" check (a is not null),
  d int generated always as (a * 2) stored, e numeric(8, 2) default 1.5, unique nulls not distinct (b));
insert into zahlen (a, b, c) select n, nullif(n, 3), n from generate_series(1, 40) n;
create table oben (n int not null, t text not null);
create table unten (m int not null) inherits (oben);
insert into unten select n, 't' || n, n from generate_series(1, 9) n;
create domain immer as int not null check (value > 0);
create table mit_domaene (i immer, j immer default 5);
insert into mit_domaene select n from generate_series(1, 5) n;
create view ueber as select z.a, z.b, count(*) as n from zahlen z left join unten u on u.n = z.a group by z.a, z.b;
create rule mit as on insert to ueber do instead insert into zahlen (a) values (new.a);
create function wert(a int, out b int, variadic c text[]) returns int language sql stable as 'select a';
create function atomar(a int) returns int language sql begin atomic select a + 1; end;
create function gezaehlt(g int) returns bigint language sql begin atomic
  select count(*) from zahlen where a > g; end;
create procedure zaehle() language sql begin atomic insert into zahlen (a) select z.a + 100 from zahlen z; end;
create policy nur on zahlen using (a > (select min(u.n) from unten u where m > 0));
create view gefiltert as select a as "A b", b from zahlen where a > 3 order by b nulls first limit 5;
create view verschachtelt as with k as (select a from zahlen where c > 1) select x.a, (select max(m) from unten)
  from k x where exists (select from unten where n = x.a) union all select n, 1 from oben;
create view fenster as select a, sum(b) over (partition by d order by a) as s, array(select m from unten order by m),
  case when e > 1 then 'x.y' end, a::text || '(', extract(year from now()), substring('abc' from 2)
  from zahlen;
create view kreuz as select * from zahlen natural join (select n as a, m from unten) u, lateral (select a + m) w;
create table geprueft (a int);
insert into geprueft values (-1);
alter table geprueft add constraint positiv check (a > 0) not valid;
""",
    17: """
create collation gebaut (provider = builtin, locale = 'C.UTF-8');
create table gebaut_sortiert (t text collate gebaut primary key);
insert into gebaut_sortiert values ('ä'), ('Z'), ('a');
grant maintain on gebaut_sortiert to "Prüf Rolle";
create table geteilt_gezaehlt (id bigint generated always as identity, t text) partition by hash (id);
create table geteilt_gezaehlt_1 partition of geteilt_gezaehlt for values with (modulus 1, remainder 0);
insert into geteilt_gezaehlt (t) select 'x' from generate_series(1, 9);
""",
    18: """
create table virtuell (a int primary key, b int generated always as (a * 2) virtual, c text, d int generated always
  as (a + 1) stored, e text generated always as (upper(c)));
insert into virtuell (a, c) select n, 'text ' || n from generate_series(1, 40) n;
create table zeitlich (id int4range, gueltig daterange, was text, primary key (id, gueltig without overlaps));
insert into zeitlich values ('[1,1]', '[2026-01-01,2026-02-01)', 'a'), ('[1,1]', '[2026-02-01,)', 'b');
create table zeitlich_verweis (id int4range, gueltig daterange,
  foreign key (id, period gueltig) references zeitlich (id, period gueltig));
insert into zeitlich_verweis values ('[1,1]', '[2026-01-05,2026-03-01)');
create table nicht_erzwungen (a int, b int references virtuell not enforced, check (a > 0) not enforced);
insert into nicht_erzwungen values (-1, 99);
create table nicht_leer (a int, b int, c int constraint "c ist da" not null no inherit,
  d int constraint eigen not null);
insert into nicht_leer values (null, 1, 2, 3);
alter table nicht_leer add constraint spaeter not null a not valid;
create table nicht_leer_kind () inherits (nicht_leer);
create table zufall (id uuid primary key default uuidv7(), v int);
insert into zufall (v) select generate_series(1, 9);
create collation schnell (provider = builtin, locale = 'PG_UNICODE_FAST');
""",
}


def fill(sides: Sides, major: int) -> None:
    """One of every kind of object that the source's major can hold."""
    with sides.source.connect() as source:
        source.execute(awkward_sql(plain=True))
        source.execute("set search_path = public")
        for since, sql in SINCE.items():
            if major >= since:
                source.execute(sql)
