"""A million requests over twenty redeploys, then each fault under load: what failed, and for how long.

    make soak              all of it, a quarter of an hour, as root; writes the table into docs/faults.md
    make soak SHORT=1      a small part, half a minute; only prints

Wants a machine that does nothing else. Fails where a redeploy lost a request, or the stack did not recover.
"""

import argparse
import shutil
import sys

from bench.report import say
from bench.soak.faults import APP_KILLED, BY_HAND, CRASHES, RELOAD, cause_each, kill_engine
from bench.soak.redeploys import MILLION, SHORT, redeploy_under_load
from bench.soak.report import Row, machine, table, write
from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.faults import add_pages
from tests.testkit.stack import Project, free_port, port_is_free, project

FOLDER = REPO / "build" / "soak"


def make_stack() -> Project:
    """Bake a project in FOLDER and give its app the pages for faults."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "baked").mkdir(parents=True)
    say("baking a project")
    cookiecutter(REPO, FOLDER / "baked", "project_name=Soak", "--accept-hooks=no")
    root = add_pages(FOLDER / "baked" / "soak", FOLDER / "soak")
    return project(root, "uds-stack-soak", 18400 if port_is_free(18400) else free_port())


def soak(stack: Project, short: bool) -> tuple[list[Row], list[Row], list[Row]]:
    """Return the rows in which no request may fail, those in which some do, and those of a second engine."""
    times = 1 if short else 3
    lossless = [redeploy_under_load(stack, round_) for round_ in (SHORT if short else MILLION)]
    lossless += cause_each(stack, RELOAD, times)
    lossy = cause_each(stack, APP_KILLED if short else BY_HAND + CRASHES, times)
    return lossless, lossy, [] if short else kill_engine(stack, times)


def main() -> int:
    """Run the soak test; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a small part, which needs no second engine")
    short = parser.parse_args().short
    stack = make_stack()
    try:
        stack.up()
        lossless, lossy, of_engine = soak(stack, short)
        text = f"{table(lossless + lossy + of_engine)}\n\n{machine(stack)}."
    finally:
        stack.remove()
        shutil.rmtree(FOLDER)
    print(f"\n{text}\n")
    if of_engine:  # without these rows the table would be incomplete
        write(text)
    lost = sum(row.failed for row in lossless)
    if lost:
        print(f"FAILED: {lost} requests were lost, expected 0")
    return bool(lost)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
