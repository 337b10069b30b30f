"""The cases in tests/check/cases: how they are written, and how check.py is run on them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parent / "cases"
VALID = "valid"


@dataclass(frozen=True)
class Case:
    """One file of cases/CODE or cases/valid: an edit, and what check.py has to find. README.md has the format."""

    code: str  # of the rule that the edit breaks, or VALID
    name: str
    data: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.code}/{self.name}"

    @property
    def level(self) -> str:
        """The level of the finding that the edit leads to."""
        return str(self.data.get("level", "error"))

    @property
    def findings(self) -> list[dict[str, str]]:
        """What check.py has to find: code, file, and a part of the line's text."""
        return [{"code": self.code, **one} for one in self.data.get("finds", [])]

    def apply(self, project: Path) -> None:
        """Edit a project."""
        for change in self.data["edit"]:
            _apply(project / change["file"], change)


def cases(*, valid: bool, docker: bool, proxy: str = "h2o") -> list[Case]:
    """Return the valid cases, or those of the codes, of a proxy's project that are decided with Docker, or without."""
    files = sorted(CASES.glob("*/*.yaml"))
    found = [Case(file.parent.name, file.stem, yaml.safe_load(file.read_text())) for file in files]
    undecided = "no docker" if docker else "docker"
    of_proxy = [one for one in found if one.data.get("proxy", "h2o") == proxy]
    return [one for one in of_proxy if (one.code == VALID) == valid and one.data.get("needs") != undecided]


def _apply(file: Path, change: Mapping[str, Any]) -> None:
    if "create" in change:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(change["create"])
    elif "remove" in change:
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()
    elif "rename" in change:
        file.rename(file.parent / change["rename"])
    elif "append" in change:
        file.write_text(file.read_text() + change["append"])
    elif "endings" in change:
        content = file.read_bytes()
        file.write_bytes(content.replace(b"\n", b"\r\n") if change["endings"] == "crlf" else b"\xef\xbb\xbf" + content)
    else:
        text = file.read_text()
        count = text.count(change["find"])
        assert count == 1 or (count and change.get("all")), f"{count} times in {file.name}: {change['find']!r}"
        file.write_text(text.replace(change["find"], change["write"]))


@dataclass(frozen=True)
class Report:
    """What check.py reported."""

    code: int
    findings: list[dict[str, Any]]
    text: str
    errors: str

    def of(self, *levels: str) -> list[dict[str, Any]]:
        """The findings of these levels."""
        return [one for one in self.findings if one["level"] in levels]


def check(project: Path, *options: str, docker: bool, cwd: Path = Path("/"), **environment: str) -> Report:
    """Run check.py as a user does, from another folder, and read its JSON where that is asked for."""
    variables = {**os.environ, "COMPOSE_PROJECT_NAME": "check-edits", **environment}
    if not docker:
        variables["PATH"] = str(project)
    done = subprocess.run(
        [sys.executable, project / "scripts/check.py", *options],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Report(done.returncode, json.loads(done.stdout) if "--json" in options else [], done.stdout, done.stderr)


def line_of(project: Path, finding: Mapping[str, Any]) -> str:
    """The text of the line that a finding names."""
    file = project / finding["file"]
    lines = file.read_text("utf-8-sig").splitlines() if file.is_file() else []
    return lines[finding["line"] - 1] if finding["line"] <= len(lines) else ""
