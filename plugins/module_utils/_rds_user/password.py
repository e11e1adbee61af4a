# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a password must be, and the verifier that the server is given in its place."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

FORBIDDEN = "/@\"' "
SHORTEST, LONGEST = 8, 128
ITERATIONS = 4096


def password_problem(password: str) -> str:
    """Return what RDS would object to, or ""; the password itself is never told."""
    if any(character in FORBIDDEN or not " " < character <= "~" for character in password):
        return "the password may hold printable ASCII characters only, and none of / @ \" ' and blank"
    if not SHORTEST <= len(password) <= LONGEST:
        return f"the password has {len(password)} characters; RDS takes {SHORTEST} to {LONGEST}"
    return ""


def verifier(password: str, salt: bytes | None = None) -> str:
    """Return the SCRAM-SHA-256 verifier (RFC 5803), as psql's \\password makes it.

    The server writes statements into its log when log_statement says so: with the verifier no password gets there.
    """
    salt = os.urandom(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored, server = hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
