"""RBAC users."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from bahnvision_lab.aws.elasticache import access, catalogue
from bahnvision_lab.aws.elasticache.books import Books, User, UserGroup
from bahnvision_lab.aws.elasticache.names import clash, identifier, invalid
from bahnvision_lab.aws.refusals import AwsError, LabLacks

MOST = 1000
KINDS = {"password": "password", "no-password-required": "no-password", "iam": "iam"}


def find(books: Books, user_id: str) -> User:
    user = books.users.get(user_id.lower())
    if user is None:
        raise AwsError("UserNotFound", f"User {user_id} not found.")
    return user


def check_engine(engine: str) -> str:
    if engine.lower() not in catalogue.ENGINES:
        raise invalid(f'Unknown parameter for Engine: "{engine}", must be one of: {", ".join(catalogue.ENGINES)}')
    return engine.lower()


def create(books: Books, params: dict[str, Any]) -> User:
    user_id = identifier("UserId", params["UserId"], 40)
    name, engine = params["UserName"], check_engine(params["Engine"])
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}", name):
        raise invalid("The parameter UserName must be 1 to 120 letters, digits, hyphens, dots or underscores.")
    if user_id in books.users:
        raise AwsError("UserAlreadyExists", f"User {user_id} already exists.")
    if len(books.users) >= MOST:
        raise AwsError("UserQuotaExceeded", f"You have reached the quota of {MOST} users.")
    authentication, passwords = _authentication(params)
    if authentication is None:
        raise invalid(
            "No password was provided. If you want to create/update the user without password, please use the "
            "NoPasswordRequired flag."
        )
    _check_kind(authentication, engine)
    rules = access.canonical(params["AccessString"])
    user = User(user_id, name, engine, rules, authentication, passwords)
    books.users[user_id] = user
    return user


def modify(books: Books, params: dict[str, Any]) -> User:
    user = find(books, params["UserId"])
    _check_changeable(user)
    if params.get("AccessString") and params.get("AppendAccessString"):
        raise clash("AccessString and AppendAccessString cannot be specified together.")
    engine = check_engine(params["Engine"]) if params.get("Engine") else user.engine
    if engine == "redis" and user.engine == "valkey":
        raise clash("The engine of a user cannot be changed from valkey to redis.")
    authentication, passwords = _authentication(params)
    kind = authentication or user.authentication
    _check_kind(kind, engine)
    rules = user.access
    if params.get("AccessString"):
        rules = access.canonical(params["AccessString"])
    elif params.get("AppendAccessString"):
        rules = access.canonical(f"{user.access} {params['AppendAccessString']}")
    user.access, user.engine = rules, engine
    if authentication is not None:
        user.authentication, user.passwords = authentication, passwords
    return user


def delete(books: Books, user_id: str) -> User:
    """As AWS: the user leaves all its groups, and so all caches."""
    user = find(books, user_id)
    _check_changeable(user)
    groups = groups_of(books, user)
    needed = [group.identifier for group in groups if user.name == "default" and group.engine == "redis"]
    if needed:
        raise AwsError(
            "DefaultUserAssociatedToUserGroup",
            f"The default user {user.identifier} is associated with user group(s): {', '.join(needed)}.",
        )
    busy = [group.identifier for group in groups if group.status != "active"]
    if busy:
        raise AwsError("InvalidUserState", f"User group(s) {', '.join(busy)} of the user are being modified.")
    return user


def _check_changeable(user: User) -> None:
    if user.builtin:
        raise invalid("The default user cannot be modified or deleted; make another user with the name default.")
    if user.status != "active":
        raise AwsError("InvalidUserState", f"User {user.identifier} is in {user.status} state and cannot be changed.")


def groups_of(books: Books, user: User) -> list[UserGroup]:
    return [group for group in books.user_groups.values() if user.identifier in group.users]


def _authentication(params: dict[str, Any]) -> tuple[str | None, list[str]]:
    """Return how the user logs in and the hashes of its passwords; None when the request says nothing of it."""
    mode = params.get("AuthenticationMode") or {}
    if params.get("Passwords") and mode.get("Passwords"):
        raise clash("Passwords provided via multiple arguments. Use only one argument")
    passwords = params.get("Passwords") or mode.get("Passwords") or []
    kind = mode.get("Type")
    if kind is not None and kind not in KINDS:
        raise invalid(f"Invalid authentication type {kind}; must be one of: {', '.join(KINDS)}")
    if params.get("NoPasswordRequired"):
        kind = kind or "no-password-required"
    elif passwords:
        kind = kind or "password"
    if kind is None:
        return None, []
    if passwords and kind != "password":
        raise clash(f"Passwords cannot be specified with the authentication type {kind}.")
    if kind == "password":
        check_passwords(passwords)
    return KINDS[kind], [digest(password) for password in passwords]


def check_passwords(passwords: list[str]) -> None:
    if not 1 <= len(passwords) <= 2:
        raise invalid("A user with a password has one or two passwords.")
    if any(not 16 <= len(password) <= 128 for password in passwords):
        raise invalid("Passwords length must be between 16-128 characters.")
    if len(set(passwords)) != len(passwords):
        raise invalid("The passwords of a user must differ from each other.")
    if any(not " " < letter <= "~" for password in passwords for letter in password):
        raise invalid("Passwords must consist of printable ASCII characters without blanks.")


def _check_kind(kind: str, engine: str) -> None:
    if kind == "iam":
        raise LabLacks("a server that checks tokens of IAM")
    if kind == "no-password" and engine == "valkey":
        raise clash("Users of engine valkey must authenticate with a password or IAM; no password is not supported.")


def digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def describe(books: Books, user: User) -> dict[str, Any]:
    return {
        "UserId": user.identifier,
        "UserName": user.name,
        "Status": user.status,
        "Engine": user.engine,
        "MinimumEngineVersion": "7.2" if user.engine == "valkey" else "6.0",
        "AccessString": user.access,
        "UserGroupIds": [group.identifier for group in groups_of(books, user)],
        "Authentication": {
            "Type": user.authentication,
            **({"PasswordCount": len(user.passwords)} if user.authentication == "password" else {}),
        },
        "ARN": books.arn("user", user.identifier),
    }
