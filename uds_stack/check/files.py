"""The project's files, as they are written. Nothing here starts a program."""

from __future__ import annotations

from pathlib import Path

from uds_stack.check.app import App
from uds_stack.check.compose_files import ComposeFiles
from uds_stack.check.folder import Folder
from uds_stack.check.yaml_values import mapping


class Files:
    """The project's folder, its Compose files with .env, and the app's sources and settings."""

    def __init__(self, folder: Folder) -> None:
        """Take the folder; each file is read when it is asked for."""
        self.folder = folder
        self.compose = ComposeFiles(folder)
        self.app = App(folder, self.compose)

    @classmethod
    def below(cls, root: Path) -> Files:
        """Return the files of the project in a folder."""
        return cls(Folder(root.resolve()))

    @property
    def services(self) -> set[str]:
        """The names of the services that the Compose files have."""
        return {name for file in self.compose.parsed for name in mapping(file.data, "services")}
