"""The tables: one for each workload, one of latencies, and the goals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.compare.aggregate import Cells, Interval
from bench.compare.load import Sample
from bench.compare.variants import DEFAULT, TITLES, VARIANTS, Variant
from bench.compare.workloads import WORKLOADS, Workload
from bench.report import markdown

Figure = Callable[[Sample], float]

COLUMNS: dict[str, tuple[Figure, int]] = {
    "requests/s": (lambda sample: sample.rate, 0),
    "proxy, us": (lambda sample: sample.proxy_us, 1),
    "app, us": (lambda sample: sample.app_us, 1),
    "machine, us": (lambda sample: sample.machine_us, 1),
    "machine without generator, us": (lambda sample: sample.without_generator_us, 1),
    "proxy, MiB": (lambda sample: sample.proxy_mib, 0),
    "app, MiB": (lambda sample: sample.app_mib, 0),
}
LATENCIES: dict[str, Figure] = {
    "p50, ms": lambda sample: sample.p50_ms or 0,
    "p99, ms": lambda sample: sample.p99_ms or 0,
    "p99.9, ms": lambda sample: sample.p999_ms or 0,
}
FELL_BEHIND = 0.97  # of the offered rate
NOTE = """Medians of the rounds, and in brackets the interval that holds the median with 95 % (bootstrap). Ratios are
paired by round. Times are processor time per request, in microseconds. The load generator runs on the same machine, in
the network namespace of what it asks: neither docker-proxy nor NAT takes part. The template's proxies write an access
log, HAProxy and YARP write none. A goal is undecided where the interval holds its limit."""


@dataclass(frozen=True)
class Goal:
    """A ratio of two variants that should be at most, or at least, so much."""

    title: str
    pairs: Sequence[tuple[Variant, Variant]]
    figure: Figure
    limit: float | None = None
    at_most: bool = True

    def verdict(self, ratio: Interval) -> str:
        """Return whether the goal is met; undecided where the interval holds the limit."""
        if self.limit is None:
            return ""
        if ratio.low <= self.limit <= ratio.high and ratio.low != ratio.high:
            return " undecided"
        return " met" if (ratio.median <= self.limit) == self.at_most or ratio.median == self.limit else " **not met**"


def render(samples: Sequence[Sample], heading: str) -> str:
    """Return all tables as Markdown."""
    cells = Cells(samples)
    variants = [variant for variant in VARIANTS if variant.name in {sample.variant for sample in samples}]
    workloads = [workload for workload in WORKLOADS if workload.name in {sample.workload for sample in samples}]
    saturated = [workload for workload in workloads if not workload.rate]
    paced = [workload for workload in workloads if workload.rate]
    parts = ["# The stack on a socket, on TCP, and other proxies", heading + ".", NOTE]
    for goal in goals(variants):
        parts += [f"## {goal.title}", compare(cells, goal, saturated)] if goal.pairs else []
    for workload in saturated:
        parts += [f"## {workload.title}", costs(cells, variants, workload)]
    for workload in paced:
        parts += [f"## Latency: {workload.title}", waits(cells, variants, workload)]
    return "\n\n".join(parts) + "\n"


def goals(variants: Sequence[Variant]) -> list[Goal]:
    """Return the goals that can be judged by these variants."""
    named = {variant.name: variant for variant in variants}
    hops = [(named[one.on_socket], one) for one in variants if one.tcp and one.proxy and one.on_socket in named]
    rivals = [one for one in variants if one.proxy not in (None, DEFAULT) and not one.tcp and not one.native]
    alone = {one.native: one for one in variants if not one.proxy and not one.tcp}
    shares = [(one, alone[one.native]) for one in variants if one.proxy and not one.tcp and one.native in alone]
    return [
        Goal("Processor time of the machine, socket to TCP: at most 0.85", hops, lambda one: one.machine_us, 0.85),
        Goal("The same without the load generator's time", hops, lambda one: one.without_generator_us, 0.85),
        Goal(
            f"Processor time of the proxy, {TITLES[DEFAULT]} to others: at most 1",
            [(named[DEFAULT], one) for one in rivals] if DEFAULT in named else [],
            lambda one: one.proxy_us,
            1,
        ),
        Goal("Requests per second, socket to TCP: at least 1.15", hops, lambda one: one.rate, 1.15, at_most=False),
        Goal("Requests per second, share of Kestrel alone on its socket", shares, lambda one: one.rate),
    ]


def compare(cells: Cells, goal: Goal, workloads: Sequence[Workload]) -> str:
    """Return a goal's table: the ratios of its pairs at each workload of the most frequent number of connections."""
    sizes = {workload.size: workload for workload in workloads if workload.connections == 64}
    sizes |= {workload.size: workload for workload in workloads if workload.size not in sizes}
    rows = []
    for one, other in goal.pairs:
        ratios = [cells.ratio(one.name, other.name, workload.name, goal.figure) for workload in sizes.values()]
        texts = [f"{ratio.text(2)}{goal.verdict(ratio)}" if ratio else "" for ratio in ratios]
        rows.append([f"{one.title} / {other.title}", *texts])
    return markdown(["", *sizes], rows)


def costs(cells: Cells, variants: Sequence[Variant], workload: Workload) -> str:
    """Return the table of a workload that asks as fast as it is answered."""
    rows = []
    for variant in variants:
        found = [(cells.value(variant.name, workload.name, figure), digits) for figure, digits in COLUMNS.values()]
        of_proxy = [variant.proxy or "proxy" not in name for name in COLUMNS]
        texts = [
            value.text(digits) if value and shown else ""
            for (value, digits), shown in zip(found, of_proxy, strict=True)
        ]
        rows.append([variant.title, *texts])
    return markdown(["", *COLUMNS], rows)


def waits(cells: Cells, variants: Sequence[Variant], workload: Workload) -> str:
    """Return the table of a workload with a fixed rate."""
    rows = []
    for variant in variants:
        rate = cells.value(variant.name, workload.name, lambda sample: sample.rate)
        behind = rate and rate.median < FELL_BEHIND * (workload.rate or 0)
        values = [cells.value(variant.name, workload.name, figure) for figure in LATENCIES.values()]
        note = f", fell behind: {rate.median:,.0f} requests/s" if rate and behind else ""
        rows.append([variant.title + note, *(value.text(2) if value else "" for value in values)])
    return markdown(["", *LATENCIES], rows)
