"""All proxies of one lab: made, changed and removed beside the API, looked after in the background."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from bahnvision_lab import pace
from bahnvision_lab.aws.rds.instances import Fleet, Key
from bahnvision_lab.aws.rds_proxy.books import Proxy, Target, now
from bahnvision_lab.aws.rds_proxy.pooler import PORT
from bahnvision_lab.aws.rds_proxy.real import CALM, RealProxy, reserve_address
from bahnvision_lab.aws.refusals import AwsError
from bahnvision_lab.errors import LabError

ROUND = 1.0  # seconds between two looks at secrets, roles and security groups
DELETION = 0.3  # seconds for which a proxy is seen as deleting
FAILED = "insufficient-resource-limits"


class Proxies:
    """The poolers live here, beside moto's books. Also an observer of the fleet's failovers."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.folder = folder
        self._real: dict[Key, RealProxy] = {}
        self._adding = threading.Lock()
        threading.Thread(target=self._look_after, name="proxies", daemon=True).start()

    def find(self, key: Key) -> RealProxy:
        real = self._real.get(key)
        if real is None:
            raise AwsError(
                "DBProxyNotFoundFault",
                f"The specified proxy name {key[2]} doesn't correspond to a proxy owned by your Amazon Web Services "
                "account in the specified Amazon Web Services Region.",
            )
        return real

    def all(self, account: str, region: str) -> list[RealProxy]:
        return [real for key, real in sorted(self._real.items()) if key[:2] == (account, region)]

    def create(self, make: Callable[[str], Proxy]) -> Proxy:
        """`make` gets the address that is the proxy's own, and returns its books."""
        began = time.monotonic()
        address, held = reserve_address()
        proxy = make(address)
        real = RealProxy(proxy, held, self.fleet, self.folder)
        with self._adding:
            if proxy.key in self._real:
                held.close()
                raise AwsError("DBProxyAlreadyExistsFault", f"DBProxy {proxy.name} already exists.")
            self._real[proxy.key] = real

        def build() -> None:
            if self.fleet.closing:
                raise LabError("the lab is going down")
            real.start()
            pace.at_least("rds_proxy", began)

        self._work(real, build, "available")
        return proxy

    def modify(self, real: RealProxy, name: str) -> None:
        """The books say already what is to be."""
        began, proxy = time.monotonic(), real.proxy
        proxy.updated = now()
        if name != proxy.name:
            with self._adding:
                if (proxy.account, proxy.region, name) in self._real:
                    raise AwsError("DBProxyAlreadyExistsFault", f"DBProxy {name} already exists.")
                del self._real[proxy.key]
                proxy.name = name
                self._real[proxy.key] = real
        proxy.status = "modifying"

        def change() -> None:
            real.look()
            pace.at_least("rds_proxy_modify", began)

        self._work(real, change, "available")

    def register(self, real: RealProxy, target: Target) -> None:
        real.register(target)
        self.fleet.on_change()

    def deregister(self, real: RealProxy) -> None:
        real.proxy.target = None
        real.look()
        self.fleet.on_change()

    def delete(self, real: RealProxy) -> None:
        began = time.monotonic()
        real.proxy.status = "deleting"

        def remove() -> None:
            real.destroy()
            time.sleep(max(0, began + DELETION - time.monotonic()))
            # The lab's own status forgets it first: who hears of the API that it is gone, finds it nowhere.
            real.gone = True
            self.fleet.on_change()
            del self._real[real.proxy.key]

        self._work(real, remove, "deleting")

    def failing_over(self, key: Key) -> None:
        self._each_of(key, RealProxy.failing_over)

    def moved(self, key: Key) -> None:
        self._each_of(key, RealProxy.moved)

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the status's `proxies`."""
        proxies = [real.proxy for real in list(self._real.values()) if not real.gone]
        return {proxy.name: {"status": proxy.status, "host": proxy.address, "port": PORT} for proxy in proxies}

    def _each_of(self, key: Key, tell: Callable[[RealProxy], None]) -> None:
        """A proxy that cannot follow must not keep the failover from happening."""
        for real in list(self._real.values()):
            target = real.proxy.target
            if target is None or target.key != key:
                continue
            try:
                tell(real)
            except (LabError, OSError, psycopg.Error) as problem:
                print(f"proxy {real.proxy.name}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)

    def _work(self, real: RealProxy, work: Callable[[], None], then: str) -> None:
        def do() -> None:
            work()
            real.proxy.status = then

        self.fleet.in_background(
            f"{real.proxy.status} proxy {real.proxy.name}", do, lambda: setattr(real.proxy, "status", FAILED)
        )
        self.fleet.on_change()

    def _look_after(self) -> None:
        """A changed secret, role or security group is seen without anybody asking."""
        told = ""
        while not self.fleet.closing:
            for real in list(self._real.values()):
                try:
                    real.look(CALM)
                except (LabError, OSError, psycopg.Error) as problem:
                    message = f"proxy {real.proxy.name}: {type(problem).__name__}: {problem}"
                    if message != told:
                        print(message, file=sys.stderr, flush=True)
                    told = message
            time.sleep(ROUND)
