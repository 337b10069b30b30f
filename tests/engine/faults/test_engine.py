"""The engine itself is killed, with the containers up: they come back with it, without a hand."""

import signal
from pathlib import Path

import pytest

from tests.testkit.engine import Engine, missing
from tests.testkit.load import AWAY, GOOD, Visitors
from tests.testkit.process import cannot_run, eventually
from tests.testkit.stack import Project

pytestmark = [pytest.mark.engine, pytest.mark.test_all]


def test_containers_restart_with_a_killed_engine(faulty_stack: Project, tmp_path: Path) -> None:
    if reason := missing():
        cannot_run(reason)
    with Engine(tmp_path / "engine") as engine:
        engine.copy_images(*faulty_stack.compose("config", "--images").stdout.split())
        stack = Project(faulty_stack.root, {**faulty_stack.environment, "DOCKER_HOST": engine.host})
        stack.up()

        port = int(stack.environment["HTTP_PORT"])
        with Visitors(port, network=engine.network) as visitors:
            eventually(lambda: visitors.counts[GOOD] > 100, "good answers")
            engine.end(signal.SIGKILL)
            engine.start()
            eventually(lambda: visitors.good_since_fault > 100, f"good answers, not {visitors.counts}")

        assert visitors.failed > 0
        assert visitors.counts.keys() <= {
            GOOD,
            AWAY,
            "IncompleteReadError",
            "ConnectionResetError",
            "ConnectionRefusedError",
        }
        listing = stack.inside("app", "ls", "/tmp/myapp").stdout.split()
        assert len(listing) == 3
        stack.remove()
