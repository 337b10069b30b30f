"""Measure the template against the alternatives, and print a Markdown table for each measurement.

    make bench                           all of them, seven minutes
    make bench ONLY="generation check"   some of them

What is compared takes turns, so that other load on the machine affects both sides of a ratio.
"""

import argparse
import shutil
import sys

from bench import check, generation, images, transport
from bench.report import say
from tests.testkit.bake import REPO

MEASUREMENTS = {"transport": transport.measure, "generation": generation.measure, "check": check.measure, "images": images.measure}


def main() -> None:
    """Run the measurements one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help=f"{', '.join(MEASUREMENTS)}; default: all")
    names = parser.parse_args().name or list(MEASUREMENTS)
    if unknown := set(names) - set(MEASUREMENTS):
        parser.error(f"no measurement is named {', '.join(sorted(unknown))}; choose from {', '.join(MEASUREMENTS)}")
    tables = []
    for name in names:
        folder = REPO / "build" / "bench" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        say(f"measuring: {name}")
        try:
            tables.append(MEASUREMENTS[name](folder))
        finally:
            shutil.rmtree(folder.parent)
    print("\n" + "\n\n".join(tables))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
