"""What is H2O's own when its configuration is reloaded; test_reload.py holds what is true of every proxy."""

from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.engine.deploy.served import Site
from tests.testkit.bake import edit
from tests.testkit.faults import main_process, restarts, send
from tests.testkit.process import eventually

pytestmark = pytest.mark.engine


@pytest.fixture
def conf(site: Site) -> Iterator[Path]:
    """Its h2o.conf, put back afterwards."""
    path = site.root / "h2o" / "h2o.conf"
    text = path.read_text()
    yield path
    path.write_text(text)
    site.uds_stack("reload")


def test_reload_reports_a_worker_that_does_not_start(site: Site, conf: Path) -> None:
    edit(conf, "listen: 8080", "listen: 9090")

    with site.loaded() as load:
        done = site.uds_stack("reload", code=1)

    assert "the new worker does not start" in done.stderr
    assert not load.bad


def test_reload_reports_a_rebuilt_image(site: Site) -> None:
    dockerfile = site.root / "h2o" / "Dockerfile"
    edit(dockerfile, "USER", "LABEL edited=yes\nUSER")
    try:
        site.project.compose("build", "h2o")
        done = site.uds_stack("reload")
    finally:
        edit(dockerfile, "LABEL edited=yes\nUSER", "USER")
        site.project.compose("build", "h2o")

    told = "its image has changed for h2o, too: apply it with `docker compose up -d --timeout 1 h2o`"
    assert told in done.stdout
    assert "has changed" not in site.uds_stack("reload").stdout


def test_reload_works_with_an_init_and_another_port(site: Site, conf: Path) -> None:
    compose = site.root / "compose.yaml"
    text = compose.read_text()
    edit(compose, "    build: h2o\n", "    build: h2o\n    init: true\n")
    edit(compose, '    ports: ["', '    ports: ["127.0.0.1::443", "')
    try:
        site.project.up()
        edit(conf, "hosts:\n", 'header.set: "X-Edited: with an init"\nhosts:\n')

        done = site.uds_stack("reload")

        assert "h2o.conf is reloaded" in done.stdout
        assert site.project.get().headers["x-edited"] == "with an init"
    finally:
        compose.write_text(text)
        site.project.up()


def test_reload_keeps_the_restart_policy(site: Site) -> None:
    site.uds_stack("reload")

    send(SIGKILL, main_process(site.project, "h2o"))

    eventually(lambda: restarts(site.project, "h2o") == 1, "a restart")
    site.project.up()
    assert site.project.get().status == 200
