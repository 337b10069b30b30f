"""What takes long to make, and is made once: folders that all workers of pytest-xdist share, and stacks of a worker."""

import fcntl
import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Once:
    """Fills folders in `base`, which all workers of a run share."""

    base: Path

    def __call__(self, name: str, fill: Callable[[Path], object]) -> Path:
        """Return the folder of this name. The first worker that asks for it fills it. Read it, don't change it.

        Where that fails, it fails for all who ask for it later, at once.
        """
        folder, filled, failed = (self.base / f"once-{name}{end}" for end in ("", ".filled", ".failed"))
        with (self.base / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert not failed.exists(), failed.read_text()
            if not filled.exists():
                shutil.rmtree(folder, ignore_errors=True)  # left by a worker that was killed
                folder.mkdir()
                try:
                    fill(folder)
                except Exception as error:
                    failed.write_text(str(error))
                    raise
                filled.touch()
        return folder


@contextmanager
def one_of_each(make: Callable[[str], AbstractContextManager[T]]) -> Iterator[Callable[[str], T]]:
    """Give a function that enters `make(kind)` when it is first asked for a kind; all are left with the block."""
    with ExitStack() as entered:
        yield functools.cache(lambda kind: entered.enter_context(make(kind)))
