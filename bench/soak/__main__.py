"""A million requests over twenty deployments, then each fault under load: what failed, and for how long.

    make soak                all of it for each proxy, as root; writes the tables into docs/faults.md
    make soak PROXY=nginx    for one proxy, half an hour; writes its table
    make soak SHORT=1        a small part, half a minute for each proxy; only prints

Wants a machine that does nothing else. Fails where a deployment lost a request, or the stack did not recover.
"""

import argparse
import shutil
import sys

from bench.report import say
from bench.soak.deployments import ONE_EACH, SHORT, deploy_under_load, deploy_with_an_empty_pool, long_rounds
from bench.soak.faults import APP_KILLED, cause_each, commands, crashes, kill_engine, reload
from bench.soak.proxies import PROXIES, Proxy
from bench.soak.report import Row, machine, table, write
from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.faults import add_pages
from tests.testkit.stack import Project, free_port, port_is_free, project

FOLDER = REPO / "build" / "soak"


def make_stack(proxy: Proxy) -> Project:
    """Bake a project in FOLDER and give its app the pages for faults."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "baked").mkdir(parents=True)
    say(f"baking a project with {proxy.title}")
    cookiecutter(REPO, FOLDER / "baked", "project_name=Soak", f"proxy={proxy.name}", "--accept-hooks=no")
    root = add_pages(FOLDER / "baked" / "soak", FOLDER / "soak")
    return project(root, f"uds-stack-soak-{proxy.name}", 18400 if port_is_free(18400) else free_port())


def soak(stack: Project, proxy: Proxy, short: bool) -> tuple[list[Row], list[Row], list[Row]]:
    """Return the rows in which no request may fail, those in which some do, and those of a second engine."""
    times = 1 if short else 3
    lossless = [deploy_under_load(stack, round_) for round_ in (SHORT if short else long_rounds(proxy.rate))]
    lossless.append(deploy_with_an_empty_pool(stack, proxy, 1 if short else ONE_EACH))
    reloads = cause_each(stack, proxy, reload(proxy), times)
    lossy = cause_each(stack, proxy, [APP_KILLED] if short else commands(proxy) + crashes(proxy), times)
    if proxy.reload_is_lossless:
        lossless += reloads
    else:
        lossy = reloads + lossy
    return lossless, lossy, [] if short else kill_engine(stack, proxy, times)


def run_for(proxy: Proxy, short: bool) -> int:
    """Run the soak test of one proxy; return the number of requests that were lost and should not have been."""
    stack = make_stack(proxy)
    try:
        stack.up()
        lossless, lossy, of_engine = soak(stack, proxy, short)
        text = f"{table(lossless + lossy + of_engine)}\n\n{machine(stack, proxy)}."
    finally:
        stack.remove()
        shutil.rmtree(FOLDER)
    print(f"\n{proxy.title}\n\n{text}\n")
    if of_engine:  # without these rows the table would be incomplete
        write(proxy, text)
    lost = sum(row.failed for row in lossless)
    if lost:
        print(f"FAILED: {lost} requests were lost behind {proxy.title}, expected 0")
    return lost


def main() -> int:
    """Run the soak test; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a small part, which needs no second engine")
    parser.add_argument("--proxy", choices=PROXIES, help="one proxy; without this, each of them")
    options = parser.parse_args()
    chosen = [PROXIES[options.proxy]] if options.proxy else list(PROXIES.values())
    return int(sum(run_for(proxy, options.short) for proxy in chosen) > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
