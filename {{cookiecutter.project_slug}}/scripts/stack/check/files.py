"""The files of the project."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
from datetime import datetime
from pathlib import Path

from stack.check.values import Value, text

ROOT = Path(__file__).resolve().parents[3]
MAX_BYTES, MAX_VALUES = 256 * 1024, 20_000  # more than a file has that people edit


def newest(files: list[str]) -> tuple[float, str]:
    """Return when the newest of these files, and of the files in these folders, was written, and its name."""
    found = [(0.0, "")]
    for path in (ROOT / file for file in files):
        inside = [Path(where, name) for where, _, names in os.walk(path) for name in names]
        for one in [path, *inside]:
            with contextlib.suppress(OSError, ValueError):
                generated = {"bin", "obj", "node_modules"} & set(one.parts[len(ROOT.parts) :])
                if not generated and (path.name == "publish" or not one.is_dir()):
                    found.append((one.stat().st_mtime, relative(str(one))))
    return max(found)


def timestamp(value: Value) -> float:
    """Return a time of Docker's, such as 2026-11-22T16:21:53.051525743Z, in seconds."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text(value))
    with contextlib.suppress(ValueError, OverflowError):
        if match:
            whole = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
            return whole.timestamp() + float(match[2] or 0)
    return 0.0


def relative(path: str) -> str:
    """Return a path of this folder as the report shows it."""
    path = os.path.normpath(ROOT / path)
    return os.path.relpath(path, ROOT).replace(os.sep, "/") if path.startswith(str(ROOT)) else path


def folder(path: str) -> str:
    """Return the directory of a path in a container."""
    return posixpath.dirname(posixpath.normpath(path))
