"""One database as RDS runs it: a primary, for Multi-AZ a synchronous standby, and an endpoint that stays.

Clients and the standby reach the primary through routes of the lab's router. Servers get a fresh port with every
start, so that nobody who took a dead server's port meanwhile keeps it from coming back.
"""

from __future__ import annotations

import shutil
import signal
import threading
from pathlib import Path

import psycopg
from psycopg import conninfo

from bahnvision_lab import postgres, processes
from bahnvision_lab.aws.rds import bootstrap
from bahnvision_lab.aws.rds.nodes import Node, Secrets, Site, touch, until
from bahnvision_lab.errors import LabError

STANDBY = "standby"  # the application_name that the primary waits for


class Cluster:
    """The servers of one DB instance. Not for two threads at once: RealInstance.lock sees to that."""

    def __init__(self, name: str, folder: Path, bindir: Path, site: Site, secrets: Secrets) -> None:
        self.name = name
        self.identifier = name  # what the API calls it at the moment
        self.folder = folder
        self.bindir = bindir
        self.site = site
        self.secrets = secrets
        self.parameters: dict[str, str] = {}  # of the DB parameter group
        self.archive_command = ""
        self.recovery: dict[str, str] = {}  # settings of a restore, while it runs
        self.primary: Node | None = None
        self.standby: Node | None = None
        self.former: Node | None = None  # a dead primary that a new standby can be made of
        self.synchronous = False  # commits wait for the standby
        self.port: int | None = None  # of the endpoint
        self._replication_port = 0
        self._configuring = threading.Lock()  # parameters are changed while a standby is made

    @property
    def endpoint(self) -> str:
        return self.name

    @property
    def link(self) -> str:
        """The route that the standby replicates over."""
        return f"{self.name}/replication"

    # -- the primary ------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Make an empty server and start it."""
        self._prepare_folder()
        node = self._new_node()
        node.server.create()
        self.primary = node
        self.launch(node)

    def restore(self, data: Path, recovery: dict[str, str]) -> None:
        """Start from a copy of a base backup; `recovery` says how far to go on through archived WAL."""
        self._prepare_folder()
        node = self._new_node()
        server = node.server
        server.folder.mkdir()
        processes.give_to_servers(server.folder)
        shutil.rmtree(server.data, ignore_errors=True)
        processes.run(
            ["cp", "-a", "--reflink=auto", "--", str(data), str(server.data)], self.folder, postgres.SERVER_ENV
        )
        (server.data / "standby.signal").unlink(missing_ok=True)  # of a backup that was a standby's
        self.primary = node
        if recovery:
            touch(server.data / "recovery.signal")
            self.recovery = recovery
            self.launch(node, patience=300)
            self.recovery = {}
            server.stop()
        self.launch(node, patience=300)

    def launch(self, node: Node, patience: float = 60) -> None:
        """Start the server; what leads to the primary leads to its new port."""
        if self.site.closing:
            raise LabError("the lab is going down")
        with self._configuring:
            node.server.port = postgres.free_port()
            self._configure(node)
        node.server.start(patience, record=lambda process: self.site.registry.add(node.record, process))
        if node is self.primary:
            self.lead_link_to(node)

    def open(self) -> int:
        """Let clients in: the endpoint leads to the primary. Return the moment (ns)."""
        target = self.require_primary().server.address
        if self.port is None:
            self.port = self.site.router.add(self.endpoint, target)
        return self.site.router.flip(self.endpoint, target)

    def require_primary(self) -> Node:
        if self.primary is None:
            raise LabError(f"{self.name} has no server")
        return self.primary

    def stop(self) -> None:
        """Close cleanly. The primary goes first: it hands the standby the last it has."""
        self._shut_endpoint()
        for node in (self.primary, self.standby):
            if node is not None:
                self.end(node, signal.SIGINT)
        self.synchronous = False

    def start(self) -> None:
        """Start what `stop` ended; clients are not let in yet."""
        self.launch(self.require_primary())
        if self.standby is not None:
            self._follow(self.standby)

    def restart(self) -> None:
        """What a reboot is: clients lose their connections, parameters that wait for it take effect."""
        self._shut_endpoint()
        primary, standby = self.require_primary(), self.standby
        self.end(primary, signal.SIGINT)
        self.synchronous = False
        self.launch(primary)
        if standby is not None:
            # Its own settings must not be below those that the WAL still to be replayed was written under.
            self._wait_for_replay(primary, standby)
            self.end(standby, signal.SIGINT)
            self._follow(standby)

    def reload(self) -> None:
        """Let the settings that need no restart take effect."""
        with self._configuring:
            for node in (self.primary, self.standby):
                if node is not None:
                    self._configure(node)
                    node.server.reload()

    def destroy(self) -> None:
        for node in (self.primary, self.standby, self.former):
            if node is not None:
                self.end(node, signal.SIGQUIT)
        for route in (self.endpoint, self.link):
            self.site.router.drop(route)
        self.primary = self.standby = self.former = None
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- the standby ------------------------------------------------------------------------------------------

    def ensure_standby(self) -> None:
        """Make the standby unless it is there, of the former primary if possible; commits wait for it afterwards."""
        if self.standby is not None:
            return
        node, how = self.former or self._new_node(), "rewind"
        self.former = node  # so that a second attempt finds it
        if not (node.server.data.exists() and self._rewind(node)):
            how = "basebackup"
            shutil.rmtree(node.server.data, ignore_errors=True)
            node.server.folder.mkdir(parents=True, exist_ok=True)
            processes.give_to_servers(node.server.folder)
            self.base_backup(node.server.data)
        self._follow(node)
        self.standby, self.former = node, None
        self.site.journal.write("standby", self.identifier, how=how)

    def drop_standby(self) -> None:
        """Single-AZ from now on."""
        self.set_synchronous(False)
        for node in (self.standby, self.former):
            if node is not None:
                self.end(node, signal.SIGQUIT)
                shutil.rmtree(node.server.folder)
        self.standby = self.former = None

    def base_backup(self, target: Path) -> None:
        """Copy the running primary."""
        server = self.require_primary().server
        source = conninfo.make_conninfo(host=server.address[0], port=server.port, user=bootstrap.REPLICATION)
        self._tool("pg_basebackup", "-D", str(target), "-d", source, "-X", "stream", "-c", "fast",
                   "--no-sync", "--no-manifest")  # fmt: skip

    def set_synchronous(self, wanted: bool) -> None:
        """Let commits wait for the standby, or not. True once it is so for every commit that begins from now on."""
        self.synchronous = wanted
        primary = self.require_primary()
        self.reload()
        names = self._synchronous_names(primary)
        # A connection made after the reload sees the new value; the checkpointer, which tells the others whether to
        # wait, has got the signal by then and reads its settings before it makes the checkpoint that is asked for.
        until(f"{self.name} has not read its settings", lambda: primary.ask("SHOW synchronous_standby_names") == names)
        if wanted:
            primary.ask("CHECKPOINT")

    def _follow(self, node: Node) -> None:
        """Start the server as the standby of the primary; when it streams, commits wait for it."""
        primary = self.require_primary()
        before, self.standby = self.standby, node
        try:
            touch(node.server.data / "standby.signal")
            self.launch(node)
            state = f"SELECT state FROM pg_stat_replication WHERE application_name = '{STANDBY}'"
            until(f"the standby of {self.name} does not stream", lambda: primary.ask(state) == "streaming")
        except (LabError, psycopg.Error):
            self.end(node, signal.SIGQUIT)
            self.standby = before
            raise
        self.set_synchronous(True)

    def _rewind(self, node: Node) -> bool:
        """Take back what the dead primary wrote after the other was promoted. False: it must be copied anew."""
        source = self.require_primary()
        source.ask("CHECKPOINT")  # else pg_rewind reads the old timeline from the control file
        server = source.server
        address = conninfo.make_conninfo(host=server.address[0], port=server.port, user=server.admin, dbname="postgres")
        with self._configuring:
            self._configure(node)
            node.server.configure()
        try:
            self._tool("pg_rewind", "-D", str(node.server.data), "--source-server", address, "--no-sync",
                       "--config-file", str(node.server.folder / "postgresql.conf"))  # fmt: skip
        except LabError as problem:
            self.site.journal.write("rewind failed", self.identifier, problem=str(problem))
            return False
        return True

    def _wait_for_replay(self, primary: Node, standby: Node) -> None:
        position = primary.ask("SELECT pg_current_wal_lsn()")
        reached = (
            f"SELECT coalesce(pg_last_wal_replay_lsn() >= '{position}', false) OR pg_get_wal_replay_pause_state() "
            "= 'paused'"  # it pauses where the primary's limits have grown beyond its own: the restart raises them
        )
        until(f"the standby of {self.name} does not catch up", lambda: standby.ask(reached))

    # -- parts ------------------------------------------------------------------------------------------------

    def end(self, node: Node, ask: signal.Signals) -> None:
        """End its server, if that still runs, and forget the process."""
        node.server.stop(ask)
        self.site.registry.discard(node.record)

    def _shut_endpoint(self) -> None:
        if self.port is not None:
            self.site.router.cut(self.endpoint)

    def lead_link_to(self, node: Node) -> None:
        if self._replication_port:
            self.site.router.flip(self.link, node.server.address)
        else:
            self._replication_port = self.site.router.add(self.link, node.server.address)

    def _new_node(self) -> Node:
        used = {node.server.folder.name for node in (self.primary, self.standby, self.former) if node is not None}
        letter = "b" if "a" in used else "a"
        server = postgres.Server(self.folder / letter, self.bindir, 0, bootstrap.ADMIN, self.secrets.admin)
        return Node(f"rds:{letter}:{self.name}", server)

    def _prepare_folder(self) -> None:
        """Certificate and password file, for both servers and for the tools. What a killed lab left goes."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        processes.give_to_servers(self.folder)
        self.site.authority.issue(self.folder)
        passwords = {bootstrap.ADMIN: self.secrets.admin, bootstrap.REPLICATION: self.secrets.replication}
        bootstrap.write_passfile(self._passfile, passwords)

    @property
    def _passfile(self) -> Path:
        return self.folder / "passfile"

    def _tool(self, program: str, *arguments: str) -> None:
        environment = {**postgres.SERVER_ENV, "PGPASSFILE": str(self._passfile)}
        processes.run([str(self.bindir / program), *arguments], self.folder, environment)

    def _synchronous_names(self, node: Node) -> str:
        return f"FIRST 1 ({STANDBY})" if self.synchronous and node is self.primary else ""

    def _configure(self, node: Node) -> None:
        settings = bootstrap.settings(self.folder, self.parameters) | bootstrap.REPLICATION_SETTINGS
        settings["synchronous_standby_names"] = self._synchronous_names(node)
        settings["archive_command"] = "/bin/true" if self.recovery else self.archive_command or "/bin/true"
        if node is self.standby:
            settings["primary_conninfo"] = conninfo.make_conninfo(
                host="127.0.0.1", port=self._replication_port, user=bootstrap.REPLICATION, sslmode="require",
                passfile=str(self._passfile), application_name=STANDBY, connect_timeout=2,
            )  # fmt: skip
        node.server.settings = settings | self.recovery
        node.server.hba = bootstrap.access_rules(self.parameters["rds.force_ssl"] == "1")
