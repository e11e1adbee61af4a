from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import PROGRAMS, find_clients, find_psql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError


def folder(path: Path, *names: str) -> Path:
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


def version(program: Path) -> str:
    return f"{program.name} (PostgreSQL) {program.parent.name}.4 (Debian)"


def test_the_first_folder_of_the_major_is_taken(tmp_path: Path) -> None:
    folders = [folder(tmp_path / "15", *PROGRAMS), folder(tmp_path / "17", *PROGRAMS)]

    found = find_clients(17, version=version, folders=[tmp_path / "none", *folders])

    assert found.pg_restore == str(tmp_path / "17" / "pg_restore")
    assert found.version == "17.4"


def test_a_wrong_major_is_refused_with_the_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(PostgresError) as caught:
        find_clients(17, version=version, folders=[folder(tmp_path / "15", *PROGRAMS)])

    text = str(caught.value)
    assert "needs psql, pg_dump and pg_restore of version 17" in text
    assert "15 holds 15.4" in text
    assert "postgresql-client-17" in text
    assert "\n" not in text


def test_a_folder_that_lacks_a_program_is_no_candidate(tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match="none found"):
        find_clients(17, version=version, folders=[folder(tmp_path / "17", "psql", "pg_dump")])


def test_a_given_folder_is_the_only_candidate(tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match=f"psql is not in {tmp_path}"):
        find_psql(str(tmp_path))
