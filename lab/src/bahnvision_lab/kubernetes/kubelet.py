"""A container as its kubelet would start it, seen from outside: nothing runs in the lab's Pods.

For who wants to know whether what a Pod is told would lead it to its database and its cache.
"""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import redis

from bahnvision_lab.errors import LabError

Object = dict[str, Any]


class Reader:
    """An identity's way to a cluster's API. `authority` is PEM."""

    def __init__(self, server: str, authority: str, bearer: str) -> None:
        self.server, self.bearer = server, bearer
        self.context = ssl.create_default_context(cadata=authority)

    def ask(self, path: str, body: Object | None = None, method: str = "") -> Object:
        """Return the answer, {} when there is no such thing."""
        request = urllib.request.Request(  # noqa: S310 - a cluster's endpoint is https
            self.server + path, method=method or ("POST" if body else "GET"),
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {self.bearer}", "Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:  # noqa: S310
                return dict(json.load(answer))
        except urllib.error.HTTPError as problem:
            if problem.code == 404:
                return {}
            raise LabError(f"{path}: {problem.code} {problem.read().decode()}") from problem


class Container:
    """The first container of a Pod template: its environment, and the files that are mounted from ConfigMaps."""

    def __init__(self, reader: Reader, namespace: str, pod: Object, folder: Path) -> None:
        self.reader, self.namespace, self.pod, self.folder = reader, namespace, pod, folder
        self.told = pod["spec"]["containers"][0]
        self.environment = {**dict(self._from()), **dict(self._own())}

    def _from(self) -> Iterator[tuple[str, str]]:
        for source in self.told.get("envFrom") or ():
            for key, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
                if key in source:
                    found = self._data(kind, source[key]["name"])
                    yield from ((f"{source.get('prefix', '')}{name}", value) for name, value in found.items())

    def _own(self) -> Iterator[tuple[str, str]]:
        for one in self.told.get("env") or ():
            source = one.get("valueFrom") or {}
            for key, kind in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
                if key in source:
                    yield one["name"], self._data(kind, source[key]["name"])[source[key]["key"]]
            if not source:
                yield one["name"], one.get("value", "")

    def _data(self, kind: str, name: str) -> dict[str, str]:
        found = self.reader.ask(f"/api/v1/namespaces/{self.namespace}/{kind}/{name}").get("data") or {}
        return found if kind == "configmaps" else {key: base64.b64decode(text).decode() for key, text in found.items()}

    def file(self, path: str) -> str:
        """Write what is mounted at this path into the folder, and return where it is."""
        for mount in self.told.get("volumeMounts") or ():
            volume = next(one for one in self.pod["spec"]["volumes"] if one["name"] == mount["name"])
            if "configMap" in volume and Path(path).parent == Path(mount["mountPath"]):
                copy = self.folder / Path(path).name
                copy.write_text(self._data("configmaps", volume["configMap"]["name"])[Path(path).name])
                return str(copy)
        raise LabError(f"no ConfigMap is mounted at {path}")

    def database(self) -> psycopg.Connection[Any]:
        """Connect as asyncpg would: the URL's parts, TLS as it says, the authorities from PGSSLROOTCERT."""
        url = urlsplit(self.environment["DATABASE_URL"])
        if url.scheme != "postgresql+asyncpg":
            raise LabError(f"DATABASE_URL is no URL for asyncpg: its scheme is {url.scheme or 'missing'}")
        return psycopg.connect(
            host=url.hostname, port=url.port, dbname=url.path[1:], user=unquote(url.username or ""),
            password=unquote(url.password or ""), sslmode=parse_qs(url.query)["ssl"][0],
            sslrootcert=self.file(self.environment["PGSSLROOTCERT"]), autocommit=True, prepare_threshold=None,
        )  # fmt: skip

    def cache(self) -> redis.Redis:
        """Connect as valkey-py would, with the URL as it is; only the file is where it lies here."""
        url = self.environment["VALKEY_URL"]
        mounted = parse_qs(urlsplit(url).query)["ssl_ca_certs"][0]
        return redis.from_url(url.replace(mounted, self.file(mounted)), socket_timeout=60)
