"""Read the files of the project's folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

Place = tuple[str, int]  # file and line

MAX_BYTES = 256 * 1024  # more than a file has that people edit


class TextFile(NamedTuple):
    """A file that was read: its text, or why there is none."""

    name: str  # relative to the project's folder
    text: str = ""
    problem: str = ""

    @property
    def missing(self) -> bool:
        """Return whether nothing has this name."""
        return self.problem == "is missing"


class Folder:
    """The project's folder. Files have names relative to it, with slashes."""

    def __init__(self, root: Path) -> None:
        """Take the folder's path, without symbolic links."""
        self.root = root
        self._read: dict[str, TextFile] = {}

    def read(self, name: str) -> TextFile:
        """Return a file's text, without a byte order mark and with line feeds alone; it is read once."""
        if name not in self._read:
            self._read[name] = self._read_now(name)
        return self._read[name]

    def _read_now(self, name: str) -> TextFile:
        path = self.root / name
        try:
            if not path.is_file():
                return TextFile(name, problem="is not a file" if os.path.lexists(path) else "is missing")
            if path.stat().st_size > MAX_BYTES:
                return TextFile(name, problem=f"is larger than {MAX_BYTES // 1024} KiB")
            content = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            return TextFile(name, problem="is not UTF-8 text")
        except (OSError, ValueError) as e:
            return TextFile(name, problem=f"cannot be read: {getattr(e, 'strerror', None) or e}")
        return TextFile(name, content.replace("\r\n", "\n").replace("\r", "\n"))

    def glob(self, pattern: str) -> list[str]:
        """Return the names that match a pattern, sorted, without those that a build makes."""
        found = (path.relative_to(self.root) for path in self.root.glob(pattern))
        return sorted(path.as_posix() for path in found if not {"bin", "obj"} & set(path.parts))

    def exists(self, name: str) -> bool:
        """Return whether a file, a folder or a link has this name, or this absolute path."""
        return os.path.lexists(self.root / name)

    def relative(self, path: str) -> str:
        """Return a path within the folder as a name, and any other as an absolute path."""
        path = os.path.normpath(self.root / path)
        inside = path == str(self.root) or path.startswith(f"{self.root}{os.sep}")
        return os.path.relpath(path, self.root).replace(os.sep, "/") if inside else path
