"""Findings, and the registry of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stack.check.values import Place

if TYPE_CHECKING:
    from stack.check.compose import Model
    from stack.check.project import Project


APP, H2O = "app", "h2o"  # the services that this is about; others are the user's own business


@dataclass(frozen=True, order=True)
class Finding:
    """One line of the report."""

    file: str
    line: int
    level: str
    code: str
    message: str
    remedy: str


def error(place: Place, code: str, message: str, level: str = "error") -> Finding:
    """Make a finding of "what is wrong; what to write instead": something does not work, or is open."""
    what, _, remedy = message.rpartition("; ")
    return Finding(*place, level, code, what, remedy)


def warning(place: Place, code: str, message: str) -> Finding:
    """Make a finding that lets the stack start."""
    return error(place, code, message, "warning")


def note(place: Place, code: str, message: str) -> Finding:
    """Make a finding that asks for nothing: what was not checked, or is as the user decided."""
    return error(place, code, message, "info")


PROJECT_CHECKS: list[Callable[[Project], Iterator[Finding]]] = []
MODEL_CHECKS: list[Callable[[Project, Model], Iterator[Finding]]] = []


def of_project(function: Callable[[Project], Iterator[Finding]]) -> Callable[[Project], Iterator[Finding]]:
    """Register a check of the files."""
    PROJECT_CHECKS.append(function)
    return function


def of_model(function: Callable[[Project, Model], Iterator[Finding]]) -> Callable[[Project, Model], Iterator[Finding]]:
    """Register a check of what Compose makes of its files; it runs with the override and without."""
    MODEL_CHECKS.append(function)
    return function
