"""What measurements share: progress, times, ratios and Markdown tables."""

import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from tests.testkit.process import run

BEGIN = time.monotonic()


def say(text: str, stream: TextIO | None = None) -> None:
    """Print the current step, with the seconds since the start, to stdout or to another stream."""
    print(f"{time.monotonic() - BEGIN:6.0f} s  {text}", file=stream, flush=True)


def seconds(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> float:
    """Run a command, which must succeed, and return how long it took."""
    begin = time.monotonic()
    run(*command, cwd=cwd, env=env, timeout=180)
    return time.monotonic() - begin


def ratio(pairs: Iterable[tuple[float, float]]) -> str:
    """Return the median of the pairs' ratios, and in brackets the smallest and the largest one."""
    ratios = [one / other for one, other in pairs]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are numbers."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))


def load_of_machine() -> str:
    """Return the number of processors and how many processes wanted one in the last minute."""
    return f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}"
