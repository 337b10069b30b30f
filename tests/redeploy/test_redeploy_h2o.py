"""A changed h2o.conf, taken over while requests come in."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.redeploy.served import Site, get
from tests.testkit.bake import edit
from tests.testkit.faults import main_process, restarts, send
from tests.testkit.process import eventually, run

pytestmark = pytest.mark.engine


@pytest.fixture
def conf(mounted: Site) -> Iterator[Path]:
    """Its h2o.conf, put back afterwards."""
    path = mounted.root / "h2o" / "h2o.conf"
    text = path.read_text()
    yield path
    path.write_text(text)
    mounted.redeploy("h2o")


def test_reload_serves_a_changed_conf_without_a_failed_request(mounted: Site, conf: Path) -> None:
    before = mounted.containers("h2o")
    edit(conf, "hosts:\n", 'header.set: "X-Edited: yes"\nhosts:\n')

    with mounted.loaded() as load:
        done = mounted.redeploy("h2o")

    assert mounted.project.get().headers["x-edited"] == "yes"
    assert "h2o.conf is reloaded" in done.stdout
    assert not load.bad
    assert mounted.containers("h2o") == before


def test_reload_does_not_wait_for_open_connections(mounted: Site, conf: Path) -> None:
    edit(conf, "hosts:\n", 'header.set: "X-Edited: while open"\nhosts:\n')

    connection = http.client.HTTPConnection("127.0.0.1", int(mounted.project.environment["HTTP_PORT"]), timeout=30)
    assert get(connection)

    done = mounted.redeploy("h2o")

    assert "open connections stay with the one before" in done.stdout
    assert mounted.project.get().headers["x-edited"] == "while open"
    assert get(connection)
    connection.close()


def test_reload_rejects_an_invalid_conf(mounted: Site, conf: Path) -> None:
    worker = run("docker", "top", *mounted.containers("h2o"), "-eo", "pid").stdout
    edit(conf, "listen: 8080", "listne: 8080")

    with mounted.loaded() as load:
        done = mounted.redeploy("h2o", code=1)

    assert "H2O rejects h2o/h2o.conf" in done.stderr
    assert "listne" in done.stderr
    assert run("docker", "top", *mounted.containers("h2o"), "-eo", "pid").stdout == worker
    assert not load.bad


def test_reload_reports_a_worker_that_does_not_start(mounted: Site, conf: Path) -> None:
    edit(conf, "listen: 8080", "listen: 9090")

    with mounted.loaded() as load:
        done = mounted.redeploy("h2o", code=1)

    assert "the new worker does not start" in done.stderr
    assert not load.bad


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("compose.yaml", "pids_limit: 100", "pids_limit: 101", "compose.yaml has changed for h2o, too"),
        ("h2o/Dockerfile", "COPY", "LABEL edited=yes\nCOPY", "its image has changed for h2o, too"),
    ],
)
def test_reload_reports_changes_that_it_does_not_apply(mounted: Site, file: str, old: str, new: str, told: str) -> None:
    edit(mounted.root / file, old, new)
    try:
        mounted.project.compose("build", "h2o")
        done = mounted.redeploy("h2o")
    finally:
        edit(mounted.root / file, new, old)
        mounted.project.compose("build", "h2o")

    assert f"{told}: apply it with `docker compose up -d --timeout 1 h2o`" in done.stdout
    assert "has changed" not in mounted.redeploy("h2o").stdout


def test_reload_works_with_an_init_and_another_port(mounted: Site, conf: Path) -> None:
    compose = mounted.root / "compose.yaml"
    text = compose.read_text()
    edit(compose, "    build: h2o\n", "    build: h2o\n    init: true\n")
    edit(compose, '    ports: ["', '    ports: ["127.0.0.1::443", "')
    try:
        mounted.project.up()
        edit(conf, "hosts:\n", 'header.set: "X-Edited: with an init"\nhosts:\n')

        done = mounted.redeploy("h2o")

        assert "h2o.conf is reloaded" in done.stdout
        assert mounted.project.get().headers["x-edited"] == "with an init"
    finally:
        compose.write_text(text)
        mounted.project.up()


def test_reload_keeps_the_restart_policy(mounted: Site) -> None:
    mounted.redeploy("h2o")

    send(SIGKILL, main_process(mounted.project, "h2o"))

    eventually(lambda: restarts(mounted.project, "h2o") == 1, "a restart")
    mounted.project.up()
    assert mounted.project.get().status == 200


def test_rollback_of_a_conf_is_a_usage_error(mounted: Site) -> None:
    assert "--rollback is for the app" in mounted.redeploy("h2o", "--rollback", code=2).stderr
