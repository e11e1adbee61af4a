"""CREATE SUBSCRIPTION by members of rds_superuser, which RDS has changed PostgreSQL to allow.

Since version 16 the role pg_create_subscription does it. Before, PostgreSQL asks for a superuser: two event triggers
make the caller one for just this statement. They do it in the statement's own transaction, so no other session ever
sees it, and whatever fails takes it back.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

GRANTED_SINCE = 16
# Members of an extension: neither a dump nor a list of what is in the database shows them, as on RDS, which has none.
_OBJECTS = """
CREATE FUNCTION pg_catalog.rds_subscription() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $body$
DECLARE caller name := CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role') END;
BEGIN
  IF caller <> {admin} AND pg_has_role(caller, {group}, 'usage') THEN
    EXECUTE format('ALTER ROLE %I %s', caller, CASE tg_event WHEN 'ddl_command_start' THEN 'SUPERUSER'
      ELSE 'NOSUPERUSER' END);
  END IF;
END $body$;
CREATE EVENT TRIGGER rds_subscription_start ON ddl_command_start WHEN TAG IN ('CREATE SUBSCRIPTION')
  EXECUTE FUNCTION pg_catalog.rds_subscription();
CREATE EVENT TRIGGER rds_subscription_end ON ddl_command_end WHEN TAG IN ('CREATE SUBSCRIPTION')
  EXECUTE FUNCTION pg_catalog.rds_subscription();
ALTER EXTENSION plpgsql ADD FUNCTION pg_catalog.rds_subscription();
ALTER EXTENSION plpgsql ADD EVENT TRIGGER rds_subscription_start;
ALTER EXTENSION plpgsql ADD EVENT TRIGGER rds_subscription_end;
"""


def allow(inside: psycopg.Connection, admin: str, group: str) -> None:
    """Allow it in the connection's database, and in those that are made of it."""
    if inside.info.server_version // 10000 < GRANTED_SINCE:
        inside.execute(sql.SQL(_OBJECTS).format(admin=sql.Literal(admin), group=sql.Literal(group)))
