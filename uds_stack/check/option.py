"""The interface of an option of the template, such as manifests for an orchestrator: what it adds to the check.

Each module of uds_stack.check.options implements it, and registers its rules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module

from uds_stack.check.document import Document
from uds_stack.check.files import Folder, TextFile
from uds_stack.check.question import Questions


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


def find_options(folder: Folder, questions: Questions) -> list[Option]:
    """Import the options' modules, which register their rules, and return the options that the project has."""
    if not folder.exists("kustomization.yaml"):
        return []
    return [import_module("uds_stack.options.kubernetes.rules").OPTION(folder, questions)]
