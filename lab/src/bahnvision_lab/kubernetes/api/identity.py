"""Who asks: bearer tokens of service accounts, and those that the cluster's owner (EKS) knows how to read."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bahnvision_lab.kubernetes.api.store import Store

AUDIENCE = "https://kubernetes.default.svc"
ACCOUNTS = ("", "serviceaccounts")


@dataclass(frozen=True)
class User:
    """An identity. `grants` are permissions that do not come from RBAC (EKS access policies)."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)
    grants: tuple[Any, ...] = ()

    def describe(self) -> dict[str, Any]:
        told: dict[str, Any] = {"username": self.name, "uid": self.uid, "groups": list(self.groups)}
        if self.extra:
            told["extra"] = self.extra
        return {key: value for key, value in told.items() if value}


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
AUTHENTICATED = "system:authenticated"
External = Callable[[str], User | None]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Tokens:
    """The key of a cluster's service-account tokens. It is public as JWKS: IAM trusts it through OIDC."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = rsa.generate_private_key(65537, 2048)

    def issue(self, account: dict[str, Any], audiences: list[str], seconds: int) -> str:
        metadata, began = account["metadata"], int(time.time())
        space, name = metadata["namespace"], metadata["name"]
        claims = {
            "aud": audiences, "exp": began + seconds, "iat": began, "nbf": began, "iss": self.issuer,
            "kubernetes.io": {"namespace": space, "serviceaccount": {"name": name, "uid": metadata["uid"]}},
            "sub": f"system:serviceaccount:{space}:{name}",
        }  # fmt: skip
        head = {"alg": "RS256", "kid": self.key_id, "typ": "JWT"}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_text(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def read(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token of ours that is still good."""
        signed, _dot, signature = token.rpartition(".")
        try:
            self._key.public_key().verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims: dict[str, Any] = json.loads(_bytes(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            return None
        return claims if claims["exp"] > time.time() else None

    @property
    def key_id(self) -> str:
        return _text(self._number(self._key.public_key().public_numbers().n)[:16])

    @staticmethod
    def _number(value: int) -> bytes:
        return value.to_bytes((value.bit_length() + 7) // 8, "big")

    def key_set(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        return {"keys": [{
            "use": "sig", "kty": "RSA", "kid": self.key_id, "alg": "RS256",
            "n": _text(self._number(numbers.n)), "e": _text(self._number(numbers.e)),
        }]}  # fmt: skip

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        }  # fmt: skip


class Authenticator:
    """Turns a bearer token into a user."""

    def __init__(self, store: Store, tokens: Tokens, external: External) -> None:
        self._store = store
        self._tokens = tokens
        self._external = external

    def user_of(self, token: str) -> User | None:
        """None when nobody has this token."""
        found = self._service_account(token) or self._external(token)
        if found is None:
            return None
        groups = tuple(dict.fromkeys((*found.groups, AUTHENTICATED)))
        return User(found.name, groups, found.uid, found.extra, found.grants)

    def _service_account(self, token: str) -> User | None:
        claims = self._tokens.read(token) if token.count(".") == 2 else None
        if claims is None or not {AUDIENCE, self._tokens.issuer} & set(claims["aud"]):
            return None
        told = claims["kubernetes.io"]
        space, name, uid = told["namespace"], told["serviceaccount"]["name"], told["serviceaccount"]["uid"]
        account = self._store.find(ACCOUNTS, space, name)
        if account is None or account["metadata"]["uid"] != uid:
            return None
        return service_account(space, name, uid)


def service_account(space: str, name: str, uid: str = "") -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{space}", AUTHENTICATED)
    return User(f"system:serviceaccount:{space}:{name}", groups, uid)
