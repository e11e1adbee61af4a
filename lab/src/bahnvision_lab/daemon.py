"""The process behind `lab up`: it holds the AWS API and starts and ends every server of the lab."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from bahnvision_lab import pace, processes
from bahnvision_lab.aws.contract.answers import Contract
from bahnvision_lab.aws.dms import service as dms
from bahnvision_lab.aws.ec2 import service as ec2
from bahnvision_lab.aws.eks import service as eks
from bahnvision_lab.aws.elasticache import service as elasticache
from bahnvision_lab.aws.elasticache.fleet import Fleet as CacheFleet
from bahnvision_lab.aws.rds import service as rds
from bahnvision_lab.aws.rds.instances import Fleet
from bahnvision_lab.aws.rds.nodes import Site
from bahnvision_lab.aws.rds_proxy import operations as rds_proxy
from bahnvision_lab.aws.request_log import RequestLog
from bahnvision_lab.aws.server import AwsServer, Credentials, configure_moto
from bahnvision_lab.aws.small import service as small
from bahnvision_lab.certificates import Authority
from bahnvision_lab.charts.server import ChartServer
from bahnvision_lab.control import end_servers
from bahnvision_lab.errors import LabError
from bahnvision_lab.faults import Faults
from bahnvision_lab.postgres import free_port
from bahnvision_lab.router import Router
from bahnvision_lab.source_server import start_source
from bahnvision_lab.state import State
from bahnvision_lab.truth import Journal


class Daemon:
    """One lab, from its first server to its last."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.stopping = threading.Event()
        self.authority = Authority(state.authority)
        self.faults = Faults(state.faults)
        state.request_log.unlink(missing_ok=True)  # it tells of the account that begins now
        state.contract_log.unlink(missing_ok=True)
        contract = Contract(state.contract_log)
        self.api = AwsServer(free_port(), RequestLog(state.request_log), Credentials(), self.faults, contract)
        self.router = Router(state.registry)
        site = Site(state.registry, self.router, self.authority, Journal(state.truth))
        self.fleet = Fleet(state.instances, site, self.publish)
        ec2.install()
        small.install()
        self.rds = rds.install(self.fleet, self.faults)
        self.proxies = rds_proxy.install(self.fleet)
        dms.install(self.fleet, self.faults)
        self.caches = CacheFleet(
            state.caches, state.registry, self.authority, self.router, site.journal, self.faults, self.publish
        )
        elasticache.install(self.caches)
        self.clusters = eks.install(state.clusters, self.authority, self.faults, self.api.secret_of, self.publish)
        self.charts = ChartServer()
        self._source: dict[str, object] = {}
        self._publishing = threading.Lock()

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: self.stopping.set())
        try:
            self._source = start_source(self.state, self.authority)
            self.api.start()
            self.charts.start()
            self.publish()
            self.stopping.wait()
        finally:
            self._stop()

    def publish(self) -> None:
        """Write the status that clients read; called whenever a part of it changes."""
        with self._publishing:
            if not self.stopping.is_set():
                self.state.write_status(self._status())

    def _status(self) -> dict[str, Any]:
        return {
            "running": True,
            "pace": pace.factor,
            "pid": os.getpid(),
            "aws": self.api.describe(),
            "ca_bundle": str(self.authority.bundle),
            "source": self._source,
            "databases": self.fleet.describe(self.rds.statuses()),
            "caches": self.caches.describe(),
            "proxies": self.proxies.describe(),
            "clusters": self.clusters.describe(),
            "charts": self.charts.describe(),
        }

    def _stop(self) -> None:
        self.stopping.set()
        pace.end()
        with self._publishing:
            self.state.status_file.unlink(missing_ok=True)
        self.api.stop()
        self.charts.stop()
        self.clusters.close()
        self.fleet.close()
        self.caches.close()
        self.router.close()
        end_servers(self.state.registry)


def main() -> int:
    state = State(Path(sys.argv[1]))
    pace.factor = float(sys.argv[2])
    # Nobody else may read what this process and its servers write.
    os.umask(0o077)
    state.registry.add("daemon", processes.identify(os.getpid()))
    configure_moto()
    # moto warns of codes that a service's model does not list; RDS and EC2 send many such.
    warnings.filterwarnings("ignore", message=r"Exception\(AwsError\)")
    try:
        Daemon(state).run()
    except LabError as problem:
        print(f"lab: error: {problem}", file=sys.stderr, flush=True)
        return 1
    finally:
        state.registry.discard("daemon")
    return 0


if __name__ == "__main__":
    sys.exit(main())
