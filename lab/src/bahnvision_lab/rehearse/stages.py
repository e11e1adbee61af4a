"""Run stages one after the other, say what happens, and keep what each of them cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bahnvision_lab.errors import LabError

OK = "ok"
FAILED = "failed"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Measure:
    """What a stage moved or looked at, where that makes sense."""

    rows: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Stage:
    """One step of the rehearsal. `even_after_failure` is for the report: people read it most when something failed."""

    name: str
    run: Callable[[], Measure]
    even_after_failure: bool = False


class StageError(LabError):
    """A stage failed; `log` is where its output lies."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class Interrupted(BaseException):
    """Somebody asked us to end. Not an error of a stage, so nothing below may catch it as one."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


@dataclass
class Outcome:
    name: str
    seconds: float
    result: str
    measure: Measure = field(default_factory=Measure)
    message: str = ""


@dataclass
class Runner:
    """Runs the stages; `outcomes` is true at every moment, also after an interruption."""

    stages: list[Stage]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    outcomes: list[Outcome] = field(default_factory=list)
    log_lines: int = 30

    @property
    def result(self) -> str:
        results = {outcome.result for outcome in self.outcomes}
        if INTERRUPTED in results:
            return INTERRUPTED
        complete = len(self.outcomes) == len(self.stages)
        return OK if results == {OK} and complete else FAILED

    @property
    def seconds(self) -> float:
        return sum(outcome.seconds for outcome in self.outcomes)

    @property
    def failed(self) -> Outcome | None:
        return next((outcome for outcome in self.outcomes if outcome.result != OK), None)

    def run(self) -> None:
        for number, stage in enumerate(self.stages, 1):
            if self.failed is None or stage.even_after_failure:
                self._run_one(f"[{number}/{len(self.stages)}] {stage.name:<10}", stage)

    def _run_one(self, label: str, stage: Stage) -> None:
        self.say(f"{label} started")
        began = self.clock()
        outcome = Outcome(stage.name, 0.0, FAILED)
        error: StageError | None = None
        try:
            outcome.measure = stage.run()
            outcome.result = OK
        except LabError as problem:
            error = problem if isinstance(problem, StageError) else StageError(str(problem))
            outcome.message = str(problem)
        except Interrupted:
            outcome.result = INTERRUPTED
            raise
        finally:
            outcome.seconds = self.clock() - began
            self.outcomes.append(outcome)
            self.say(line(label, outcome))
        if error is not None:
            self._explain(error)

    def _explain(self, error: StageError) -> None:
        self.say(f"  {error}")
        if error.log is not None and error.log.exists():
            for text in error.log.read_text(errors="replace").splitlines()[-self.log_lines :]:
                self.say(f"  | {text}")
            self.say(f"  The whole log: {error.log}")


def line(label: str, outcome: Outcome) -> str:
    """Return the line of a stage that ended."""
    word = outcome.result if outcome.result == OK else outcome.result.upper()
    parts = [label, f"{word:<8}", f"{outcome.seconds:7.1f} s"]
    if outcome.measure.rows is not None:
        parts.append(f"{outcome.measure.rows:>11,} rows")
    if outcome.measure.bytes is not None:
        parts.append(f"{outcome.measure.bytes / 1e6:9.1f} MB")
    return " ".join(parts).rstrip()
