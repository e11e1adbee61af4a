# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program git: a copy of one branch, a commit, a push; and credentials that only git's own question gets."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import refuse

Run = Callable[..., "tuple[int, str, str]"]
# What git says when somebody else was faster.
RACE = re.compile(r"\[rejected\]|non-fast-forward|fetch first|cannot lock ref|failed to update ref|stale info")
# Of the one who calls, and about another repository.
INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_PREFIX")


class Credentials:
    """What git is answered when it asks. The password is in memory; git's environment holds where, not what."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="git_manifests.")
        self._files: list[int] = []
        self.given = params["password"] is not None
        self.environment = {
            "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true", "LC_ALL": "C",
            "GIT_LFS_SKIP_SMUDGE": "1", "GIT_SSH_COMMAND": _ssh(params),
        }  # fmt: skip
        if self.given:
            user, password = (self._kept(name, params[name] or "git") for name in ("username", "password"))
            asker = Path(self._folder.name) / "answer"
            asker.write_text(f'#!/bin/sh\ncase "$1" in\nUsername*) cat {user} ;;\n*) cat {password} ;;\nesac\n')
            asker.chmod(0o700)
            self.environment["GIT_ASKPASS"] = str(asker)

    def _kept(self, name: str, text: str) -> str:
        """A path under which our children read the text; on a disk only where there are no files in memory."""
        if hasattr(os, "memfd_create"):
            number = os.memfd_create(name)
            os.fchmod(number, 0o600)
            os.write(number, text.encode())
            self._files.append(number)
            return f"/proc/{os.getpid()}/fd/{number}"
        path = Path(self._folder.name) / name
        path.touch(mode=0o600)
        path.write_text(text)
        return shlex.quote(str(path))

    def close(self) -> None:
        for number in self._files:
            os.close(number)
        self._files = []
        self._folder.cleanup()


def _ssh(params: Mapping[str, Any]) -> str:
    if "GIT_SSH_COMMAND" in os.environ and not params["ssh_key_file"] and not params["ssh_known_hosts_file"]:
        return os.environ["GIT_SSH_COMMAND"]
    words = ["ssh", "-oBatchMode=yes"]
    if params["ssh_key_file"]:
        words += ["-oIdentitiesOnly=yes", f"-i{params['ssh_key_file']}"]
    if params["ssh_known_hosts_file"]:
        words += [f"-oUserKnownHostsFile={params['ssh_known_hosts_file']}", "-oStrictHostKeyChecking=yes"]
    return shlex.join(words)


def check_url(url: str) -> None:
    """A password in an address ends up in argv, in .git/config and in logs."""
    address = urlsplit(url)
    problems = []
    if address.password is not None:
        problems.append("the repository's address holds a password; give it as password")
    if url.startswith("-") or "::" in url:
        problems.append("the repository's address is none that git_manifests hands to git")
    if address.scheme in ("http", "git"):
        loopback = address.hostname in ("localhost", "127.0.0.1", "::1")
        problems += [] if loopback else [f"{address.scheme}:// is not encrypted; use https:// or ssh://"]
    refuse("git_manifests", problems)


class Repository:
    """A private copy of one branch."""

    def __init__(self, run: Run, credentials: Credentials, root: Path, params: Mapping[str, Any]) -> None:
        self._run, self._credentials, self.root = run, credentials, root
        self.url, self.branch = params["repository"], params["branch"]
        self._params = params

    def git(self, what: str, *words: str) -> str:
        code, out, err = self._try(*words)
        if code:
            raise self._failed(what, err or out)
        return out.strip()

    def _failed(self, what: str, text: str) -> ResourceError:
        return ResourceError(f"cannot {what} (repository {self.url}, branch {self.branch}): {text.strip()}")

    def _try(self, *words: str) -> tuple[int, str, str]:
        # Whoever runs us may have helpers that would ask or store: with a password of ours, git asks us alone.
        helper = ["-c", "credential.helper="] if self._credentials.given else []
        settings = ["-c", "core.autocrlf=false", "-c", "advice.detachedHead=false", *helper]
        strange = [f"--unset={name}" for name in INHERITED if name in os.environ]
        command = [*(["env", *strange] if strange else []), "git", *settings, *words]
        return self._run(command, cwd=str(self.root), environ_update=self._credentials.environment)

    def fetch(self) -> None:
        """The newest state of the branch. A repository without any branch begins with ours."""
        listed = self.git("read the branches", "ls-remote", "--heads", "--", self.url).splitlines()
        names = [line.partition("refs/heads/")[2] for line in listed]
        if names and self.branch not in names:
            told = ", ".join(sorted(names)[:8])
            raise ResourceError(
                f"repository {self.url} has no branch {self.branch} (it has {told}); make it, or name another branch"
            )
        self.git("make a copy", "init", "-q", "--initial-branch", self.branch, ".")
        if names:
            self.git("fetch", "fetch", "-q", "--no-tags", "--depth=1", "--", self.url, f"refs/heads/{self.branch}")
            self.git("check out", "reset", "-q", "--hard", "FETCH_HEAD")

    def head(self) -> str:
        code, out, _err = self._try("rev-parse", "-q", "--verify", "HEAD")
        return "" if code else out.strip()

    def commit(self, path: str, message: str) -> None:
        name, email = self._params["author_name"], self._params["author_email"]
        self.git("stage the files", "add", "-A", "--force", "--", path)
        self.git(
            "commit",
            "-c",
            f"user.name={name}",
            "-c",
            f"user.email={email}",
            "commit",
            "-q",
            "--no-verify",
            "-m",
            message,
        )

    def push(self) -> bool:
        """Push; when somebody was faster, put our commit on top of theirs and try once more. True when that was so."""
        problem = self._push()
        if not problem:
            return False
        if not RACE.search(problem) or "[remote rejected]" in problem:
            raise self._failed("push", problem)
        self._rebase()
        again = self._push()
        if again:
            raise self._failed("push, twice; somebody else pushes at the same time, run again", again)
        return True

    def _push(self) -> str:
        code, out, err = self._try("push", "-q", "--", self.url, f"HEAD:refs/heads/{self.branch}")
        return (err or out or "git push failed") if code else ""

    def _rebase(self) -> None:
        name, email = self._params["author_name"], self._params["author_email"]
        # As far back as the commit that both have.
        deep = ["--unshallow"] if (self.root / ".git" / "shallow").exists() else []
        self.git("fetch", "fetch", "-q", "--no-tags", *deep, "--", self.url, f"refs/heads/{self.branch}")
        code, out, err = self._try("-c", f"user.name={name}", "-c", f"user.email={email}", "rebase", "-q", "FETCH_HEAD")
        if code:
            self._try("rebase", "--abort")
            raise self._failed(
                "put our commit on top of another that was pushed meanwhile; run again, it begins from that one",
                err or out,
            )
