"""How a server becomes what RDS hands out: roles, databases, TLS and access rules."""

from __future__ import annotations

import re
import secrets
import string
from pathlib import Path

import psycopg
from psycopg import sql

from bahnvision_lab import postgres, processes
from bahnvision_lab.aws.rds import subscriptions
from bahnvision_lab.state import write_private

ADMIN = "rdsadmin"  # RDS's own superuser; nobody else gets its password
REPLICATION = "rdsrepladmin"
GROUP = "rds_superuser"
# The groups of rds_superuser on RDS, as far as the server's version has them.
GROUP_OF = ("pg_monitor", "pg_signal_backend", "pg_checkpoint", "pg_read_all_data", "pg_write_all_data",
            "pg_use_reserved_connections", "pg_create_subscription", "pg_maintain",
            "rds_replication", "rds_password")  # fmt: skip
# What RDS generates: printable ASCII without its four forbidden characters, so that quoting faults show.
PASSWORD_CHARACTERS = "".join(
    character for character in string.ascii_letters + string.digits + string.punctuation if character not in "/@\"\\'"
)


# So that each server can be either: it archives what it has, and a standby that lost its link finds back soon.
REPLICATION_SETTINGS = {
    "archive_mode": "always",  # a primary that is killed may not have archived all that its standby has
    "archive_timeout": "300",
    # These servers die as processes, never with the kernel: what they have written stays written. With it on,
    # every new standby would first sync its whole data directory, seconds on a busy machine.
    "fsync": "off",
    "hot_standby": "on",
    "wal_keep_size": "512MB",
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "200ms",
}


def new_password(length: int = 32) -> str:
    """Return a password with at least one character that a URI, a shell or an INI file must quote."""
    while True:
        password = "".join(secrets.choice(PASSWORD_CHARACTERS) for _count in range(length))
        if any(character in "%&#:?=" for character in password):
            return password


def settings(folder: Path, parameters: dict[str, str]) -> dict[str, str]:
    """Return the server's settings: those of the parameter group, and those RDS keeps to itself."""
    return {
        **parameters,
        "ssl": "on",
        "ssl_cert_file": str(folder / "server.crt"),
        "ssl_key_file": str(folder / "server.key"),
        "wal_level": parameters.get("wal_level", "replica"),
        "max_wal_senders": "10",
    }


def access_rules(force_ssl: bool) -> tuple[str, ...]:
    """Return pg_hba.conf. The database rdsadmin and two roles are the service's own."""
    kind = "hostssl" if force_ssl else "host"
    return (
        f"host all {ADMIN} 127.0.0.1/32 scram-sha-256",
        f"host replication {REPLICATION} 127.0.0.1/32 scram-sha-256",
        f"host all {REPLICATION} all reject",
        f"host {ADMIN} all all reject",
        f"{kind} all all 127.0.0.1/32 scram-sha-256",
    )


def write_passfile(path: Path, passwords: dict[str, str]) -> None:
    """Write libpq's password file, for the tools and the standby: none of them takes a password otherwise unseen."""
    quoted = {role: re.sub(r"([:\\])", r"\\\1", password) for role, password in passwords.items()}
    lines = [f"*:*:*:{role}:{password}\n" for role, password in quoted.items()]
    write_private(path, "".join(lines))
    processes.give_to_servers(path)


def make_roles(server: postgres.Server, master: str, password: str, replication_password: str) -> None:
    """Create the roles of a new instance. The master user is no superuser: clients must live with that."""
    with server.connect() as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN REPLICATION").format(sql.Identifier(REPLICATION)))
        set_password(admin, REPLICATION, replication_password)
        for role in ("rds_replication", "rds_password", "rds_iam", GROUP):
            admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        known = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles").fetchall()}
        for role in GROUP_OF:
            if role in known:
                grant = sql.SQL("GRANT {} TO {} WITH ADMIN OPTION")
                admin.execute(grant.format(sql.Identifier(role), sql.Identifier(GROUP)))
        role = "CREATE ROLE {} LOGIN NOSUPERUSER CREATEDB CREATEROLE VALID UNTIL 'infinity' IN ROLE {}"
        admin.execute(sql.SQL(role).format(sql.Identifier(master), sql.Identifier(GROUP)))
        set_password(admin, master, password)


def let_members_replicate(server: postgres.Server, wanted: bool) -> None:
    """Give the members of rds_replication the attribute, or take it back. RDS has changed PostgreSQL to need none."""
    with server.connect() as admin:
        members = admin.execute(
            "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolreplication <> %s"
            " AND pg_has_role(oid, 'rds_replication', 'member')", (wanted,)
        ).fetchall()  # fmt: skip
        for (name,) in members:
            change = "ALTER ROLE {} REPLICATION" if wanted else "ALTER ROLE {} NOREPLICATION"
            admin.execute(sql.SQL(change).format(sql.Identifier(name)))


def set_password(admin: psycopg.Connection, role: str, password: str) -> None:
    """Give the role its password. The server sees only the verifier: its log may show statements."""
    verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))


def make_databases(server: postgres.Server, master: str, name: str | None) -> None:
    """RDS gives the master user postgres and template1, keeps rdsadmin, and makes DBName when it was named."""
    for template in ("template1", "postgres"):
        with server.connect(template) as inside:
            subscriptions.allow(inside, ADMIN, GROUP)
    with server.connect() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(ADMIN)))
        for database in ("postgres", "template1"):
            _own(admin, database, master)
        if name and name != "postgres":
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(master)))


def _own(admin: psycopg.Connection, database: str, owner: str) -> None:
    admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), sql.Identifier(owner)))
