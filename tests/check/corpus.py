"""The edits in tests/check/edits: how they are written, and what is done with them."""

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

EDITS = Path(__file__).parent / "edits"


@dataclass(frozen=True)
class Edit:
    """One file of edits/breaking or edits/harmless. README.md there says what may stand in it."""

    name: str
    said: Mapping[str, Any]

    def __str__(self) -> str:
        return self.name

    def apply(self, project: Path) -> None:
        """Do to a project what the edit says."""
        for change in self.said["edit"]:
            _apply(project / change["file"], change)


def edits(kind: str, docker: bool) -> list[Edit]:
    """All edits of a kind that are seen with Docker, or without."""
    found = [Edit(path.stem, yaml.safe_load(path.read_text())) for path in sorted((EDITS / kind).glob("*.yaml"))]
    unseen = "no docker" if docker else "docker"
    return [edit for edit in found if edit.said.get("needs") != unseen]


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
    """What check.py said of a project."""

    code: int
    findings: list[dict[str, Any]]
    text: str
    errors: str

    def of(self, *levels: str) -> list[dict[str, Any]]:
        """The findings of these levels."""
        return [one for one in self.findings if one["level"] in levels]


def check(project: Path, *options: str, docker: bool, cwd: Path = Path("/"), **environment: str) -> Report:
    """Run check.py as a user does, from some other folder, and read its JSON where that is asked for."""
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
