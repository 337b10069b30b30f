"""The interface of an option of the template, such as manifests for an orchestrator: what it adds to the check.

Each module of stack.check.options implements it, and registers its rules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from stack.check.document import Document
from stack.check.files import Folder, TextFile
from stack.check.question import Questions


class Option(ABC):
    """What an option adds to the project."""

    def __init__(self, folder: Folder, questions: Questions) -> None:
        """Take the project's folder, and what asks programs. Nothing is read or started."""
        self.folder, self.questions = folder, questions

    @abstractmethod
    def ask(self) -> None:
        """Start every question."""

    @property
    @abstractmethod
    def files(self) -> list[TextFile]:
        """The files that it reads, those that are missing included."""

    @property
    @abstractmethod
    def documents(self) -> list[Document]:
        """Those that can be read, parsed."""
