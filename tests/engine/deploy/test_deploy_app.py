"""New versions of the app, good ones and bad ones, and the way back to the one before."""

import os
from pathlib import Path

import pytest

from tests.engine.deploy.served import Site
from tests.testkit.bake import edit
from tests.testkit.process import run
from tests.testkit.stack import Project

pytestmark = pytest.mark.engine


@pytest.mark.native
def test_deploy_serves_an_edit_without_a_failed_request(site: Site, dockerfile: str) -> None:
    before = site.containers()
    site.set("An edit")
    edit(site.program, 'app.MapGet("/", () => ', 'app.MapGet("/", () => "Edited. " + ')

    with site.loaded() as load, site.compiling(dockerfile):
        done = site.uds_stack("deploy")

    assert site.project.get().text == "Edited. An edit"
    assert not load.bad
    assert load.good > 100
    assert not set(before) & set(site.containers())
    assert site.tidy()
    assert done.stdout.splitlines()[-1].endswith("is serving")
    edit(site.program, '"Edited. " + ', "")


def test_deploy_applies_a_changed_compose_file(site: Site) -> None:
    edit(site.root / "compose.yaml", "pids_limit: 200", "pids_limit: 201")
    site.uds_stack("deploy")
    after = site.containers("app") + site.containers("h2o")

    site.project.up()

    assert site.containers("app") + site.containers("h2o") == after
    assert run("docker", "inspect", after[0], "--format", "{{.HostConfig.PidsLimit}}").stdout.strip() == "201"


def test_deploy_keeps_a_stack_started_by_a_symbolic_link(site: Site, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(site.root)
    linked = Project(link, {**site.project.environment, "PWD": str(link)})
    linked.up()
    try:
        site.uds_stack("deploy")
        after = site.containers("app") + site.containers("h2o")
        linked.up()

        assert site.containers("app") + site.containers("h2o") == after
    finally:
        site.project.up()


def test_deploy_accepts_a_conf_that_is_not_utf8(site: Site) -> None:
    conf = site.root / "h2o" / "h2o.conf"
    text = conf.read_bytes()
    conf.write_bytes(text + b"# \xe9\n")
    try:
        site.uds_stack("deploy")
    finally:
        conf.write_bytes(text)


def test_deploy_changes_nothing_where_the_sources_do_not_compile(site: Site, dockerfile: str) -> None:
    before, named, page = site.containers(), site.images(), site.project.get().text
    edit(site.program, "app.Run();", "app.Run()")
    try:
        with site.loaded() as load, site.compiling(dockerfile):
            done = site.uds_stack("deploy", code=1)
    finally:
        edit(site.program, "app.Run()", "app.Run();")

    assert "docker compose build failed" in done.stderr
    assert "error CS1002" in done.stderr
    assert (site.containers(), site.images(), site.project.get().text) == (before, named, page)
    assert not load.bad
    assert site.tidy()


@pytest.mark.native
@pytest.mark.parametrize(
    ("fault", "options", "reason", "logged"),
    [
        ("throw", (), "the new version exited", "planned: it throws"),
        ("hang", ("--timeout", "3"), "was not healthy within 3 s", "planned: it hangs"),
        ("sick", ("--timeout", "3"), "was not healthy within 3 s", "stays as it is until this instance is healthy"),
        ("exit", ("--watch", "10"), "the new version exited", "planned: it exits"),
    ],
)
def test_deploy_rolls_back_a_bad_version(
    site: Site, fault: str, options: tuple[str, ...], reason: str, logged: str
) -> None:
    before, named, page = site.containers(), site.images(), site.project.get().text
    site.set("bad", fault)

    with site.loaded() as load:
        done = site.uds_stack("deploy", *options, code=1)

    assert reason in done.stderr
    assert logged in done.stderr
    assert (site.containers(), site.images(), site.project.get().text) == (before, named, page)
    assert site.tidy()
    if fault != "exit":  # that one served: what it had not answered when it exited is lost
        assert not load.bad


def test_deploy_starts_what_is_not_running(site: Site) -> None:
    site.set("h2o")
    site.project.compose("stop", "h2o")
    site.uds_stack("deploy")
    assert site.project.get().text == "h2o"

    site.set("all")
    site.project.compose("down")
    umask = os.umask(0o077)
    try:
        site.uds_stack("deploy")
    finally:
        os.umask(umask)
    assert site.project.get().text == "all"
    assert site.tidy()


def test_deploy_replaces_a_version_that_is_down(site: Site) -> None:
    site.set("down", "throw")
    site.uds_stack("deploy", code=1)
    run("docker", "rm", "--force", *site.containers())
    site.uds_stack("deploy", code=1)  # with nothing to go back to, nothing is left running
    assert site.containers() == []

    site.set("up again")
    site.uds_stack("deploy")

    assert site.project.get().text == "up again"
    assert site.tidy()


def test_rollback_without_a_previous_version_fails(site: Site) -> None:
    run("docker", "image", "rm", f"{site.project.image}:previous", check=False)

    assert "there is no previous version" in site.uds_stack("rollback", code=1).stderr
