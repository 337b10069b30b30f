"""Medians of rounds with their intervals, and ratios of two variants, paired by round."""

import random
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.compare.load import Sample

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median, and the interval that holds it with a probability of 95 %."""

    median: float
    low: float
    high: float

    def text(self, digits: int) -> str:
        """Return the median, with the interval in brackets."""
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"


def interval(values: Sequence[float]) -> Interval:
    """Return the median of the rounds' values and its interval, by bootstrap: medians of values drawn again."""
    generator = random.Random(0)  # noqa: S311, so that the same values give the same interval
    medians = sorted(statistics.median(generator.choices(values, k=len(values))) for _ in range(RESAMPLES))
    outside = round((1 - CONFIDENCE) / 2 * RESAMPLES)
    return Interval(statistics.median(values), medians[outside], medians[-1 - outside])


class Cells:
    """The samples by variant and workload."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._rounds: dict[tuple[str, str], dict[int, Sample]] = {}
        for sample in samples:
            self._rounds.setdefault((sample.variant, sample.workload), {})[sample.round] = sample

    def rounds(self, variant: str, workload: str) -> Mapping[int, Sample]:
        """Return the sample of each round that visited a cell."""
        return self._rounds.get((variant, workload), {})

    def value(self, variant: str, workload: str, of: Callable[[Sample], float]) -> Interval | None:
        """Return the median of a figure, or None for a cell that was never visited."""
        samples = self.rounds(variant, workload)
        return interval([of(sample) for sample in samples.values()]) if samples else None

    def ratio(self, variant: str, other: str, workload: str, of: Callable[[Sample], float]) -> Interval | None:
        """Return the median of a variant's figure divided by another one's in the same round, or None without any."""
        ones, others = self.rounds(variant, workload), self.rounds(other, workload)
        ratios = [of(ones[number]) / of(others[number]) for number in ones if number in others]
        return interval(ratios) if ratios else None
