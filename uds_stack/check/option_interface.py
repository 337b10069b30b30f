"""The interface of an option of the template, such as manifests for an orchestrator: what it adds to the check.

Each folder of uds_stack/options implements it, and has rules of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from uds_stack.check.folder import Folder, TextFile
from uds_stack.check.parsed_file import ParsedFile, Problem
from uds_stack.check.query import Queries


class Option(ABC):
    """What an option adds to the project."""

    @abstractmethod
    def __init__(self, folder: Folder, queries: Queries) -> None:
        """Take the project's folder, and start each query."""

    @property
    @abstractmethod
    def texts(self) -> list[TextFile]:
        """The files that the option reads, including those that are missing."""

    @property
    @abstractmethod
    def parsed(self) -> list[ParsedFile]:
        """The files that can be read, parsed."""

    @property
    @abstractmethod
    def unread(self) -> list[Problem]:
        """Why parts of the files were not read; empty if all were."""
