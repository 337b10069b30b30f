"""The time from nothing to a published app: `cookiecutter`, and by hand `dotnet new web` and `dotnet publish`.

Both take turns, each run in a new folder, with one NuGet cache. .NET's compiler and build servers may outlive a publish
and make the next one faster: "servers running" leaves them as each run leaves them, "no servers" stops this user's
servers before each run, as on the first publish of a day.
"""

import statistics
from pathlib import Path

from bench.report import load_of_machine, markdown, ratio, say, seconds
from tests.testkit.bake import REPO
from tests.testkit.process import run

PAIRS = 7


def run_cookiecutter(folder: Path) -> float:
    """Return the seconds of `cookiecutter`, whose hook publishes the app."""
    config = folder / "cookiecutter.yaml"
    config.write_text(f"replay_dir: {folder / 'replay'}\ncookiecutters_dir: {folder / 'cookiecutters'}\n")
    command = (REPO / ".venv" / "bin" / "cookiecutter", "--no-input", "--config-file", config, REPO)
    took = seconds(*command, cwd=folder)
    expect_app(folder, "publish/myapp.dll")
    return took


def run_by_hand(folder: Path) -> float:
    """Return the seconds of `dotnet new web` and `dotnet publish -c Release`."""
    took = seconds("dotnet", "new", "web", "--output", "myapp", cwd=folder)
    took += seconds("dotnet", "publish", "-c", "Release", cwd=folder / "myapp")
    expect_app(folder, "bin/Release/net*/publish/myapp.dll")
    return took


def expect_app(folder: Path, pattern: str) -> None:
    """Stop the measurement where a run has not published."""
    if not list((folder / "myapp").glob(pattern)):
        raise SystemExit(f"{folder}/myapp/{pattern} is missing: the app was not published")


def measure_pairs(folder: Path, warm: bool) -> list[tuple[float, float]]:
    """Return the seconds of `cookiecutter` and by hand, pair by pair; which of them is first alternates."""
    pairs = []
    for number in range(PAIRS + warm):  # one more where servers run: the first pair starts them and does not count
        took = {}
        for way in (run_cookiecutter, run_by_hand)[:: 1 if number % 2 else -1]:
            if not warm:
                run("dotnet", "build-server", "shutdown", check=False, timeout=60)
            (folder / f"{number}-{way.__name__}").mkdir()
            took[way] = way(folder / f"{number}-{way.__name__}")
        pairs.append((took[run_cookiecutter], took[run_by_hand]))
        say(f"servers {'running' if warm else 'not running'}: {pairs[-1][0]:.2f} s, by hand {pairs[-1][1]:.2f} s")
    return pairs[warm:]


def measure(folder: Path) -> str:
    """Measure in an empty folder; return a Markdown table."""
    rows = []
    for name, warm in (("no servers", False), ("servers running", True)):
        (folder / name).mkdir()
        pairs = measure_pairs(folder / name, warm)
        medians = [f"{statistics.median(times):.2f} ({min(times):.2f})" for times in zip(*pairs, strict=True)]
        rows.append([name, *medians, ratio(pairs)])
    headings = [f"generation, median (least) of {PAIRS} pairs", "`cookiecutter`, s", "by hand, s", "ratio"]
    return f"{markdown(headings, rows)}\n\n{load_of_machine()}."
