"""The run of the user besides its plan: each pair is proved by a login before anybody reads it as the current one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user import access, secret, user
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.plan import Seen
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from test_rds_user_plan import INSTANCE, STATE, WANT, version
from test_rds_user_plan import secret as held


class Server:
    """Takes no password but those of `takes`; what was sent to it is kept."""

    def __init__(self, monkeypatch, takes=()):
        self.takes, self.sent, self.finished = takes, [], []
        self.held = held(pending=version("pending-password", identifier="two"))
        monkeypatch.setattr(secret, "read_secret", lambda _manager, _name: self.held)
        monkeypatch.setattr(secret, "finish", lambda *arguments: self.finished.append(arguments))
        monkeypatch.setattr(user.Work, "_send", lambda _work, statements: self.sent.extend(statements))

    def logs_in(self, _name, password):
        return password in self.takes


def work_on(server):
    work = user.Work({"secretsmanager": None}, WANT, INSTANCE)
    work.access = server
    return work


def test_a_rotation_whose_password_opens_nothing_leaves_the_former_one_current(monkeypatch):
    server = Server(monkeypatch, takes=("aB3aB3aB3aB3",))
    with pytest.raises(ResourceError, match="still names the former one as current"):
        work_on(server)._rotate()
    assert server.finished == []

    server.takes = ("pending-password",)
    work_on(server)._rotate()
    assert [arguments[2:] for arguments in server.finished] == [("one", "two")]


def test_the_server_is_sent_no_password(monkeypatch):
    server = Server(monkeypatch, takes=("pending-password",))
    work_on(server)._rotate()
    assert server.sent
    assert "pending-password" not in str(server.sent)
    assert "SCRAM-SHA-256$" in str(server.sent)


@pytest.mark.parametrize("takes", [("aB3aB3aB3aB3",), ()], ids=["right", "wrong"])
def test_after_a_change_the_pair_is_proved(monkeypatch, takes):
    server = Server(monkeypatch, takes)
    server.held = held()

    def look(work, _stack, _check_mode):
        work.access = server
        return Seen(INSTANCE, server.held, {**STATE, "acts_as": None}, logs_in=True)

    monkeypatch.setattr(user.Work, "look", look)
    monkeypatch.setattr(api, "get_instance", lambda _rds, _name: INSTANCE)
    clients = {"rds": None, "secretsmanager": None}
    if takes:
        assert user.ensure_user(clients, WANT, False)["actions"] == ["own database orders"]
    else:
        with pytest.raises(ResourceError, match="does not take the password"):
            user.ensure_user(clients, WANT, False)


def test_the_name_in_the_servers_certificate_is_always_checked(monkeypatch):
    asked = []

    def of(_side, params):
        asked.append(params)
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(access, "Connection", SimpleNamespace(of=of))
    monkeypatch.setattr(
        access, "Session", lambda *_arguments: SimpleNamespace(connect=lambda: None, close=lambda: None)
    )
    assert access.Access(None, "psql", WANT, INSTANCE["Endpoint"]).logs_in("orders_app", "x")
    assert [params["sslmode"] for params in asked] == ["verify-full"]
