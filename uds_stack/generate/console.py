"""Say something to the person at the terminal. It never fails: an exception in a hook would delete the project."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def say(*lines: str) -> None:
    """Print lines to stdout at once, so that they come before what a program that is started next prints."""
    _write(sys.stdout, lines)


def warn(*lines: str) -> None:
    """Print lines to stderr."""
    _write(sys.stderr, lines)


def _write(stream: TextIO | None, lines: tuple[str, ...]) -> None:
    """Print lines to a stream, in the characters that its encoding has; nowhere where it was closed (`2>&-`)."""
    if stream is None:
        return
    encoding = stream.encoding or "ascii"
    text = "".join(line + "\n" for line in lines)
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), end="", file=stream, flush=True)
    except OSError:
        # The reader is gone (`| head`), or the disk is full (`> log`). Python would try again when it ends, and
        # report the failure in its exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
