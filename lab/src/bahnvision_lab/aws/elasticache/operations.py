"""What the families of operations share."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from bahnvision_lab.aws.elasticache import arns, names
from bahnvision_lab.aws.elasticache.books import Books
from bahnvision_lab.aws.elasticache.fleet import Fleet
from bahnvision_lab.aws.elasticache.lifecycle import Lifecycle


class Operations:
    """`params` are the request's, by the names of the API; the rest is given by the service."""

    params: dict[str, Any]
    books: Books
    life: Lifecycle
    fleet: Fleet

    def _page(self, key: str, rows: list[Any], most: int = 100) -> ActionResult:
        some, marker = names.page(self.params, rows, most)
        return ActionResult({key: some, "Marker": marker})

    def _tag(self, kind: str, name: str) -> None:
        arns.put(self.books, self.books.arn(kind, name), self.params.get("Tags"))
