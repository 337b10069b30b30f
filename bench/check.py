"""The time of `uds-stack check`: without Docker, and with it.

Without Docker it is compared with starting Python and importing PyYAML, with Docker with `docker compose config`: the
least that it could take. All four take turns.
"""

import statistics
import sys
from pathlib import Path

from bench.report import load_of_machine, markdown, ratio, seconds
from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.command import UDS_STACK
from tests.testkit.stack import project

TIMES = 15


def measure(folder: Path) -> str:
    """Measure in an empty folder; return a Markdown table."""
    cookiecutter(REPO, folder, "project_name=Bench")
    stack = project(folder / "bench", "uds-stack-bench-check")
    (folder / "no-docker").mkdir()
    alone = {**stack.environment, "PATH": str(folder / "no-docker")}
    check = (*UDS_STACK, "check")
    runs = {
        "`import yaml`": ((sys.executable, "-c", "import yaml"), alone),
        "`uds-stack check` without Docker": (check, alone),
        "`docker compose config`": (("docker", "compose", "config", "--format", "json"), stack.environment),
        "`uds-stack check` with Docker": (check, stack.environment),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    try:
        stack.compose("build", "h2o")  # the check lets the image validate h2o.conf
        for number in range(TIMES + 1):
            for name, (command, env) in runs.items():
                took = seconds(*command, cwd=stack.root, env=env)
                if number:  # the first round fills the caches
                    found[name].append(took)
    finally:
        stack.remove()
    headings = [f"uds-stack check, median (least) of {TIMES} runs", "ms", "ratio to the line above"]
    return f"{markdown(headings, rows(found))}\n\n{load_of_machine()}."


def rows(found: dict[str, list[float]]) -> list[list[str]]:
    """Return a row for each command; every second one is compared with the one before."""
    result = [
        [name, f"{statistics.median(times) * 1000:.0f} ({min(times) * 1000:.0f})", ""] for name, times in found.items()
    ]
    times = list(found.values())
    for number in range(1, len(times), 2):
        result[number][-1] = ratio(zip(times[number], times[number - 1], strict=True))
    return result
