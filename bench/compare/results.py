"""The results: every sample with the machine and the versions, what ran, and tables and plots of it."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from bench.compare import plots, tables
from bench.compare.load import Sample
from bench.compare.rounds import Options, say
from bench.compare.stacks import Stack
from bench.compare.variants import TITLES, VERSIONS
from tests.testkit.process import run

NUMBER = re.compile(r"\d+\.\d+\.\d+")


@dataclass
class Results:
    """Everything that is published of a run."""

    machine: Mapping[str, str]
    options: Options
    date: str = field(default_factory=lambda: f"{datetime.now(timezone.utc):%Y-%m-%d}")
    samples: Sequence[Sample] = ()

    def write(self, folder: Path) -> None:
        """Write results.json and tables.md into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps(asdict(self), indent=1) + "\n")
        (folder / "tables.md").write_text(tables.render(self.samples, self.heading()))

    def heading(self) -> str:
        """Return the date, how much was measured, the machine and the versions in one line."""
        rounds = len({sample.round for sample in self.samples})
        much = f"{rounds} rounds, {self.options.seconds:g} s for each cell"
        return ", ".join([self.date, much, *(f"{name} {value}" for name, value in self.machine.items())])

    @staticmethod
    def read(folder: Path) -> Results:
        """Return what `write` wrote."""
        found = json.loads((folder / "results.json").read_text())
        samples = [Sample(**sample) for sample in found["samples"]]
        return Results(found["machine"], Options(**found["options"]), found["date"], samples)


def describe_machine(stacks: Sequence[Stack]) -> dict[str, str]:
    """Return the machine and the versions of what runs on it, by name."""
    kinds = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    found = {
        "processor": kinds[0] if kinds else platform.machine(),
        "cores": str(os.cpu_count()),
        "Linux": platform.release(),
        "Docker": run("docker", "version", "--format", "{{.Server.Version}}").stdout.strip(),
    }
    for stack in stacks:
        name, proxy = TITLES.get(stack.variant.proxy or "", ""), stack.variant.proxy
        if proxy and name not in found:
            version = stack.project.inside(proxy, *VERSIONS[proxy])
            found[name] = _number(version.stdout + version.stderr)
        if not stack.variant.native and ".NET" not in found:
            found[".NET"] = _number(stack.project.inside("app", "dotnet", "--list-runtimes").stdout)
    found["h2load"] = _number(stacks[0].project.inside("load", "h2load", "--version").stdout)
    return found


def _number(text: str) -> str:
    number = NUMBER.search(text)
    return number[0] if number else "unknown"


def copy_configurations(stacks: Sequence[Stack], folder: Path) -> None:
    """Copy what configures each stack, into a folder of its name: Compose files and the proxy's."""
    shutil.rmtree(folder, ignore_errors=True)
    for stack in stacks:
        root, target = stack.project.root, folder / stack.variant.name
        target.mkdir(parents=True)
        for file in stack.project.environment["COMPOSE_FILE"].split(":"):
            if "/" not in file:
                shutil.copy(root / file, target)
        if proxy := stack.variant.proxy:
            shutil.copytree(root / proxy, target / proxy)


def draw(results: Results, folder: Path) -> None:
    """Draw the plots, or say what is missing."""
    try:
        plots.draw(results.samples, folder)
    except ImportError:
        say("no plots: matplotlib is missing; install it (pip install matplotlib, or python3-matplotlib of Debian)")
