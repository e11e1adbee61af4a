"""Move one database by every method in turn and compare the costs.

usage: bench.py [--size MB] [--rounds N] [--jobs N] [--only method ...] [--folder DIR] [--out FILE]
Interrupt it at any time: the servers end and their files are removed.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bahnvision_lab.postgres import Server, free_port, require_majors
from database import statements
from meter import Cost, Failed, measured
from methods import DATABASE, ROOT, Bench

MAX_WAL_MB = 8192
SETTINGS = {
    "shared_buffers": "2GB", "max_wal_size": f"{MAX_WAL_MB}MB", "maintenance_work_mem": "256MB",
    "checkpoint_timeout": "15min", "wal_level": "replica", "max_locks_per_transaction": "256",
}  # fmt: skip
COUNTS = """
select (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from only %s', c.oid::regclass), false, true,
  '')))[1]::text::bigint, c.oid::regclass::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and n.nspname !~ '^pg_|^information_schema$|^ansible_migrate$|^pgcopydb$' order by 2"""
SHAPE = """
select (select count(*) from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n
    on n.oid = c.relnamespace where n.nspname in ('app', 'Größe') and i.indisvalid),
  (select count(*) from pg_constraint k join pg_namespace n on n.oid = k.connamespace
    where n.nspname in ('app', 'Größe')),
  (select count(*) from pg_trigger where not tgisinternal), (select count(*) from pg_largeobject_metadata)"""
OURS = ("dump", "copy")
STATE = """
select round(100.0 * sum(relallvisible) / greatest(sum(relpages), 1)), count(*) filter (where reltuples < 0)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname in ('app', 'Größe')"""


@contextmanager
def servers(folder: Path) -> Iterator[tuple[Server, Server]]:
    """Start both servers with one password: the rivals take one from the environment."""
    majors, password = require_majors(), secrets.token_hex(8)
    made: list[Server] = []
    try:
        for side in ("source", "target"):
            server = Server(folder / side, majors[max(majors)], free_port(), "bench", password, dict(SETTINGS))
            server.create()
            server.start()
            made.append(server)
        yield made[0], made[1]
    finally:
        for server in made:
            server.stop()


def contents(server: Server) -> list:
    with server.connect(DATABASE) as admin:
        return [admin.execute(sql).fetchall() for sql in (COUNTS, SHAPE)]


def differences(found: list, expected: list) -> str:
    """Say what a method has lost: rivals are measured all the same, and it is told."""
    theirs = {name: rows for rows, name in found[0]}
    lost = [f"{name}: {theirs.get(name)} of {rows} rows" for rows, name in expected[0] if theirs.get(name) != rows]
    return "; ".join(lost + ([] if found[1] == expected[1] else [f"objects {found[1]} of {expected[1]}"]))


def prepare(bench: Bench) -> None:
    """An empty target, and nothing left to write from before."""
    with bench.target.connect() as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE} template template0")
    for server in (bench.source, bench.target):
        with server.connect() as admin:
            admin.execute("checkpoint")
    os.sync()


def one(bench: Bench, name: str, expected: list) -> dict:
    prepare(bench)
    bench.last = None
    cost: Cost = measured(bench.source, bench.target, bench.methods()[name])
    missing = differences(contents(bench.target), expected)
    if missing and name in OURS:
        raise Failed(f"{name} has not moved everything: {missing}")
    with bench.target.connect(DATABASE) as admin:
        visible, unanalyzed = admin.execute(STATE).fetchone() or (None, None)
    timings = bench.last["timings"] if bench.last else None
    return {
        **{key: round(value, 3) for key, value in asdict(cost).items()}, "cpu": round(cost.cpu, 3), "method": name,
        "all_visible_percent": float(visible or 0), "tables_without_statistics": unanalyzed, "timings": timings,
        "load": os.getloadavg()[0], "missing": missing,
    }  # fmt: skip


def checks(bench: Bench, rounds: int) -> dict:
    """Return what the second run costs, and what each verification costs as a share of the copy that it proves."""
    prepare(bench)
    copied = measured(bench.source, bench.target, bench.ours_copy)
    found: dict[str, list[float]] = {"second_run_s": []}
    for _round in range(rounds):
        found["second_run_s"].append(measured(bench.source, bench.target, bench.again).wall)
        for mode in ("counts", "hash"):
            cost = measured(bench.source, bench.target, partial(bench.verify, mode))
            found.setdefault(f"{mode}_wall_vs_copy", []).append(cost.wall / copied.wall)
            found.setdefault(f"{mode}_cpu_vs_copy", []).append(cost.cpu / copied.cpu)
    return {key: spread(values) for key, values in found.items()}


def spread(found: list[float]) -> dict:
    return {"median": round(statistics.median(found), 3), "min": round(min(found), 3), "max": round(max(found), 3),
            "rounds": len(found)}  # fmt: skip


def ratio(rounds: list[dict[str, dict]], key: str, ours: str, theirs: tuple[str, ...]) -> dict | None:
    """Median, least and greatest of the paired ratios; of several rivals the best counts in each round."""
    found = [
        rounds_[ours][key] / min(rounds_[name][key] for name in theirs if name in rounds_)
        for rounds_ in rounds
        if ours in rounds_ and any(name in rounds_ for name in theirs)
    ]
    return spread(found) if found else None


def summary(rounds: list[dict[str, dict]]) -> dict:
    rivals = {"naive": ("naive",), "pgcopydb": ("pgcopydb", "pgcopydb_tuned"), "directory": ("directory",)}
    return {f"{key}_vs_{name}": ratio(rounds, key, "copy", them) for name, them in rivals.items()
            for key in ("wall", "cpu")}  # fmt: skip


def gate(rounds: list[dict[str, dict]], jobs: int) -> dict | None:
    """Return the share of the copy in which tables wait for their commit and are counted: an upper bound,
    since a table would be committed without a gate as well."""
    copies = [round_["copy"] for round_ in rounds if "copy" in round_]
    shares = [(copy["timings"]["commit"] / jobs + copy["timings"]["verify"]) / copy["wall"] for copy in copies]
    return spread(shares) if shares else None


def table(rounds: list[dict[str, dict]]) -> str:
    lines = [f"{'method':16} {'wall':>7} {'cpu':>7} = {'source':>6} + {'target':>6} + {'client':>6}  {'WAL MB':>7} "
             f"{'peak MB':>7} {'visible':>7} {'no stats':>8} {'load':>5}"]  # fmt: skip
    lines += [
        f"{r['method']:16} {r['wall']:7.2f} {r['cpu']:7.2f} = {r['source']:6.2f} + {r['target']:6.2f} + "
        f"{r['client']:6.2f}  {r['wal'] / 1e6:7.0f} {r['memory'] / 1e6:7.1f} {r['all_visible_percent']:6.0f}% "
        f"{r['tables_without_statistics']:8} {r['load']:5.1f} {r['missing'] and 'LOST ' + r['missing']}"
        for round_ in rounds
        for r in round_.values()
    ]
    return "\n".join(lines)


def refuse_small_disk(folder: Path, megabytes: int) -> None:
    """Two copies of the database, their WAL, and the dump of `directory` or what an index build sorts on disk."""
    needed = 3 * megabytes + 2 * min(megabytes, MAX_WAL_MB) + 1024
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < needed:
        raise SystemExit(f"{folder} has {free} MB free, a database of {megabytes} MB needs {needed}: "
                         "choose another one with --folder, or a smaller --size")  # fmt: skip


def interrupted(number: int, _frame: object) -> None:
    """Go the way of an ordinary end: servers are stopped, files removed."""
    raise SystemExit(128 + number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2000, help="megabytes of the source's database")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=max(2, min(os.cpu_count() or 2, 8)))
    parser.add_argument("--only", nargs="*", help="methods: naive directory pgcopydb pgcopydb_tuned dump copy")
    parser.add_argument("--folder", type=Path, help="where the servers' files go")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench-migrate.json")
    args = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    refuse_small_disk(args.folder or Path(tempfile.gettempdir()), args.size)
    folder = Path(tempfile.mkdtemp(prefix="bench.", dir=args.folder))
    folder.chmod(0o755)
    try:
        _bench(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bench(args: argparse.Namespace, folder: Path) -> None:
    pgcopydb = os.environ.get("PGCOPYDB") or shutil.which("pgcopydb")
    with servers(folder) as (source, target):
        bench = Bench(source, target, folder, args.jobs, pgcopydb)
        with source.connect() as admin:
            admin.execute(f"create database {DATABASE} template template0")
        with source.connect(DATABASE) as admin:
            for script in statements(args.size):
                admin.execute(script)
        with source.connect(DATABASE) as admin:
            admin.execute("vacuum analyze")
            size = (admin.execute("select pg_database_size(current_database())").fetchone() or [0])[0]
        expected = contents(source)
        names = [name for name in bench.methods() if not args.only or name in args.only]
        print(f"source: {size / 1e6:.0f} MB; methods: {', '.join(names)}; pgcopydb: {version(pgcopydb)}", flush=True)
        rounds: list[dict[str, dict]] = []
        for number in range(args.rounds):
            # Every other round the other way round: what comes first has a colder or a warmer machine.
            order = names if number % 2 == 0 else names[::-1]
            rounds.append({})
            for name in order:
                _try(bench, name, expected, rounds[-1])
            print(table(rounds[-1:]), flush=True)
        figures = {
            **summary(rounds),
            "gate_vs_copy": gate(rounds, args.jobs),
            **(checks(bench, args.rounds) if "copy" in names else {}),
        }
    result = {"size_mb": size // 1_000_000, "jobs": args.jobs, "pgcopydb": version(pgcopydb), **figures,
              "rounds": rounds}  # fmt: skip
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    for key, value in figures.items():
        print(f"{key}: {value}")


def _try(bench: Bench, name: str, expected: list, round_: dict[str, dict]) -> None:
    """A rival that fails is told and left out of the round; our own failure ends the benchmark."""
    try:
        round_[name] = one(bench, name, expected)
    except Failed as problem:
        print(f"{name}: {problem}", flush=True)
        if name == "copy":
            raise SystemExit(1) from problem


def version(pgcopydb: str | None) -> str:
    if not pgcopydb:
        return "not installed: set PGCOPYDB"
    done = subprocess.run([pgcopydb, "--version"], capture_output=True, text=True, check=False)
    return next((line for line in done.stdout.splitlines() if "version" in line), "unknown")


if __name__ == "__main__":
    sys.exit(main())
