"""What a restore is made of: base backups, and the WAL that was archived since."""

from __future__ import annotations

import shlex
import shutil
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bahnvision_lab import processes
from bahnvision_lab.aws.rds.cluster import Cluster
from bahnvision_lab.aws.rds.nodes import Secrets, until

Name = tuple[str, str, str]  # account, region, DBSnapshotIdentifier


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Base:
    """A copy of a server's data, good from `ended` on, and the passwords that open it."""

    data: Path
    resource: str  # DbiResourceId of the instance it was taken of
    began: datetime
    ended: datetime
    secrets: Secrets
    master_password: str = field(repr=False)


@dataclass
class Archive:
    """The WAL of one instance, for as long as it keeps automated backups."""

    folder: Path
    since: datetime | None = None  # None: nothing is kept
    until: datetime | None = None  # set while the server is stopped

    @property
    def command(self) -> str:
        """Both servers archive, so a segment may be there already: then it is the same."""
        if self.since is None:
            return ""
        target, part = _shell(self.folder / "%f"), _shell(self.folder / ".%f.")
        return f'test -f {target} || {{ cp "%p" {part}$$ && mv {part}$$ {target}; }}'

    def begin(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        processes.give_to_servers(self.folder)
        self.since = now()

    def end(self) -> None:
        self.since = self.until = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def settings_to(self, moment: datetime | None) -> dict[str, str]:
        """Return what a server recovers with: up to the moment, or as far as there is WAL."""
        settings = {
            "restore_command": f'cp {_shell(self.folder / "%f")} "%p"',
            "hot_standby": "off",  # clients wait; and limits below those of the source are no hindrance
        }
        if moment is not None:
            settings |= {"recovery_target_time": moment.isoformat(), "recovery_target_action": "promote"}
        return settings


def _shell(path: Path) -> str:
    """Quote for the shell, and for PostgreSQL, to which a percent sign means something; %f and %p stay."""
    folder = shlex.quote(str(path.parent)).replace("%", "%%")
    return f"{folder}/{path.name}"


def complete_archive(cluster: Cluster, archive: Archive) -> datetime:
    """Archive all that is committed; return the moment up to which it can be restored.

    A server that recovers to a point in time wants to see a commit after that point: RDS's own writes are that as
    well.
    """
    moment = now()
    primary = cluster.require_primary()
    primary.ask("SELECT pg_current_xact_id()")
    segment = primary.ask("SELECT pg_walfile_name(pg_switch_wal())")
    archived = archive.folder / str(segment)
    until(f"{segment} of {cluster.name} is not archived", archived.exists)
    return moment


class Vault:
    """The base backups of all snapshots of a lab, by the snapshots' names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bases: dict[Name, Base] = {}
        self._lock = threading.Lock()
        self._count = 0

    def take(self, name: Name, cluster: Cluster, resource: str, master_password: str) -> None:
        """Copy the running primary."""
        target, began = self._new_place(), now()
        cluster.base_backup(target)
        self._keep(name, Base(target, resource, began, now(), cluster.secrets, master_password))

    def take_over(self, name: Name, cluster: Cluster, resource: str, master_password: str) -> None:
        """Keep the data of a server that ends for good: the final snapshot costs no copy."""
        target, moment = self._new_place(), now()
        cluster.stop()
        cluster.require_primary().server.data.rename(target)
        for slot in (target / "pg_replslot").iterdir():  # pg_basebackup leaves them out too: they are no data
            shutil.rmtree(slot)
        self._keep(name, Base(target, resource, moment, moment, cluster.secrets, master_password))

    def copy(self, source: Name, target: Name) -> None:
        """A base is never changed, so both names stand for the same files."""
        self._keep(target, replace(self._bases[source]))

    def find(self, name: Name) -> Base | None:
        return self._bases.get(name)

    def drop(self, name: Name) -> None:
        with self._lock:
            base = self._bases.pop(name, None)
            if base is not None and all(other.data != base.data for other in self._bases.values()):
                shutil.rmtree(base.data, ignore_errors=True)

    def bases_since(self, resource: str, since: datetime) -> list[Base]:
        """Return what a restore of this instance to a point in time can begin with, oldest first."""
        with self._lock:
            found = [base for base in self._bases.values() if base.resource == resource and base.began >= since]
        return sorted(found, key=lambda base: base.ended)

    def _new_place(self) -> Path:
        with self._lock:
            self._count += 1
            place = self.folder / str(self._count)
        self.folder.mkdir(parents=True, exist_ok=True)
        processes.give_to_servers(self.folder)
        return place

    def _keep(self, name: Name, base: Base) -> None:
        with self._lock:
            self._bases[name] = base
