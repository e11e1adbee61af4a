"""Work beside the API and the answer that tells its beginning."""

from __future__ import annotations

import pytest
from bahnvision_lab.aws.answering import after_the_answer, answering


def test_work_begins_after_the_answer_in_the_order_it_was_asked_for() -> None:
    done: list[int] = []
    with answering():
        for number in (1, 2):
            after_the_answer(lambda number=number: done.append(number))
        assert done == []
    assert done == [1, 2]


def test_without_a_request_it_begins_at_once() -> None:
    done: list[int] = []
    after_the_answer(lambda: done.append(1))
    assert done == [1]


def test_an_answer_that_fails_leaves_nothing_undone() -> None:
    done: list[int] = []

    def answer() -> None:
        with answering():
            after_the_answer(lambda: done.append(1))
            raise ValueError("answer")

    with pytest.raises(ValueError, match="answer"):
        answer()
    assert done == [1]
