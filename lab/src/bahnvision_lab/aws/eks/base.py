"""What every call of EKS needs: its books, its cluster, pages, and work that goes on after the answer."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, BaseResponse

from bahnvision_lab import pace
from bahnvision_lab.aws.answering import after_the_answer
from bahnvision_lab.aws.eks import checks
from bahnvision_lab.aws.eks.books import Cluster
from bahnvision_lab.aws.eks.tokens import Caller, caller_of

if TYPE_CHECKING:
    from bahnvision_lab.aws.eks.service import Books, Service

MOST = 100


class EksBase(BaseResponse):
    service: Service
    books: Books

    def _cluster(self, key: str) -> Cluster:
        name = self.params[key]
        if name not in self.books.clusters:
            raise checks.missing(f"No cluster found for name: {name}.")
        return self.books.clusters[name]

    def _caller(self) -> Caller:
        return caller_of(self.books.account, self.books.partition, self.get_access_key())

    def _later(self, kind: str, work: Callable[[], None]) -> None:
        """Do the work when the answer is made, and let it take at least its time."""
        lock = self.service.lock

        def live() -> None:
            pace.at_least(kind, time.monotonic())
            with lock:
                work()

        after_the_answer(lambda: threading.Thread(target=live, name=f"eks {kind}", daemon=True).start())

    def _page(self, key: str, rows: list[Any]) -> ActionResult:
        most = int(self.params.get("maxResults") or MOST)
        mark = self.params.get("nextToken")
        try:
            start = int(base64.urlsafe_b64decode(mark)) if mark else 0
        except ValueError:
            raise checks.bad("nextToken is invalid") from None
        more = (
            {"nextToken": base64.urlsafe_b64encode(str(start + most).encode()).decode()}
            if start + most < len(rows)
            else {}
        )
        return ActionResult({key: rows[start : start + most], **more})
