# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access strings and passwords of users: what ElastiCache takes, and when two access strings mean the same. Pure."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterator, Mapping
from typing import Any

LONG = {"allkeys": "~*", "allchannels": "&*", "allcommands": "+@all", "nocommands": "-@all"}
RULE = re.compile(r"on|off|~\S+|%(R|W|RW|WR)~\S+|&\S+|[+-]@[a-z]+|[+-][a-z0-9._|-]+|resetkeys|resetchannels", re.I)
MANAGED = re.compile(r"[><#!]|nopass$|reset$|resetpass$", re.I)
USER_ID = re.compile(r"[a-z](?!.*--)[a-z0-9-]{0,39}(?<!-)")
SHORTEST, LONGEST, OURS = 16, 128, 48
FORBIDDEN = ',"/@'


def access_problems(access: str) -> Iterator[str]:
    """Say what ElastiCache would refuse of an access string."""
    tokens = access.split()
    if not tokens or tokens[0] not in ("on", "off"):
        yield f"access_string {access!r} must begin with on or off; without it the user could not log in"
    for token in tokens:
        if MANAGED.match(token):
            yield f"access_string {access!r} holds {token[0]}..: passwords are given apart, never in the access string"
        elif token.lower() not in LONG and not RULE.fullmatch(token):
            yield f"access_string {access!r}: {token!r} is no rule; write ~keys, &channels, +@category or +command"


def meaning(access: str) -> tuple[Any, ...]:
    """Return what an access string says, so that spelling does not count.

    Keys and channels are sets; rules of commands follow each other, and +@all or -@all forgets those before.
    """
    switch, keys, channels, commands = "off", set(), set(), ["-@all"]
    for token in (LONG.get(word.lower(), word) for word in access.split()):
        if token in ("on", "off"):
            switch = token
        elif token[0] in "~%":
            keys.add(token)
        elif token[0] == "&":
            channels.add(token)
        elif token.lower() in ("resetkeys", "resetchannels"):
            (keys if token.lower() == "resetkeys" else channels).clear()
        else:
            commands = [token] if token in ("+@all", "-@all") else [*commands, token.lower()]
    return switch, frozenset(keys), frozenset(channels), tuple(commands)


def password_problems(passwords: list[str]) -> Iterator[str]:
    """Say what ElastiCache would refuse of given passwords, without telling them."""
    if len(passwords) > 2:
        yield "passwords names more than two; a user has one or two"
    for number, password in enumerate(passwords, start=1):
        if not SHORTEST <= len(password) <= LONGEST:
            yield f"password {number} must have {SHORTEST} to {LONGEST} characters; it has {len(password)}"
        if any(not "!" <= letter <= "~" or letter in FORBIDDEN for letter in password):
            yield f"password {number} must be printable ASCII without blanks and without {' '.join(FORBIDDEN)}"


def new_password() -> str:
    """Return a password that needs no escaping in an URL, a shell or a configuration file."""
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _place in range(OURS))


def name_problems(want: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with the names of a user and with how it logs in."""
    user_id, mode = want["user_id"], want["authentication_mode"]
    if not USER_ID.fullmatch(user_id):
        yield f"user_id {user_id!r} must be 1 to 40 lower-case letters, digits and single hyphens, a letter first"
    if mode == "iam" and want["user_name"] != user_id:
        yield f"a user with authentication_mode iam must have the user_name {user_id} (its user_id)"
    if mode == "no-password-required" and want["engine"] == "valkey":
        yield "Valkey knows no user without a password; take authentication_mode password or iam"
    if want.get("passwords") and mode != "password":
        yield f"passwords are not for authentication_mode {mode}"
    if want.get("secret") and mode != "password":
        yield f"secret is not for authentication_mode {mode}: there is no password to keep"
