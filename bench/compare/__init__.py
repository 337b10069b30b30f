"""The proxy and Kestrel over a Unix socket against TCP, the limit, and two other proxies, in real containers.

make bench ONLY=compare                     five rounds, about three quarters of an hour
make bench ONLY=compare QUICK=1             fewer cells, a second each, two rounds: three minutes
make bench ONLY=compare ROUNDS=9 SECONDS=4  other numbers
make bench ONLY=compare SAVE=1              copies what README and docs show into bench/results/

It needs Docker with the base images, and nothing else of the machine. All stacks run at once and are asked in turn, in
each round in another order, so that other load on the machine affects all of them. Ctrl-C keeps what was measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.compare import rounds, stacks
from bench.compare.load import Sample
from bench.compare.results import Results, copy_configurations, describe_machine, draw
from bench.compare.rounds import Options, say
from bench.compare.variants import VARIANTS, Variant

SHOWN = ("tables.md", "connections.svg", "cpu.svg")  # by README.md and docs/performance.md
PREFIX = "uds-stack-bench"  # of the names of all containers, networks, volumes and images


def measure(
    work: Path,
    target: Path,
    options: Options,
    variants: Sequence[Variant] = VARIANTS,
    prefix: str = PREFIX,
    publish: Path | None = None,
) -> str:
    """Measure in the empty folder `work`, write the results into `target`, and return the tables as Markdown.

    `publish` is a folder for a copy of what README and docs show.
    """
    with stacks.running(work, variants, prefix, say) as running:
        results = Results(describe_machine(running), options)
        copy_configurations(running, target / "configurations")
        for stack in running:
            stacks.check_answers(stack, options.workloads)
        rounds.warm_up(running, options)

        def keep(samples: Sequence[Sample]) -> None:
            results.samples = samples
            results.write(target)

        try:
            rounds.measure(running, options, keep)
        finally:
            draw(results, target)
    say(f"results are in {target}")
    if publish:
        for name in SHOWN:
            shutil.copy(target / name, publish)
    return (target / "tables.md").read_text()
