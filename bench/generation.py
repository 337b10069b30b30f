"""The time from nothing to a published app: `cookiecutter`, and by hand `dotnet new web` and `dotnet publish`.

Both take turns, each run in a new folder, with one NuGet cache. .NET's compiler and build servers may outlive a publish
and make the next one faster, and so there are three cases: they run already, as for somebody who works with .NET; each
run has to start them, as on the first publish of a day; or they are switched off, as on many build machines.
"""

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.report import load_of_machine, markdown, ratio, say, seconds
from tests.testkit.bake import NO_ENGINE, REPO
from tests.testkit.process import run

PAIRS = 7
SERVERS_ON = {"UseSharedCompilation": "", "MSBUILDDISABLENODEREUSE": "", "DOTNET_CLI_USE_MSBUILD_SERVER": ""}
SERVERS_OFF = {"UseSharedCompilation": "false", "MSBUILDDISABLENODEREUSE": "1", "DOTNET_CLI_USE_MSBUILD_SERVER": "0"}


def run_cookiecutter(folder: Path, env: Mapping[str, str]) -> float:
    """Return the seconds of `cookiecutter`, whose hook publishes the app; by hand nobody makes an image either."""
    config = folder / "cookiecutter.yaml"
    config.write_text(f"replay_dir: {folder / 'replay'}\ncookiecutters_dir: {folder / 'cookiecutters'}\n")
    command = (REPO / ".venv" / "bin" / "cookiecutter", "--no-input", "--config-file", config, REPO)
    took = seconds(*command, cwd=folder, env={**env, "DOCKER_HOST": NO_ENGINE})
    expect_app(folder, "publish/myapp.dll")
    return took


def run_by_hand(folder: Path, env: Mapping[str, str]) -> float:
    """Return the seconds of `dotnet new web` and `dotnet publish -c Release`."""
    took = seconds("dotnet", "new", "web", "--output", "myapp", cwd=folder, env=env)
    took += seconds("dotnet", "publish", "-c", "Release", cwd=folder / "myapp", env=env)
    expect_app(folder, "bin/Release/net*/publish/myapp.dll")
    return took


def expect_app(folder: Path, pattern: str) -> None:
    """Stop the measurement where a run has not published."""
    if not list((folder / "myapp").glob(pattern)):
        raise SystemExit(f"{folder}/myapp/{pattern} is missing: the app was not published")


def stop_servers() -> None:
    """End the compiler and build servers of this user."""
    run("dotnet", "build-server", "shutdown", check=False, timeout=60)


def measure_pairs(
    folder: Path, case: str, env: Mapping[str, str], prepare: Callable[[], None]
) -> list[tuple[float, float]]:
    """Return the seconds of `cookiecutter` and by hand, pair by pair; which of them is first alternates.

    The first pair fills the caches, and starts the servers where they shall run; it does not count.
    """
    pairs = []
    for number in range(1 + PAIRS):
        took = {}
        for way in (run_cookiecutter, run_by_hand)[:: 1 if number % 2 else -1]:
            prepare()
            (folder / f"{number}-{way.__name__}").mkdir(parents=True)
            took[way] = way(folder / f"{number}-{way.__name__}", env)
        pairs.append((took[run_cookiecutter], took[run_by_hand]))
        say(f"servers {case}: {pairs[-1][0]:.2f} s, by hand {pairs[-1][1]:.2f} s")
    return pairs[1:]


def measure(folder: Path) -> str:
    """Measure in an empty folder; return a Markdown table."""
    cases: dict[str, tuple[Mapping[str, str], Callable[[], None]]] = {
        "running": (SERVERS_ON, lambda: None),
        "to be started": (SERVERS_ON, stop_servers),
        "switched off": (SERVERS_OFF, lambda: None),
    }
    rows = []
    for case, (env, prepare) in cases.items():
        pairs = measure_pairs(folder / case, case, env, prepare)
        medians = [f"{statistics.median(times):.2f} ({min(times):.2f})" for times in zip(*pairs, strict=True)]
        rows.append([case, *medians, ratio(pairs)])
    stop_servers()
    headings = [
        f"compiler and build servers, median (least) of {PAIRS} pairs",
        "`cookiecutter`, s",
        "by hand, s",
        "ratio",
    ]
    return f"{markdown(headings, rows)}\n\n{load_of_machine()}."
