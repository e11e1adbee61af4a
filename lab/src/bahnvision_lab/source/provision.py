"""The cluster "as in docker compose": the superuser POSTGRES_USER, its database, and the application's role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from bahnvision_lab.postgres import Server

DATABASE = "bahnvision"
APP_ROLE = "bahnvision_app"


def ensure_database(server: Server, app_password: str | None = None) -> None:
    """Create the role bahnvision_app and the empty database bahnvision where they are missing.

    Without a password of its own the application's role gets the superuser's: the lab's cluster is thrown away,
    and somebody who reads the lab's state must be able to connect as the application.
    """
    with server.connect() as admin:
        ensure_role(admin, app_password or server.admin_password)
        if not database_exists(admin, DATABASE):
            create_database(admin, DATABASE)
    # Always: a run killed between the two statements must not leave a database without grants.
    with server.connect(DATABASE) as inside:
        grant_to_application(inside)


def database_exists(admin: psycopg.Connection, name: str) -> bool:
    return bool(admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())


def ensure_role(admin: psycopg.Connection, password: str) -> None:
    if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone():
        return
    # The verifier, not the password: the server's log and pg_stat_statements show the text of statements.
    verifier = admin.pgconn.encrypt_password(password.encode(), APP_ROLE.encode(), b"scram-sha-256").decode()
    statement = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}"
    admin.execute(sql.SQL(statement).format(sql.Identifier(APP_ROLE), sql.Literal(verifier)))


def create_database(admin: psycopg.Connection, name: str) -> None:
    statement = "CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0"
    admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(admin.info.user)))


def grant_to_application(inside: psycopg.Connection) -> None:
    """Give the application's role what an application has; run before the tables exist, so that they inherit it."""
    names = {"app": sql.Identifier(APP_ROLE), "database": sql.Identifier(inside.info.dbname)}
    for statement in (
        "GRANT CONNECT ON DATABASE {database} TO {app}",
        "GRANT USAGE ON SCHEMA public TO {app}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}",
    ):
        inside.execute(sql.SQL(statement).format(**names))
