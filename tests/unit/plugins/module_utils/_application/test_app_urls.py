"""The URLs of the database and the cache, as SQLAlchemy with asyncpg and Valkey's client take them."""

from __future__ import annotations

import string
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bahnvision.aws.plugins.filter.app_cache_url import app_cache_url
from ansible_collections.bahnvision.aws.plugins.filter.app_database_url import app_database_url
from hypothesis import given, settings
from hypothesis import strategies as st

DATABASE = {
    "username": "bahnvision_app",
    "password": "p",
    "host": "proxy.example.com",
    "port": 5432,
    "dbname": "bahnvision",
}
CACHE = {"username": "bahnvision-app", "password": "p", "host": "master.example.com", "port": 6379}


def test_the_database_is_verified_and_no_statement_is_kept():
    assert app_database_url(DATABASE) == (
        "postgresql+asyncpg://bahnvision_app:p@proxy.example.com:5432/bahnvision?ssl=verify-full&prepared_statement_cache_size=0"
    )


def test_statements_may_be_kept_without_a_proxy():
    assert app_database_url(DATABASE, tls="require", statement_cache=True).endswith("/bahnvision?ssl=require")


def test_the_name_in_the_certificate_of_the_cache_is_compared():
    assert app_cache_url(CACHE) == (
        "rediss://bahnvision-app:p@master.example.com:6379/0?ssl_cert_reqs=required&ssl_check_hostname=true"
    )
    assert app_cache_url(CACHE, scheme="valkeys", ca_file="/etc/a b.pem").endswith("&ssl_ca_certs=/etc/a%20b.pem")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text(string.printable + "äß€", min_size=1))
def test_any_password_comes_out_as_it_went_in(password):
    database = urlsplit(app_database_url({**DATABASE, "password": password}, percent_encoding=True))
    cache = urlsplit(app_cache_url({**CACHE, "password": password}))

    assert unquote(database.password) == unquote(cache.password) == password
    assert (database.hostname, database.port, database.path) == ("proxy.example.com", 5432, "/bahnvision")
    assert (cache.hostname, cache.port, cache.path) == ("master.example.com", 6379, "/0")
    assert parse_qs(database.query) == {"ssl": ["verify-full"], "prepared_statement_cache_size": ["0"]}


@pytest.mark.parametrize("key", ["username", "password", "host", "dbname"])
def test_a_login_that_lacks_something_is_refused_without_telling_it(key):
    with pytest.raises(AnsibleFilterError) as caught:
        app_database_url({**DATABASE, "password": "do-not-tell", key: ""})

    assert str(caught.value).endswith(f"the login to the database lacks {key}")
    assert "do-not-tell" not in str(caught.value)


def test_a_password_that_alembic_would_print_is_refused_and_not_printed():
    with pytest.raises(AnsibleFilterError, match="Rotate to letters and digits") as caught:
        app_database_url({**DATABASE, "password": "do#not#tell"})

    assert "do#not" not in str(caught.value)


def test_a_cache_without_tls_is_refused():
    with pytest.raises(AnsibleFilterError, match="both with TLS"):
        app_cache_url(CACHE, scheme="redis")


def test_a_database_without_tls_is_refused():
    with pytest.raises(AnsibleFilterError, match="tls must be one of"):
        app_database_url(DATABASE, tls="prefer")
