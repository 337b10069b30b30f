"""The options that this project was generated with: one module for each."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from stack.check.files import Folder
from stack.check.option import Option
from stack.check.question import Questions


def find(folder: Folder, questions: Questions) -> list[Option]:
    """Import the options' modules, which register their rules, and return the options. A part of one has a `_`."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if "_" not in path.stem)
    return [import_module(f"{__name__}.{name}").OPTION(folder, questions) for name in names]
