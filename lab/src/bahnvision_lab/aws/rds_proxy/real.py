"""One proxy at work: its books, its pooler, and the truth about its target."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from pathlib import Path

import psycopg
from moto.ec2.models import ec2_backends
from psycopg import conninfo

from bahnvision_lab import pace
from bahnvision_lab.aws.rds.instances import Fleet
from bahnvision_lab.aws.rds_proxy import access, reach
from bahnvision_lab.aws.rds_proxy.books import AVAILABLE, WAITS, Health, Proxy, Target, unavailable
from bahnvision_lab.aws.rds_proxy.pooler import PORT, Pooler, Setting
from bahnvision_lab.errors import LabError

WORKING = ("available", "modifying")
MOVES = unavailable("CONNECTION_FAILED", "The DB instance is failing over; connections wait.")
NO_CREDENTIALS = unavailable("AUTH_FAILURE", "Proxy does not have any registered credentials")
# What PostgreSQL says of a login that it refuses; whatever else it says passes.
REFUSALS = ("password authentication failed", "does not exist", "not permitted to log in", "permission denied",
            "pg_hba.conf", "no PostgreSQL user name")  # fmt: skip
FRESH = 1.0  # seconds for which an answer of the database stands when a client asks
CALM = 5.0  # and when nobody asks


def reserve_address() -> tuple[str, socket.socket]:
    """Return an address that is this lab's own as long as the socket is open: labs on one machine share them all."""
    for _attempt in range(200):
        address = f"127.57.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        held = socket.socket()
        try:
            held.bind((address, PORT - 1))
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, PORT))
        except OSError:
            held.close()
            continue
        return address, held
    raise LabError(f"no address of 127.57.0.0/16 is free on port {PORT} for a proxy")


class RealProxy:
    """`look` finds out what is true now, gives it to the pooler, and writes it into the target's health."""

    def __init__(self, proxy: Proxy, held: socket.socket, fleet: Fleet, folder: Path) -> None:
        self.proxy = proxy
        self.fleet = fleet
        self.pooler = Pooler(folder / proxy.id, proxy.address, fleet.authority)
        self.moving = False
        self.gone = False
        self._held = held
        self._lock = threading.Lock()
        self._max_connections = 100
        self._asked = 0.0  # when the database was last asked

    def start(self) -> None:
        process = self.pooler.start(self._setting({}, None))
        self.fleet.registry.add(self._entry, process)
        self.pooler.wait_until_it_answers()

    def destroy(self) -> None:
        with self._lock:
            self.pooler.destroy()
            self.fleet.registry.discard(self._entry)
            self._held.close()

    def look(self, age: float = FRESH) -> None:
        """Ask the database again when its last answer is older than `age`, or when something has changed."""
        if self.proxy.status not in WORKING or not self._lock.acquire(timeout=30):
            return
        try:
            if self.proxy.status in WORKING and self.pooler.alive and not self.moving:
                self._look(age)
        finally:
            self._lock.release()

    def register(self, target: Target) -> None:
        target.registered = time.monotonic()
        self.proxy.target = target

    def failing_over(self) -> None:
        self.moving = True
        if self.proxy.target is not None:
            self.proxy.target.health = MOVES
        if self.pooler.alive:
            self.pooler.hold()
            self._tell("proxy held")

    def moved(self) -> None:
        self.moving = False
        if self.pooler.alive:
            self.pooler.release()
            self._tell("proxy released")
            name = self.proxy.name
            self.fleet.in_background(f"proxy {name} after a failover", self._serve_again, lambda: None)

    def _serve_again(self, patience: float = 60) -> None:
        """The path through the proxy is open when a login works again, which is later than the endpoint's own."""
        deadline = time.monotonic() + patience
        while not (self.moving or self.gone or self.fleet.closing) and time.monotonic() < deadline:
            self.look(0)
            if self.proxy.target is not None and self.proxy.target.health == AVAILABLE:
                self._tell("proxy serves")
                return
            time.sleep(0.05)

    def _tell(self, event: str) -> None:
        if self.proxy.target is not None:
            name = self.proxy.target.database.db_instance_identifier
            self.fleet.site.journal.write(event, name, proxy=self.proxy.name)

    @property
    def _entry(self) -> str:
        return f"proxy:{self.proxy.id}"

    def _look(self, age: float) -> None:
        target = self.proxy.target
        users, denied = self._credentials()
        server, obstacle = self._way(target) if target else (None, None)
        changed = self.pooler.apply(self._setting(users, server))
        if target is None:
            return
        found = obstacle or denied or (None if users else NO_CREDENTIALS)
        old = time.monotonic() - self._asked > age
        if found is None and server and (changed or old or target.health != AVAILABLE):
            found = self._log_in(users, server)
            self._asked = time.monotonic()
        # A failover that began meanwhile has said what is true now.
        if found is not None and not self.moving:
            target.health = found

    def _credentials(self) -> tuple[dict[str, tuple[str, str]], Health | None]:
        """Return {user: (password, database)} of the secrets that the role may read, and why one cannot be read."""
        users, denied = {}, None
        for entry in self.proxy.auth:
            proxy = self.proxy
            try:
                found = access.credentials(
                    proxy.account, proxy.region, proxy.partition, proxy.role_arn, entry["SecretArn"]
                )
            except access.DeniedError as reason:
                denied = unavailable("AUTH_FAILURE", f"Credentials couldn't be retrieved: {reason}")
                continue
            users[found["username"]] = (found["password"], found["dbname"])
        return users, denied

    def _way(self, target: Target) -> tuple[tuple[str, int] | None, Health | None]:
        """Return the server behind the target, or what is in the way."""
        database, name = target.database, target.database.db_instance_identifier
        if not target.exists:
            return None, unavailable("UNREACHABLE", f"The DB instance {name} does not exist any more.")
        obstacle = reach.obstacle(ec2_backends[self.proxy.account][self.proxy.region], self.proxy, database)
        if obstacle:
            return None, unavailable("UNREACHABLE", f"The DB instance {name} can't be reached: {obstacle}.")
        instance = self.fleet.find(target.key)
        server = instance.endpoint if instance else None
        early = time.monotonic() < target.registered + pace.seconds("rds_proxy_target")
        if early or (server is None and database.status == "creating"):
            return None, unavailable("PENDING_PROXY_CAPACITY", WAITS)
        if server is None:
            return None, unavailable("UNREACHABLE", f"The DB instance {name} is {database.status}.")
        return server, None

    def _setting(self, users: dict[str, tuple[str, str]], server: tuple[str, int] | None) -> Setting:
        proxy, pool = self.proxy, self.proxy.pool
        return Setting(
            users={name: password for name, (password, _database) in users.items()},
            server=server,
            pool_size=max(1, self._max_connections * pool.max_connections_percent // 100),
            idle_share=pool.max_idle_connections_percent / 100,
            borrow_timeout=pool.borrow_timeout or 0.01,  # to PgBouncer 0 is for ever, to RDS not at all
            idle_client_timeout=proxy.idle_client_timeout,
            require_tls=proxy.require_tls,
            verbose=proxy.debug_logging,
            init_query=pool.init_query,
        )

    def _log_in(self, users: dict[str, tuple[str, str]], server: tuple[str, int]) -> Health:
        """Log in to the database as each user, then through the pooler, as a client would."""
        for user, (password, named) in users.items():
            database = named or self._default_database()
            try:
                self._measure(server, conninfo.make_conninfo(user=user, password=password, dbname=database))
                with psycopg.connect(self.pooler.dsn(user, password, database), autocommit=True) as connection:
                    connection.execute("SELECT 1", prepare=False)
            except psycopg.Error as problem:
                return _judged(user, str(problem).strip())
        return AVAILABLE

    def _measure(self, server: tuple[str, int], way_in: str) -> None:
        """Log in without the pooler, and see how many connections its percentages are of."""
        with psycopg.connect(
            way_in, host=server[0], port=server[1], sslmode="verify-full",
            sslrootcert=str(self.fleet.authority.bundle), connect_timeout=20, autocommit=True,
        ) as connection:  # fmt: skip
            row = connection.execute("SHOW max_connections").fetchone()
        assert row is not None
        if int(row[0]) != self._max_connections:
            self._max_connections = int(row[0])
            users = self._credentials()[0]
            self.pooler.apply(self._setting(users, server))

    def _default_database(self) -> str:
        assert self.proxy.target is not None
        return self.proxy.target.database.db_name or "postgres"


def _judged(user: str, problem: str) -> Health:
    if any(words in problem for words in REFUSALS):
        return unavailable("AUTH_FAILURE", f"The database refuses the login of {user}: {problem}")
    if "FATAL" in problem:
        return unavailable("CONNECTION_FAILED", f"The login of {user} failed: {problem}")
    return unavailable("UNREACHABLE", f"The DB instance can't be reached: {problem}")
