"""Put the lab's EKS in the place of moto's. What has no method here is answered with 501."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import moto.eks.urls
from moto.core.responses import ActionResult, EmptyResult
from moto.utilities.utils import get_partition

from bahnvision_lab.aws.eks import checks, offers
from bahnvision_lab.aws.eks.addons import AddonOperations
from bahnvision_lab.aws.eks.books import Cluster, Told
from bahnvision_lab.aws.eks.capabilities import CapabilityOperations
from bahnvision_lab.aws.eks.clusters import ClusterOperations
from bahnvision_lab.aws.eks.entries import AccessOperations
from bahnvision_lab.aws.eks.images import Images
from bahnvision_lab.aws.eks.insights import insights
from bahnvision_lab.aws.eks.makers import Makers
from bahnvision_lab.aws.eks.nodegroups import NodegroupOperations
from bahnvision_lab.aws.eks.tokens import SecretOf, caller_of, signer_of, user_of
from bahnvision_lab.certificates import Authority
from bahnvision_lab.faults import Faults
from bahnvision_lab.kubernetes.api.identity import User


class Books:
    """The clusters of one account and region."""

    def __init__(self, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self.partition = get_partition(region)
        self.clusters: dict[str, Cluster] = {}


class Service:
    """The books of all accounts and regions, and what their clusters are made with."""

    def __init__(
        self, folder: Path, authority: Authority, faults: Faults, secret_of: SecretOf, publish: Callable[[], None]
    ) -> None:
        self.folder = folder
        self.authority = authority
        self.images = Images(faults)
        self.secret_of = secret_of
        self.publish = publish
        self.makers = Makers(self)
        self.lock = threading.RLock()
        self._books: dict[tuple[str, str], Books] = {}

    def books(self, account: str, region: str) -> Books:
        key = (account, region)
        if key not in self._books:
            self._books[key] = Books(account, region)
        return self._books[key]

    def user_of(self, cluster: Cluster, token: str) -> User | None:
        key = signer_of(token, cluster.name, self.secret_of)
        return user_of(cluster, caller_of(cluster.account, cluster.partition, key)) if key else None

    def insights(self, cluster: Cluster) -> list[Told]:
        return insights(cluster)

    def describe(self) -> dict[str, Any]:
        return {
            cluster.name: cluster.kubernetes.describe()
            for books in list(self._books.values())
            for cluster in list(books.clusters.values())
            if cluster.kubernetes is not None
        }

    def close(self) -> None:
        for books in self._books.values():
            for cluster in books.clusters.values():
                if cluster.kubernetes is not None:
                    cluster.kubernetes.close()


class EksOperations(ClusterOperations, NodegroupOperations, AddonOperations, AccessOperations, CapabilityOperations):
    def list_tags_for_resource(self) -> ActionResult:
        return ActionResult({"tags": self._tags()})

    def tag_resource(self) -> ActionResult:
        self._tags().update(self.params["tags"])
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        tags = self._tags()
        for key in self.params["tagKeys"]:
            tags.pop(key, None)
        return EmptyResult()

    def _tags(self) -> dict[str, str]:
        arn = self.params["resourceArn"]
        for cluster in self.books.clusters.values():
            tags = cluster.tagged(arn)
            if tags is not None:
                return tags
        raise checks.AwsError("NotFoundException", f"Resource not found: {arn}")


class LabEks(EksOperations):
    """One request. The books are locked while it is worked on."""

    service: Service

    def __init__(self) -> None:
        super().__init__(service_name="eks")
        self.automated_parameter_parsing = True


def _locked(operation: Callable[[Any], ActionResult]) -> Callable[[LabEks], ActionResult]:
    def work(self: LabEks) -> ActionResult:
        with self.service.lock:
            self.books = self.service.books(self.current_account, self.region)
            return operation(self)

    work.__name__ = operation.__name__
    return work


for _class in EksOperations.__mro__[:6]:
    for _name, _operation in list(vars(_class).items()):
        if callable(_operation) and not _name.startswith("_"):
            setattr(LabEks, _name, _locked(_operation))


def paths() -> set[str]:
    """Every path of EKS's model, as moto's router wants it; ARNs hold slashes."""
    model = botocore.session.get_session().get_service_model("eks")
    found = {model.operation_model(name).http["requestUri"].partition("?")[0] for name in model.operation_names}
    return {
        re.sub(r"\{(\w+)\+?\}", lambda part: f"(?P<{part[1]}>{'.+' if part[1].endswith('Arn') else '[^/]+'})", one)
        for one in found
    }


def install(
    folder: Path, authority: Authority, faults: Faults, secret_of: SecretOf, publish: Callable[[], None]
) -> Service:
    """Before the first request."""
    offers.table()
    service = Service(folder, authority, faults, secret_of, publish)
    LabEks.service = service
    for path in paths():
        moto.eks.urls.url_paths[f"{{0}}{path}$"] = LabEks.dispatch
    return service
