"""Read .env and the Compose files as they are written: which there are, and the line of each key."""

from __future__ import annotations

import os
import re
from functools import cached_property

from uds_stack.check.folder import Folder, Place
from uds_stack.check.parsed_file import ParsedFile

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")  # in Compose's order


class ComposeFiles:
    """compose.yaml, its override and .env."""

    def __init__(self, folder: Folder) -> None:
        """Take the folder; the files are read when they are asked for."""
        self.folder = folder

    @cached_property
    def env(self) -> dict[str, tuple[str, Place]]:
        """The variables of .env, each with its line; a value in quotes may span several lines."""
        found: dict[str, tuple[str, Place]] = {}
        within = ""
        for line, row in enumerate(self.folder.read(".env").text.splitlines(), 1):
            match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:[=:]\s*(.*))?", row)
            if within:
                within = "" if within in row else within
            elif match and match[2] is not None:
                quote = match[2][:1] if match[2][:1] in ("'", '"') else ""
                value = match[2][1:].partition(quote)[0] if quote else re.sub(r"(^|\s)#.*", "", match[2]).strip()
                within = quote if quote and quote not in match[2][1:] else ""
                found[match[1]] = (value, (".env", line))
        return found

    def _variable(self, name: str) -> str:
        """Return one of Compose's own variables: the environment's, or that of .env; empty where it is not set."""
        return os.environ.get(name) or self.env.get(name, ("",))[0]

    @cached_property
    def names(self) -> list[str]:
        """The files that Compose reads, the main one first."""
        if named := self._variable("COMPOSE_FILE"):
            return named.split(self._variable("COMPOSE_PATH_SEPARATOR") or os.pathsep)
        main = next((name for name in NAMES if self.folder.exists(name)), NAMES[0])
        overrides = (main.rsplit(".", 1)[0] + f".override.{ending}" for ending in ("yaml", "yml"))
        return [main, *[name for name in overrides if self.folder.exists(name)][:1]]

    @property
    def main(self) -> str:
        """The first of the files."""
        return self.names[0]

    @cached_property
    def parsed(self) -> list[ParsedFile]:
        """The files that can be read as text."""
        files = [self.folder.read(name) for name in self.names]
        return [ParsedFile(file.name, file.text) for file in files if not file.problem]

    @property
    def readable(self) -> bool:
        """Whether each file could be read and parsed."""
        return [file.file for file in self.parsed if file.data is not None] == self.names

    def where(self, *path: str, holding: str = "", key: str = "") -> Place:
        """Return the line that sets a part of the model; the last file wins, as in Compose. See ParsedFile.find."""
        depth, place = -1, (self.main, 1)
        for file in self.parsed:
            found, line = file.find(path, holding, key)
            if found > depth or (found == depth and found >= len(path)):
                depth, place = found, line
        return place

    def at(self, service: str, *path: str, holding: str = "", key: str = "") -> Place:
        """Return the line that sets something of a service."""
        return self.where("services", service, *path, holding=holding, key=key)
