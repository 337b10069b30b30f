"""The plots, as SVG that is readable on white and on black. The only module that needs matplotlib."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.compare.aggregate import Cells
from bench.compare.load import Sample
from bench.compare.variants import VARIANTS, WITHOUT_LOG, Variant
from bench.compare.workloads import WORKLOADS, Workload

GREY = "#7b7b7b"  # text and lines: 4 to 1 against white and against black
PROXY, APP = "#2f7fd0", "#cf6a1a"
COLORS = {
    "h2o": "#2f7fd0",
    "nginx": "#3a9a4c",
    "caddy": "#b04fc4",
    "haproxy": "#cf6a1a",
    "yarp": "#b3882a",
    None: GREY,
}
STYLE = {
    "svg.hashsalt": "bench",
    "font.size": 10,
    "text.color": GREY,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "grid.color": GREY,
    "grid.alpha": 0.3,
    "savefig.transparent": True,
}


def draw(samples: Sequence[Sample], folder: Path) -> None:
    """Draw into a folder what the samples suffice for. Raises ImportError where matplotlib is missing."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    cells = Cells(samples)
    with pyplot.rc_context(STYLE):
        for name, draw_one in (("cpu", _draw_cpu), ("connections", _draw_connections), ("latency", _draw_latency)):
            if figure := draw_one(pyplot, cells):
                figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
                pyplot.close(figure)


def _visited(cells: Cells, workloads: Iterable[Workload]) -> tuple[list[Workload], list[Variant]]:
    """Return those workloads that were visited, and the variants that were visited with all of these."""
    found = [workload for workload in workloads if any(cells.rounds(one.name, workload.name) for one in VARIANTS)]
    return found, [one for one in VARIANTS if all(cells.rounds(one.name, workload.name) for workload in found)]


def _median(cells: Cells, variant: Variant, workload: Workload, figure: str) -> float:
    value = cells.value(variant.name, workload.name, lambda sample: float(getattr(sample, figure) or 0))
    return value.median if value else 0


def _panels(pyplot: Any, workloads: Sequence[Workload], variants: Sequence[Variant]) -> tuple[Any, list[Any]]:
    """Return a figure with a panel for each workload, in which each variant has a row."""
    size = (5.2 * len(workloads), 0.34 * len(variants) + 1)
    figure, axes = pyplot.subplots(1, len(workloads), sharey=True, squeeze=False, figsize=size)
    axes[0][0].set_yticks(range(len(variants)), [variant.title for variant in variants])
    axes[0][0].invert_yaxis()
    for panel, workload in zip(axes[0], workloads, strict=True):
        panel.set_title(workload.title, loc="left", fontsize=10)
        panel.tick_params(axis="y", length=0)
    return figure, list(axes[0])


def _draw_cpu(pyplot: Any, cells: Cells) -> Any:
    """Draw the processor time per request of proxy and app, one beside the other."""
    workloads, variants = _visited(cells, [one for one in WORKLOADS if one.name in ("hello-64", "64k-64")])
    if not workloads or not variants:
        return None
    figure, panels = _panels(pyplot, workloads, variants)
    for panel, workload in zip(panels, workloads, strict=True):
        proxy = [_median(cells, one, workload, "proxy_us") for one in variants]
        app = [_median(cells, one, workload, "app_us") for one in variants]
        panel.barh(range(len(variants)), proxy, color=PROXY, height=0.7)
        panel.barh(range(len(variants)), app, left=proxy, color=APP, height=0.7)
        for row, (of_proxy, of_app) in enumerate(zip(proxy, app, strict=True)):
            text = f" {of_proxy:.0f} + {of_app:.0f}" if of_proxy else f" {of_app:.0f}"
            panel.text(of_proxy + of_app, row, text, va="center", fontsize=8)
        panel.spines["left"].set_visible(False)
        panel.set_xlabel("microseconds of processor time per request")
        panel.margins(x=0.15)
        row = max(range(len(variants)), key=lambda row: min(proxy[row], app[row]))  # has room for both names
        for place, name in ((proxy[row] / 2, "proxy"), (proxy[row] + app[row] / 2, "app")):
            panel.text(place, row, name, color="white", ha="center", va="center", fontsize=9)
    return figure


def _draw_connections(pyplot: Any, cells: Cells) -> Any:
    """Draw the requests per second against the number of connections, TCP with dashes."""
    workloads, variants = _visited(cells, [one for one in WORKLOADS if one.path == "/" and not one.rate])
    variants = [one for one in variants if not one.native and not one.name.endswith(WITHOUT_LOG)]
    if len(workloads) < 2 or not variants:
        return None
    figure, panel = pyplot.subplots(figsize=(7.5, 5))
    counts = [workload.connections for workload in workloads]
    ends = []
    for one in variants:
        rates = [_median(cells, one, workload, "rate") for workload in workloads]
        line = "--" if one.tcp else "-"
        panel.plot(counts, rates, line, color=COLORS[one.proxy], marker="o", markersize=3.5, linewidth=1.5)
        ends.append((rates[-1], one))
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.set_xticks(counts, [str(count) for count in counts])
    panel.yaxis.get_major_locator().set_params(subs=(1, 2, 5))
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    panel.minorticks_off()
    panel.grid(axis="y")
    panel.set_xlabel("connections")
    panel.set_title("Requests per second, answers of 12 B", loc="left", fontsize=10)
    _label_ends(panel, counts[-1], ends)
    return figure


def _label_ends(panel: Any, x: float, ends: list[tuple[float, Variant]]) -> None:
    """Write the name of each line at its end, apart from the others."""
    low, high = panel.get_ylim()
    ratio = (high / low) ** 0.045  # between two lines of text
    y = 0.0
    for rate, one in sorted(ends, key=lambda end: end[0]):
        y = max(rate, y * ratio)
        place = {"xytext": (x * 1.25, y), "textcoords": "data", "va": "center", "fontsize": 9}
        arrow = {"arrowstyle": "-", "color": COLORS[one.proxy], "linewidth": 0.5, "relpos": (0, 0.5), "shrinkA": 0}
        panel.annotate(one.title, (x, rate), color=COLORS[one.proxy], arrowprops=arrow, annotation_clip=False, **place)


def _draw_latency(pyplot: Any, cells: Cells) -> Any:
    """Draw the percentiles of the latency at a fixed rate."""
    workloads, variants = _visited(cells, [one for one in WORKLOADS if one.rate])
    if not workloads or not variants:
        return None
    figure, panels = _panels(pyplot, workloads, variants)
    marks = (("p50_ms", "o", "p50"), ("p99_ms", "s", "p99"), ("p999_ms", "D", "p99.9"))
    for panel, workload in zip(panels, workloads, strict=True):
        rows = [[_median(cells, one, workload, name) for name, _, _ in marks] for one in variants]
        for row, (one, values) in enumerate(zip(variants, rows, strict=True)):
            panel.plot(values, [row] * len(values), color=COLORS[one.proxy], linewidth=1, alpha=0.6)
            for value, (_, mark, _) in zip(values, marks, strict=True):
                panel.plot(value, row, mark, color=COLORS[one.proxy], markersize=4.5)
        row = max(range(len(rows)), key=lambda row: min(rows[row][2] / rows[row][1], rows[row][1] / rows[row][0]))
        for value, (_, _, label) in zip(rows[row], marks, strict=True):  # where they are farthest apart
            panel.annotate(label, (value, row), (0, 5), textcoords="offset points", ha="center", fontsize=8)
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.grid(axis="x")
        panel.spines["left"].set_visible(False)
        panel.set_xlabel("milliseconds")
    return figure
