"""Publish the app: the one way of it, for the generator's hook and for `uds-stack deploy`."""

from __future__ import annotations

import os
import re
from pathlib import Path

CAUSES = 5  # lines that are shown of a failed publish


def publish_command(source: str | Path, output: str | Path, *options: str) -> list[str]:
    """Return the command that publishes the project in the folder `source` into the folder `output`."""
    return ["dotnet", "publish", str(source), "-c", "Release", "-o", str(output), *options]


def make_readable(folder: Path) -> None:
    """Let the users of the containers read a folder that they mount, made under whatever umask."""
    if os.name == "posix":
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def find_causes(output: str) -> list[str]:
    """Return the lines that say why a publish failed: its errors, each once, or the last lines where there is none."""
    lines = [re.sub(r" +\[[^]]*proj\]$", "", line.strip()) for line in output.splitlines() if line.strip()]
    errors = [
        line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE) and not re.search(r":\s+at ", line)
    ]
    return list(dict.fromkeys(errors))[:CAUSES] or lines[-CAUSES:]
