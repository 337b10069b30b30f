"""The app compiled ahead of time against the app compiled at run time, each in its container behind H2O.

Both stacks run at once and take turns. It needs root, to kill the app as a fault would, and the engine on this host.
"""

import contextlib
import http.client
import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

from bench.compare.load import parse_h2load
from bench.compare.loadgen.usage import Container, find
from bench.report import load_of_machine, markdown, ratio, say, seconds
from tests.testkit import combinations
from tests.testkit.faults import main_process
from tests.testkit.process import run
from tests.testkit.stack import Project, project

KINDS = {"at run time": "h2o", "ahead of time": "h2o-native"}
ROUNDS = 9
PUBLISHES = 3
PROBES = 10
RESET = 11.0  # seconds after which the engine takes a start for a success, and does not wait longer before the next
REST = 5.0  # seconds without a request, after which the memory at rest is read
LOAD = ("h2load", "--h1", "--clients=64", "--duration=5")
CGROUPS = Path("/sys/fs/cgroup")
POLL = 0.001  # seconds
LIMIT = 60.0  # seconds for a start


@dataclass
class Found:
    """What the rounds found for one kind of the app, by what was measured."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Add a value."""
        self.values.setdefault(name, []).append(value)


class Watch:
    """Notes when a container's program is executed, and when the site answers after that."""

    def __init__(self, stack: Project, container: str, program: str) -> None:
        """Start to watch. The container's program does not run, or is about to be killed."""
        self._port, self._container, self._program = int(stack.environment["HTTP_PORT"]), container, program[:15]
        self._known = _processes()
        self.executed = self.answered = 0.0
        self._threads = [threading.Thread(target=self._wait_for_exec), threading.Thread(target=self._wait_for_answer)]
        self._deadline = time.monotonic() + LIMIT
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Wait for both."""
        for thread in self._threads:
            thread.join()
        if not self.answered:
            raise SystemExit(f"the app's container {self._container} did not answer within {LIMIT:g} s")

    def _wait_for_exec(self) -> None:
        while not self.executed and time.monotonic() < self._deadline:
            for pid in _processes() - self._known:
                if _text(pid, "comm").strip() == self._program and self._container in _text(pid, "cgroup"):
                    self.executed = time.monotonic()
            time.sleep(POLL)

    def _wait_for_answer(self) -> None:
        while not self.answered and time.monotonic() < self._deadline:
            if self.executed and self._answers():
                self.answered = time.monotonic()
            time.sleep(POLL)

    def _answers(self) -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)) as connection:
            try:
                connection.request("GET", "/")
                return connection.getresponse().status == 200
            except OSError:
                return False


def _processes() -> set[str]:
    return {path.name for path in Path("/proc").iterdir() if path.name.isdigit()}


def _text(pid: str, name: str) -> str:
    try:
        return Path("/proc", pid, name).read_text()
    except OSError:  # it has ended
        return ""


@dataclass(frozen=True)
class Subject:
    """A running stack, with what is watched of its app."""

    stack: Project
    container: str  # id
    health_check: list[str]

    @property
    def program(self) -> str:
        """The name of the app's process."""
        return Path(self.health_check[0]).name

    def cgroup(self) -> Container:
        """Find the cgroup of the app's container, which lives from its start to its end."""
        return find(CGROUPS, self.container)


def start(kind: str, folder: Path) -> Subject:
    """Bake, build and start the stack of a kind."""
    root = combinations.bake(KINDS[kind], folder)
    stack = project(root, f"uds-stack-native-{KINDS[kind]}")
    stack.up()
    container = stack.inspect("app")
    return Subject(stack, container["Id"], container["Config"]["Healthcheck"]["Test"][1:])


def measure_start(subject: Subject, found: Found) -> None:
    """Stop the app, and start it."""
    run("docker", "stop", subject.container)
    watch = Watch(subject.stack, subject.container, subject.program)
    run("docker", "start", subject.container)
    watch.wait()
    found.add("exec to first answer, ms", (watch.answered - watch.executed) * 1000)


def measure_outage(subject: Subject, found: Found) -> None:
    """Kill the app."""
    time.sleep(RESET)
    pid = main_process(subject.stack, "app")
    watch = Watch(subject.stack, subject.container, subject.program)
    begin = time.monotonic()
    os.kill(pid, SIGKILL)
    watch.wait()
    found.add("outage of a killed app, s", watch.answered - begin)
    found.add("of which until the engine executes it again, s", watch.executed - begin)


def measure_memory(subject: Subject, found: Found) -> None:
    """Read the app's memory at rest and under load, and what a request costs it."""
    time.sleep(REST)  # the state that is measured is one in which nothing happens
    cgroup = subject.cgroup()
    found.add("memory at rest, MiB", cgroup.memory_bytes() / 2**20)
    before = cgroup.cpu_us()
    counted = parse_h2load(run(*LOAD, f"http://127.0.0.1:{subject.stack.environment['HTTP_PORT']}/").stdout)
    if counted.failed:
        raise SystemExit(f"{counted.failed} requests to the app failed under load")
    found.add("memory under load, MiB", cgroup.memory_bytes() / 2**20)
    found.add("CPU of the app for a request, µs", (cgroup.cpu_us() - before) / counted.good)


def measure_probe(subject: Subject, found: Found) -> None:
    """Run the health check."""
    cgroup = subject.cgroup()
    before = cgroup.cpu_us()
    for _ in range(PROBES):
        run("docker", "exec", subject.container, *subject.health_check)
    found.add("CPU of a health check, ms", (cgroup.cpu_us() - before) / PROBES / 1000)


def measure_publish(subject: Subject, found: Found) -> None:
    """Publish the app on this host, as the first time."""
    root = subject.stack.root
    for made in (root / "publish", *root.glob("src/*/bin"), *root.glob("src/*/obj")):
        shutil.rmtree(made, ignore_errors=True)
    command = ("dotnet", "publish", f"src/{subject.stack.slug}", "-c", "Release", "-o", "publish")
    found.add("publish, s", seconds(*command, cwd=root))


STEPS: list[tuple[Callable[[Subject, Found], None], int]] = [
    (measure_start, ROUNDS),
    (measure_outage, ROUNDS),
    (measure_memory, 3),
    (measure_probe, 3),
    (measure_publish, PUBLISHES),
]


def measure(folder: Path) -> str:
    """Measure in an empty folder; return a Markdown table."""
    if os.geteuid() != 0:
        raise SystemExit("this measurement kills the app, which takes root: sudo make bench ONLY=native")
    found = {kind: Found() for kind in KINDS}
    subjects: dict[str, Subject] = {}
    try:
        for kind, name in KINDS.items():
            say(f"building the app that is compiled {kind}")
            subjects[kind] = start(kind, folder / name)
        for step, rounds in STEPS:
            say(f"{step.__name__.replace('_', ' ')}, {rounds} times for each")
            for _ in range(rounds):
                for kind, subject in subjects.items():
                    step(subject, found[kind])
    finally:
        for subject in subjects.values():
            subject.stack.remove()
    jit, native = (found[kind].values for kind in KINDS)
    rows = [
        [name, _spread(jit[name]), _spread(native[name]), ratio(zip(native[name], jit[name], strict=True))]
        for name in jit
    ]
    return f"{markdown(['the app, compiled', *KINDS, 'ratio'], rows)}\n\n{load_of_machine()}."


def _spread(values: list[float]) -> str:
    """Return the median, and in brackets the least and the greatest."""
    digits = 2 if max(values) < 10 else 0
    median, least, most = (f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{median} ({least} to {most})"
