"""The table of a soak test: one row for each fault."""

import os
import re
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from bench.report import markdown
from bench.soak.proxies import Proxy
from tests.testkit.bake import REPO
from tests.testkit.load import Load, Visitors
from tests.testkit.process import run
from tests.testkit.stack import Project

DOCS = REPO / "docs" / "faults.md"


@dataclass
class Row:
    """A row of the table: what happened, once or several times."""

    fault: str
    requests: int = 0
    failed: int = 0
    outages: list[float] = field(default_factory=list)

    def add(self, visitors: Visitors, *loads: Load) -> None:
        """Add what visitors, and other load beside them, saw of one time."""
        for load in (visitors, *loads):
            self.requests += load.requests
            self.failed += load.failed
        self.outages.append(visitors.outage)

    def cells(self) -> list[str]:
        """The row's text; of several outages the median and, in brackets, the longest."""
        outages = [f"{outage * 1000:.0f}" for outage in (statistics.median(self.outages), max(self.outages))]
        outage = outages[0] if len(self.outages) == 1 else f"{outages[0]} ({outages[1]})"
        return [self.fault, f"{self.requests:,}", f"{self.failed:,}", outage if self.failed else "0"]


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    return markdown(["what happens", "requests", "failed", "outage, ms"], [row.cells() for row in rows])


def machine(stack: Project, proxy: Proxy) -> str:
    """The date, the machine and the versions of what ran on it."""
    gib = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    version = stack.inside(proxy.name, *proxy.version)
    number = re.search(r"\d+\.\d+\.\d+", version.stdout + version.stderr)
    return ", ".join(
        [
            f"{datetime.now(timezone.utc):%Y-%m-%d}",
            f"{os.cpu_count()} cores and {gib:.0f} GiB",
            f"Linux {'.'.join(os.uname().release.split('.')[:2])}",
            f"Docker {run('docker', 'version', '--format', '{{.Server.Version}}').stdout.strip()}",
            f"Compose {run('docker', 'compose', 'version', '--short').stdout.strip()}",
            f".NET {stack.inside('app', 'dotnet', '--list-runtimes').stdout.split()[1]}",
            f"{proxy.title} {number[0] if number else 'unknown'}",
        ]
    )


def write(proxy: Proxy, text: str) -> None:
    """Replace the proxy's section in docs/faults.md."""
    begin, end = f"<!-- make soak PROXY={proxy.name} -->\n", "<!-- the end of what make soak writes -->"
    before, _, rest = DOCS.read_text().partition(begin)
    DOCS.write_text(f"{before}{begin}\n{text}\n\n{end}{rest.partition(end)[2]}")
