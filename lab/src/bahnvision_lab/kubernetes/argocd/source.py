"""The manifests of an Application: a commit of a Git repository that the lab can reach, and what lies in its folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import yaml

from bahnvision_lab.kubernetes.argocd.model import Object, comparison

SUFFIXES = (".yaml", ".yml", ".json")
KUSTOMIZATION = ("kustomization.yaml", "kustomization.yml", "Kustomization")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
UNKNOWN = ("chart", "helm", "plugin", "kustomize", "ref")
SECONDS = 20
FRESH = 0.7  # seconds for which a copy is taken as it is, for all Applications
# No question to a terminal that is not there, no configuration of whoever runs the lab.
ALONE = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}


class Repositories:
    """Bare copies of repositories, brought up to date before each look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, str, str], list[Object]] = {}  # a commit's manifests do not change
        self._fresh: dict[tuple[str, str], tuple[float, str]] = {}

    def read(self, source: dict[str, Any]) -> tuple[str, list[Object]]:
        """The commit and its manifests; ComparisonError with git's words when it cannot be had."""
        _require_known(source)
        url, revision = str(source.get("repoURL", "")), str(source.get("targetRevision") or "HEAD")
        copy, commit = self._commit(url, revision)
        asked = (str(copy), commit, json.dumps(source, sort_keys=True))
        if asked not in self._known:
            self._known[asked] = Folder(copy, commit).manifests(str(source.get("path") or "."), source)
        return commit, self._known[asked]

    def _commit(self, url: str, revision: str) -> tuple[Path, str]:
        copy = self._folder / hashlib.sha256(url.encode()).hexdigest()[:16]
        until, commit = self._fresh.get((url, revision), (0.0, ""))
        if time.monotonic() < until:
            return copy, commit
        if not copy.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            _git(None, "init", "-q", "--bare", str(copy))
        head = ["+HEAD:refs/lab/HEAD"] if revision == "HEAD" else []
        _git(copy, "fetch", "-q", "--prune", "--no-tags", "--", url, "+refs/*:refs/copy/*", *head)
        commit = _resolved(copy, revision)
        self._fresh[(url, revision)] = (time.monotonic() + FRESH, commit)
        return copy, commit


class Folder:
    def __init__(self, copy: Path, commit: str) -> None:
        self._copy, self._commit = copy, commit
        listed = _git(copy, "ls-tree", "-r", "-z", "--name-only", commit)
        self._files = [PurePosixPath(name) for name in listed.split("\0") if name]

    def manifests(self, path: str, source: dict[str, Any]) -> list[Object]:
        folder = PurePosixPath(os.path.normpath(path))
        inside = [one for one in self._files if str(folder) == "." or folder in one.parents]
        if not inside:
            raise comparison(f"Failed to load target state: failed to generate manifest for source 1 of 1: "
                             f"{path}: app path does not exist")  # fmt: skip
        if any(folder / name in inside for name in KUSTOMIZATION):
            return self._kustomized(folder)
        recursive = bool((source.get("directory") or {}).get("recurse"))
        wanted = [one for one in inside if one.suffix in SUFFIXES and (recursive or one.parent == folder)]
        return [each for one in sorted(wanted) for each in self._objects(one)]

    def _kustomized(self, folder: PurePosixPath) -> list[Object]:
        name = next(folder / one for one in KUSTOMIZATION if folder / one in self._files)
        (told,) = self._documents(name) or [{}]
        others = sorted(set(told) - {"apiVersion", "kind", "metadata", "resources"})
        if others:
            raise comparison(f"the lab's Argo CD knows of {name} only resources, not {', '.join(others)}")
        found: list[Object] = []
        for item in told.get("resources") or ():
            target = PurePosixPath(os.path.normpath(folder / str(item)))
            if target in self._files:
                found += self._objects(target)
            elif any(target in one.parents for one in self._files):
                found += self._kustomized(target)
            else:
                raise comparison(f"Failed to load target state: `kustomize build {folder}` failed: accumulating "
                                 f"resources from '{item}': no such file or directory")  # fmt: skip
        return found

    def _documents(self, name: PurePosixPath) -> list[Any]:
        text = _git(self._copy, "show", f"{self._commit}:{name}")
        try:
            return [one for one in yaml.safe_load_all(text) if one is not None]
        except yaml.YAMLError as problem:
            raise comparison(f"Failed to load target state: {name}: {problem}") from None

    def _objects(self, name: PurePosixPath) -> list[Object]:
        found = self._documents(name)
        for one in found:
            if not isinstance(one, dict) or not one.get("kind") or not (one.get("metadata") or {}).get("name"):
                raise comparison(f"Failed to load target state: failed to unmarshal {name}: Object 'Kind' is missing")
        return found


def _require_known(source: dict[str, Any]) -> None:
    strange = [key for key in UNKNOWN if source.get(key)]
    if strange or not source.get("repoURL"):
        raise comparison(f"the lab's Argo CD knows plain manifests and kustomization.yaml with resources alone, not "
                         f"{', '.join(strange) or 'an Application without source.repoURL'}")  # fmt: skip
    url = str(source["repoURL"])
    address = urlsplit(url)
    if not (url.startswith("/") or address.scheme == "file" or address.hostname in LOOPBACK):
        raise comparison(f"Failed to load target state: {url}: the lab has no way to other machines; use a path, "
                         "file:// or a server on loopback")  # fmt: skip


def _resolved(copy: Path, revision: str) -> str:
    names = [f"refs/copy/heads/{revision}", f"refs/copy/tags/{revision}", f"refs/copy/{revision}", revision]
    for name in ["refs/lab/HEAD"] if revision == "HEAD" else names:
        found = subprocess.run(["git", "-C", str(copy), "rev-parse", "-q", "--verify", f"{name}^{{commit}}"],
                               capture_output=True, text=True, timeout=SECONDS, check=False)  # fmt: skip
        if found.returncode == 0:
            return found.stdout.strip()
    raise comparison(f"Failed to load target state: unable to resolve '{revision}' to a commit SHA")


def _git(folder: Path | None, *words: str) -> str:
    where = ["-C", str(folder)] if folder else []
    try:
        done = subprocess.run(["git", *where, *words], capture_output=True, text=True, timeout=SECONDS, check=False,
                              env={**os.environ, **ALONE})  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise comparison(f"Failed to load target state: git: {problem}") from None
    if done.returncode:
        raise comparison(f"Failed to load target state: {(done.stderr or done.stdout).strip()}")
    return done.stdout
