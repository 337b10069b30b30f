"""Measure the template against the alternatives, and print a Markdown table for each measurement.

    make bench                           all of them, an hour
    make bench ONLY="generation images"  some of them
    make bench ONLY=compare QUICK=1      three minutes of the longest; bench/compare/__init__.py has its other options

What is compared takes turns, so that other load on the machine affects both sides of a ratio.
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from bench import compare, generation, images, native
from bench.compare.rounds import Options
from bench.report import say
from tests.testkit.bake import REPO

BUILD = REPO / "build" / "bench"
SAVED = REPO / "bench" / "results"


def measurements(options: argparse.Namespace) -> dict[str, Callable[[Path], str]]:
    """Return the measurements by name; each takes an empty folder and returns a Markdown table."""
    much = Options.quickly() if options.quick else Options()
    much = Options(options.rounds or much.rounds, options.seconds or much.seconds, much.quick)
    return {
        "compare": lambda folder: compare.measure(
            folder, BUILD / "compare", much, publish=SAVED if options.save else None
        ),
        "generation": generation.measure,
        "native": native.measure,
        "images": images.measure,
    }


def parse_arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="compare, generation, native, images; default: all")
    parser.add_argument("--quick", action="store_true", help="compare: fewer cells, a second each, two rounds")
    parser.add_argument("--rounds", type=int, help="compare: rounds")
    parser.add_argument("--seconds", type=float, help="compare: seconds for a cell")
    parser.add_argument("--save", action="store_true", help="compare: publish the tables and plots in bench/results/")
    return parser


def main() -> None:
    """Run the measurements one after the other."""
    parser = parse_arguments()
    options = parser.parse_args()
    known = measurements(options)
    names = options.name or list(known)
    if unknown := set(names) - set(known):
        parser.error(f"no measurement is named {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    tables = []
    for name in names:
        folder = BUILD / "work" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        say(f"measuring: {name}")
        try:
            tables.append(known[name](folder))
        finally:
            shutil.rmtree(folder.parent)
    print("\n" + "\n\n".join(tables))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
