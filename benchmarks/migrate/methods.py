"""The rivals and ourselves: each moves the source's database into the empty one of the target."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bahnvision_lab.postgres import Server
from meter import Failed, run

DATABASE = "bench"
ROOT = Path(__file__).parents[2]
OURS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.migrate import migrate
json.dump(migrate(json.load(sys.stdin), False), sys.stdout)
"""
VERIFY = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.verify import verify
json.dump(verify(json.load(sys.stdin)), sys.stdout)
"""


@dataclass
class Bench:
    """Two servers with the same administrator and password, and a folder for files."""

    source: Server
    target: Server
    folder: Path
    jobs: int
    pgcopydb: str | None
    last: dict | None = None

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        path = f"{self.source.bindir}:{kept.get('PATH', '')}"
        return {**kept, "PATH": path, "PGPASSWORD": self.source.admin_password, "PGCONNECT_TIMEOUT": "10"}

    def uri(self, server: Server) -> str:
        return f"postgres://{server.admin}@127.0.0.1:{server.port}/{DATABASE}"

    def fresh(self, name: str) -> Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def naive(self) -> None:
        run(
            ["pg_dump", "-d", self.uri(self.source)],
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.uri(self.target)],
            env=self.env, cwd=self.fresh("naive"),
        )  # fmt: skip

    def directory(self) -> None:
        folder, jobs = self.fresh("directory"), f"-j{self.jobs}"
        run(["pg_dump", "-Fd", "-Z0", jobs, "-f", str(folder / "d"), "-d", self.uri(self.source)],
            env=self.env, cwd=folder)  # fmt: skip
        run(["pg_restore", jobs, "-d", self.uri(self.target), str(folder / "d")], env=self.env, cwd=folder)
        shutil.rmtree(folder)

    def pgcopydb_default(self) -> None:
        self._pgcopydb()

    def pgcopydb_tuned(self) -> None:
        self._pgcopydb("--table-jobs", str(self.jobs), "--index-jobs", str(self.jobs))

    def _pgcopydb(self, *options: str) -> None:
        assert self.pgcopydb is not None
        folder = self.fresh("pgcopydb")
        run([self.pgcopydb, "clone", "--source", self.uri(self.source), "--target", self.uri(self.target),
             "--dir", str(folder / "w"), *options], env={**self.env, "TMPDIR": str(folder)}, cwd=folder)  # fmt: skip

    def ours_copy(self) -> None:
        self._ours("copy")

    def ours_dump(self) -> None:
        self._ours("dump")

    def _ours(self, engine: str) -> None:
        folder = self.fresh("ours")
        params = {
            "source": self._side(self.source), "target": self._side(self.target), "jobs": str(self.jobs),
            "timeout": 36000, "client_bindir": None, "workdir": str(folder), "on_nonempty": "resume",
            "verify": "counts", "lock_timeout": 60, "maintenance_work_mem": None, "engine": engine, "format": "auto",
            "analyze": "analyze", "freeze": True, "split_over": "10GB", "stall_timeout": 600,
        }  # fmt: skip
        self.last = self._python(OURS, params)

    def again(self) -> None:
        """The move a second time: the marker must end it before any row is read."""
        self._ours("copy")
        if self.last is None or self.last["changed"]:
            raise Failed("a second run has moved something")

    def verify(self, mode: str) -> None:
        found = self._python(VERIFY, {
            "source": self._side(self.source), "target": self._side(self.target), "mode": mode, "jobs": str(self.jobs),
            "timeout": 36000, "client_bindir": None, "sample_rows": 10000, "keys": 0, "owners": False, "acl": False,
            "role_map": {}, "strict": False,
        })  # fmt: skip
        if found["differences"] or found["not_checked"]:
            raise Failed(f"the verification found {found['differences']} {found['not_checked']}")

    def _python(self, code: str, params: dict) -> dict:
        # Our children end with us: the engine has a watchdog for that, also after SIGKILL.
        done = subprocess.run(
            [sys.executable, "-c", code, str(ROOT / ".cache/collections")], input=json.dumps(params).encode(),
            capture_output=True, env=self.env, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Failed(f"ours failed: {done.stderr.decode()[-2000:]}")
        return json.loads(done.stdout)

    def _side(self, server: Server) -> dict:
        return {
            "host": "127.0.0.1", "port": server.port, "database": DATABASE, "user": server.admin,
            "password": server.admin_password, "sslmode": "disable", "sslrootcert": None, "connect_timeout": 10,
        }  # fmt: skip

    def methods(self) -> dict[str, Callable[[], None]]:
        found = {"naive": self.naive, "directory": self.directory}
        if self.pgcopydb:
            found |= {"pgcopydb": self.pgcopydb_default, "pgcopydb_tuned": self.pgcopydb_tuned}
        return {**found, "dump": self.ours_dump, "copy": self.ours_copy}
