"""Tables, goals, and the files of a run."""

from pathlib import Path

import pytest

from bench.compare.aggregate import Interval
from bench.compare.results import Results, draw
from bench.compare.rounds import Options
from bench.compare.tables import Goal, render
from tests.unit.bench.samples import sample

SAMPLES = [
    *(sample("h2o", round_, machine_us=80, proxy_us=40, rate=1200) for round_ in (1, 2)),
    *(sample("h2o-tcp", round_, machine_us=100, rate=1000) for round_ in (1, 2)),
    *(sample("nginx", round_, proxy_us=50, rate=1000) for round_ in (1, 2)),
    *(sample("kestrel", round_, proxy_us=0, proxy_mib=0, rate=4800) for round_ in (1, 2)),
    *(sample("h2o", round_, "hello-rate", rate=950, p50_ms=1, p99_ms=2, p999_ms=3) for round_ in (1, 2)),
    *(sample("h2o", round_, name) for name in ("hello-1", "hello-16", "64k-64") for round_ in (1, 2)),
]


def section(text: str, title: str) -> str:
    """Return the part below a heading."""
    return text.partition(f"## {title}")[2].partition("\n## ")[0]


def test_goals_compare_pairs() -> None:
    text = render(SAMPLES, "today")
    assert "| H2O, socket / H2O, TCP | 0.80 (0.80 to 0.80) met |" in section(text, "Processor time of the machine")
    assert "| H2O, socket / nginx, socket | 0.80 (0.80 to 0.80) met |" in section(text, "Processor time of the proxy")
    assert "| H2O, socket / H2O, TCP | 1.20 (1.20 to 1.20) met |" in section(text, "Requests per second, socket to TCP")
    assert "| H2O, socket / Kestrel alone, socket | 0.25 (0.25 to 0.25) |" in section(
        text, "Requests per second, share"
    )


def test_goal_is_judged_once_for_each_size() -> None:
    assert "|  | 12 B | 64 KB |" in section(render(SAMPLES, "today"), "Processor time of the machine")


def test_app_alone_has_no_proxy() -> None:
    row = next(row for row in section(render(SAMPLES, "today"), "12 B, 64 ").splitlines() if "Kestrel alone" in row)
    assert row.split("|")[3].strip() == row.split("|")[7].strip() == ""


def test_latencies_name_what_fell_behind() -> None:
    assert "| H2O, socket, fell behind: 950 requests/s | 1.00 (1.00 to 1.00) |" in render(SAMPLES, "today")


@pytest.mark.parametrize(
    ("at_most", "interval", "verdict"),
    [
        (True, Interval(0.8, 0.7, 0.84), "met"),
        (True, Interval(0.8, 0.7, 0.86), "undecided"),
        (True, Interval(0.9, 0.86, 0.95), "**not met**"),
        (False, Interval(0.8, 0.7, 0.84), "**not met**"),
        (False, Interval(0.9, 0.86, 0.95), "met"),
        (True, Interval(0.85, 0.85, 0.85), "met"),
        (False, Interval(0.85, 0.85, 0.85), "met"),
    ],
)
def test_goal_is_undecided_where_the_interval_holds_the_limit(at_most: bool, interval: Interval, verdict: str) -> None:
    assert Goal("", [], lambda one: one.rate, 0.85, at_most).verdict(interval).strip() == verdict


def test_results_are_read_again(tmp_path: Path) -> None:
    written = Results({"cores": "2"}, Options(rounds=2), samples=SAMPLES)
    written.write(tmp_path)
    read = Results.read(tmp_path)
    assert (read.samples, read.machine, read.date) == (written.samples, written.machine, written.date)
    assert "2 rounds, 2 s for each cell, cores 2." in (tmp_path / "tables.md").read_text()


def test_plots_are_drawn_or_the_missing_package_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw(Results({}, Options(), samples=SAMPLES), tmp_path)
    drawn = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert drawn == ["connections.svg", "cpu.svg", "latency.svg"] or "matplotlib" in capsys.readouterr().err
