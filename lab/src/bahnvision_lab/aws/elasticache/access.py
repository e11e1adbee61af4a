"""Access strings: what ElastiCache takes, how it tells them, and what becomes of them in the server."""

from __future__ import annotations

import re
from functools import cache

from bahnvision_lab.aws.elasticache import catalogue
from bahnvision_lab.aws.elasticache.names import invalid

LONG = {"allkeys": "~*", "allchannels": "&*", "allcommands": "+@all", "nocommands": "-@all"}
PASSWORDS = re.compile(r"^(>|<|#|!|nopass$|resetpass$|reset$)")
PATTERN = re.compile(r"^(~\S+|&\S+|%(R|W|RW|WR)~\S+|resetkeys|resetchannels|clearselectors|sanitize-payload)$")


@cache
def _known() -> tuple[frozenset[str], frozenset[str]]:
    table = catalogue.table("commands")
    return frozenset(table["commands"]), frozenset(table["categories"]) | {"all"}


def canonical(access: str) -> str:
    """Return the access string as DescribeUsers tells it: on/off first, short names, and -@all as the base."""
    tokens = [LONG.get(token, token) for token in access.split()]
    for token in tokens:
        _check(token)
    switches = [token for token in tokens if token in ("on", "off")]
    rules = [token for token in tokens if token not in ("on", "off")]
    first = next((number for number, token in enumerate(rules) if token[0] in "+-"), len(rules))
    if first == len(rules) or rules[first] not in ("+@all", "-@all"):
        rules.insert(first, "-@all")
    return " ".join([switches[-1] if switches else "off", *rules])


def _check(token: str) -> None:
    if PASSWORDS.match(token):
        raise invalid(f"Invalid access string: passwords cannot be specified in the access string ({token[0]}...).")
    if token in ("on", "off") or PATTERN.match(token):
        return
    commands, categories = _known()
    name = token[1:].lower()
    known = name[1:] in categories if name.startswith("@") else name.partition("|")[0] in commands
    if token[0] not in "+-" or not known:
        raise invalid(f"Invalid access string: unknown rule or command '{token}'.")


def server_rules(access: str, hashes: list[str], nopass: bool) -> list[str]:
    """Return the rules for ACL SETUSER: the user's, less the commands that a managed service keeps for itself."""
    switch, *rules = access.split()
    secrets = ["nopass"] if nopass else [f"#{entry}" for entry in hashes]
    withheld = [f"-{command}" for command in catalogue.table("commands")["withheld"]]
    return [switch, *secrets, *rules, *withheld]
