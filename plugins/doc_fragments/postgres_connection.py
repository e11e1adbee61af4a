# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Source and target of the modules that move or compare PostgreSQL databases."""

    DOCUMENTATION = r"""
options:
  source:
    description: The database that the data come from. It is not written to, but for what logical replication needs
      where that is asked for.
    type: dict
    required: true
    suboptions:
      host:
        description: Name or address of the server.
        type: str
        required: true
      port:
        description: Port of the server.
        type: int
        default: 5432
      database:
        description: Name of the database.
        type: str
        required: true
      user:
        description: Role to connect as. It must be able to read every table.
        type: str
        required: true
      password:
        description:
          - Password of the role. It reaches the PostgreSQL clients through memory, not through arguments, environment
            or disk.
          - When it is left out, libpq's own password file is used.
        type: str
      sslmode:
        description: How far TLS is asked for and checked, as libpq's C(sslmode).
        type: str
        choices: [disable, allow, prefer, require, verify-ca, verify-full]
        default: prefer
      sslrootcert:
        description: File with the certificates of the authorities that are trusted, on the host that runs the module.
        type: path
      connect_timeout:
        description: Seconds to wait for a connection.
        type: int
        default: 10
  target:
    description: The database that is written to by M(bahnvision.aws.pg_migrate) and compared by
      M(bahnvision.aws.pg_migrate_verify).
    type: dict
    required: true
    suboptions:
      host:
        description: Name or address of the server. For RDS, the endpoint itself, not a proxy.
        type: str
        required: true
      port:
        description: Port of the server.
        type: int
        default: 5432
      database:
        description: Name of the database. It must exist.
        type: str
        required: true
      user:
        description: Role to connect as, usually the owner of the database. It need not be a superuser.
        type: str
        required: true
      password:
        description:
          - Password of the role. It reaches the PostgreSQL clients through memory, not through arguments, environment
            or disk.
          - When it is left out, libpq's own password file is used.
        type: str
      sslmode:
        description: How far TLS is asked for and checked, as libpq's C(sslmode).
        type: str
        choices: [disable, allow, prefer, require, verify-ca, verify-full]
        default: verify-full
      sslrootcert:
        description:
          - File with the certificates of the authorities that are trusted, on the host that runs the module.
          - For RDS, the bundle of the region.
        type: path
      connect_timeout:
        description: Seconds to wait for a connection.
        type: int
        default: 10
  jobs:
    description: Tables worked on at once, V(1) to V(64). V(auto) is the number of processors of this machine, from 2
      to 8.
    type: str
    default: auto
  timeout:
    description: Seconds after which the module gives up; everything it has started is ended then.
    type: int
    default: 86400
  client_bindir:
    description:
      - Folder with C(psql), C(pg_dump) and C(pg_restore).
      - When it is left out, the usual folders of Debian, Red Hat and Homebrew packages and the C(PATH) are searched.
    type: path
requirements:
  - python >= 3.11
  - C(psql), C(pg_dump) and C(pg_restore) of the target's major version, on the host that runs the module
notes:
  - The module runs wherever Ansible runs it, the controller or a host near the databases; nothing is installed.
  - Servers from PostgreSQL 12 on are supported.
"""
