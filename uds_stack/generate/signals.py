"""Ctrl-C, SIGTERM and a closed terminal: what the hook does at each."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(BaseException):
    """A signal to stop arrived.

    Not a KeyboardInterrupt: where that passes through an `exec`, as in a dataclass, Python ends with a signal although
    it was caught, and Cookiecutter deletes the project of such a hook.
    """


def listen() -> None:
    """Raise Interrupted at the first signal to stop. One that the caller ignores (nohup) stays ignored."""
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Let signals to stop wait for the end of the block, so that no program is started and then forgotten."""
    arrived: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: arrived.append(number)) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Interrupt the hook once: a second signal must not come in between while half-made files are removed."""
    for name in STOPPING:
        signal.signal(name, signal.SIG_IGN)
    raise Interrupted
