"""Folders that take long to fill, so that all workers of pytest-xdist share them."""

import fcntl
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Once:
    """Fills folders in `base`, which all workers of a run share."""

    base: Path

    def __call__(self, name: str, fill: Callable[[Path], object]) -> Path:
        """Return the folder of this name. The first worker that asks for it fills it. Read it, don't change it."""
        folder, filled = self.base / f"once-{name}", self.base / f"once-{name}.filled"
        with (self.base / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not filled.exists():
                shutil.rmtree(folder, ignore_errors=True)  # what a worker began and could not fill
                folder.mkdir()
                fill(folder)
                filled.touch()
        return folder
