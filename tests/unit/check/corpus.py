"""The cases in tests/unit/check/cases: how they are written, and how the check is run on them."""

import json
import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from tests.testkit.certificates import make_certificate
from tests.testkit.combinations import PROXIES
from tests.testkit.command import UDS_STACK
from tests.testkit.stack import WORKER
from uds_stack.check.report import failed, lines, report

CASES = Path(__file__).parent / "cases"
VALID = "valid"
OPTIONS = ("https", "native", "kubernetes")
COMPOSE_NAME = f"check-edits-{WORKER}"  # each worker has its own images


@dataclass(frozen=True)
class Case:
    """One file of cases/CODE or cases/valid: an edit, and what the check has to find. README.md has the format."""

    code: str  # of the rule that the edit breaks, or VALID
    name: str
    data: Mapping[str, Any]
    proxy: str = "h2o"

    def __str__(self) -> str:
        return f"{self.code}/{self.name}" + (f"-{self.proxy}" if self.proxy != "h2o" else "")

    @property
    def combination(self) -> str:
        """The combination of answers with which the edited project was generated."""
        return "-".join([self.proxy, *(option for option in OPTIONS if self.data.get(option))])

    @property
    def level(self) -> str:
        """The level of the finding that the edit leads to."""
        return str(self.data.get("level", "error"))

    @property
    def findings(self) -> list[dict[str, str]]:
        """What the check has to find: code, file, and a part of the line's text."""
        return [{"code": self.code, **one} for one in self.data.get("finds", [])]

    def apply(self, project: Path) -> None:
        """Edit a project."""
        for change in self.data["edit"]:
            _apply(project / change["file"], change)


def cases(*, valid: bool, docker: bool, proxies: Collection[str] = PROXIES) -> list[Case]:
    """Return the valid cases, or those of the codes, that are decided with Docker, or without, for these proxies."""
    found = [case for file in sorted(CASES.glob("*/*.yaml")) for case in _read(file) if case.proxy in proxies]
    undecided = "no docker" if docker else "docker"
    return [one for one in found if (one.code == VALID) == valid and one.data.get("needs") != undecided]


def _read(file: Path) -> Iterator[Case]:
    """Return the case of a file, for each proxy that it names."""
    text = file.read_text()
    named = yaml.safe_load(text).get("proxy", "h2o")
    for proxy in [named] if isinstance(named, str) else named:
        yield Case(file.parent.name, file.stem, yaml.safe_load(text.replace("$PROXY", proxy)), proxy)


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
    elif "mode" in change:
        file.chmod(int(change["mode"], 8))
    elif "certificate" in change:
        key = (file / "key.pem").read_text()
        make_certificate(file, days=change["certificate"]["days"])
        if change["certificate"].get("keep key"):
            (file / "key.pem").write_text(key)
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
    """What the check reported."""

    code: int
    findings: list[dict[str, Any]]
    text: str
    errors: str

    def of(self, *levels: str) -> list[dict[str, Any]]:
        """The findings of these levels."""
        return [one for one in self.findings if one["level"] in levels]


def codes(report: Report, *levels: str) -> list[str]:
    """The codes of the findings of these levels."""
    return [one["code"] for one in report.of(*levels)]


def check(project: Path, *options: str, docker: bool, cwd: Path = Path("/"), **environment: str) -> Report:
    """Run the check as a user does, from another folder, and read its JSON where that is asked for."""
    variables = {**os.environ, "COMPOSE_PROJECT_NAME": COMPOSE_NAME, **environment}
    if not docker:
        variables["PATH"] = str(project)
    done = subprocess.run(
        [*UDS_STACK, "check", project, *options],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Report(done.returncode, json.loads(done.stdout) if "--json" in options else [], done.stdout, done.stderr)


def find(project: Path, *, docker: bool) -> Report:
    """Run the check's rules in this process: a program for each of hundreds of cases would take minutes."""
    variables = {"COMPOSE_PROJECT_NAME": COMPOSE_NAME} | ({} if docker else {"PATH": str(project)})
    with patch.dict(os.environ, variables):
        found = report(project)
    return Report(int(failed(found)), [one._asdict() for one in found], "\n".join(lines(found)), "")


def line_of(project: Path, finding: Mapping[str, Any]) -> str:
    """The text of the line that a finding names."""
    file = project / finding["file"]
    lines = file.read_text("utf-8-sig").splitlines() if file.is_file() else []
    return lines[finding["line"] - 1] if finding["line"] <= len(lines) else ""
