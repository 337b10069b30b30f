"""Visit each cell of each variant, round by round."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench import report
from bench.compare.load import LoadError, Sample
from bench.compare.stacks import Stack
from bench.compare.workloads import WORKLOADS, Workload

SEED = 1


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    rounds: int = 5
    seconds: float = 2  # for a cell
    quick: bool = False
    only: Sequence[str] = ()  # names of workloads, in place of those of a quick or a full run

    @staticmethod
    def quickly() -> Options:
        """Return the options of a run of three minutes."""
        return Options(2, 1, quick=True)

    @property
    def workloads(self) -> Sequence[Workload]:
        """The workloads that are measured."""
        if self.only:
            return [workload for workload in WORKLOADS if workload.name in self.only]
        return [workload for workload in WORKLOADS if workload.quick or not self.quick]

    @property
    def warm_up(self) -> float:
        """The seconds of load before each cell. In less, a busy machine may answer nothing."""
        return max(self.seconds / 8, 0.25)

    def seconds_of(self, workload: Workload) -> float:
        """Return the seconds of a cell."""
        return self.seconds * (1 if self.quick else workload.times)


def say(text: str) -> None:
    """Print the current step to stderr."""
    report.say(text, sys.stderr)


class Progress:
    """Says which cell was visited and, from the time that the others took, how long the rest takes."""

    def __init__(self, options: Options, variants: int) -> None:
        self._options = options
        self._total = options.rounds * variants * sum(map(self._weight, options.workloads))
        self._done = 0.0
        self._begin = time.monotonic()

    def _weight(self, workload: Workload) -> float:
        return self._options.warm_up + self._options.seconds_of(workload)

    def visited(self, round_: int, stack: Stack, workload: Workload, rate: float) -> None:
        """Count a cell."""
        self._done += self._weight(workload)
        left = (time.monotonic() - self._begin) * (self._total / self._done - 1)
        place = f"round {round_} of {self._options.rounds}, {stack.variant.title}, {workload.title}"
        say(f"{place}: {rate:,.0f} requests/s; {left // 60:.0f} min {left % 60:02.0f} s left")


@contextmanager
def naming(stack: Stack, workload: Workload) -> Iterator[None]:
    """Stop with the name of a cell where one of its requests failed."""
    try:
        yield
    except LoadError as error:
        raise SystemExit(f"{stack.variant.title}, {workload.title}: {error}") from error


def visit(stack: Stack, workload: Workload, round_: int, options: Options) -> Sample:
    """Warm a cell up and measure it."""
    with naming(stack, workload):
        stack.generator.load(workload, options.warm_up)
        return stack.generator.visit(round_, stack.variant.name, workload, options.seconds_of(workload))


def warm_up(stacks: Sequence[Stack], options: Options) -> None:
    """Visit each cell once: the runtime compiles what is used, and a cell that fails does so before any is measured."""
    for stack in stacks:
        say(f"warming up: {stack.variant.title}")
        for workload in options.workloads:
            with naming(stack, workload):
                stack.generator.load(workload, options.warm_up)


def measure(stacks: Sequence[Stack], options: Options, keep: Callable[[Sequence[Sample]], None]) -> None:
    """Visit each cell in each round. `keep` is called with all samples after a round, and where one is interrupted."""
    shuffle = random.Random(SEED).shuffle  # noqa: S311
    progress = Progress(options, len(stacks))
    samples: list[Sample] = []
    try:
        for round_ in range(1, options.rounds + 1):
            for workload in options.workloads:
                order = list(stacks)
                shuffle(order)
                for stack in order:
                    samples.append(visit(stack, workload, round_, options))
                    progress.visited(round_, stack, workload, samples[-1].rate)
            keep(samples)
    except BaseException:
        keep(samples)
        raise
