from __future__ import annotations

import signal
from dataclasses import dataclass, field

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.throttle import CREDIT, Throttle
from hypothesis import given, settings
from hypothesis import strategies as st


@dataclass(eq=False)
class Sender:
    """Sends `speed` million bytes a second while it is not stopped."""

    pid: int
    speed: float
    sent: float = 0.0
    stopped: bool = False
    heard: list[signal.Signals] = field(default_factory=list)

    def send_signal(self, number: signal.Signals) -> None:
        self.heard.append(number)
        self.stopped = number == signal.SIGSTOP

    def pass_time(self, seconds: float) -> None:
        self.sent += 0 if self.stopped else self.speed * 1e6 * seconds


@dataclass
class World:
    senders: list[Sender]
    now: float = 100.0

    def throttle(self, rate: float) -> Throttle:
        by_pid = {sender.pid: sender for sender in self.senders}
        return Throttle(rate, lambda: self.now, lambda pid: int(by_pid[pid].sent))

    def run(self, throttle: Throttle, seconds: float, pause: float = 0.02) -> None:
        for _tick in range(round(seconds / pause)):
            for sender in self.senders:
                sender.pass_time(pause)
            self.now += pause
            throttle.look()


@settings(deadline=None, max_examples=40)
@given(st.floats(1, 50), st.lists(st.floats(1, 100), min_size=1, max_size=4), st.floats(0.02, 0.2))
def test_all_senders_together_keep_the_rate(rate: float, speeds: list[float], pause: float) -> None:
    world = World([Sender(n, speed) for n, speed in enumerate(speeds)])
    throttle = world.throttle(rate)
    for sender in world.senders:
        throttle.begin(sender)  # type: ignore[arg-type]

    # Long enough that the last burst, which is waited for afterwards, does not matter.
    seconds = max(20.0, 40 * pause * sum(speeds) / rate)
    world.run(throttle, seconds, pause)

    got = sum(sender.sent for sender in world.senders) / 1e6 / seconds
    assert got <= rate * 1.1 + CREDIT * rate / seconds
    assert got >= min(rate, sum(speeds)) * 0.85


def test_time_in_which_nothing_was_sent_is_not_saved_up() -> None:
    world = World([Sender(1, 0.0)])
    throttle = world.throttle(10)
    throttle.begin(world.senders[0])  # type: ignore[arg-type]
    world.run(throttle, 60)

    world.senders[0].speed = 100
    world.run(throttle, 2)

    assert world.senders[0].sent <= (2 + CREDIT) * 10e6 * 1.2


def test_one_that_begins_while_the_others_wait_waits_too_and_nobody_is_left_stopped() -> None:
    first, second = Sender(1, 100), Sender(2, 100)
    world = World([first])
    throttle = World([first, second]).throttle(1)
    throttle.clock = lambda: world.now
    throttle.begin(first)  # type: ignore[arg-type]
    world.run(throttle, 1)
    assert first.stopped

    throttle.begin(second)  # type: ignore[arg-type]
    assert second.stopped
    throttle.release()

    assert not first.stopped
    assert not second.stopped


@pytest.mark.parametrize("rate", [0, 0.0])
def test_without_a_rate_nobody_is_ever_signalled(rate: float) -> None:
    world = World([Sender(1, 1000)])
    throttle = world.throttle(rate)
    throttle.begin(world.senders[0])  # type: ignore[arg-type]
    world.run(throttle, 1)
    throttle.end(world.senders[0])  # type: ignore[arg-type]

    assert world.senders[0].heard == []
