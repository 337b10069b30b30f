"""What every measurement prints: its progress, and one Markdown table."""

import time
from collections.abc import Iterable, Sequence

BEGIN = time.monotonic()


def say(text: str) -> None:
    """Print the current step, with the seconds since the start."""
    print(f"{time.monotonic() - BEGIN:6.0f} s  {text}", flush=True)


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are numbers."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))
