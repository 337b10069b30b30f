"""New versions of an app that runs from ./publish, good ones and bad ones, and the way back to the one before."""

import os
from pathlib import Path

import pytest

from tests.engine.redeploy.served import Site
from tests.testkit.bake import edit
from tests.testkit.process import run
from tests.testkit.stack import Project

pytestmark = [pytest.mark.engine, pytest.mark.sdk]


@pytest.mark.native
def test_redeploy_serves_an_edit_without_a_failed_request(mounted: Site) -> None:
    before = mounted.containers()
    mounted.set("An edit")
    edit(mounted.program, 'app.MapGet("/", () => ', 'app.MapGet("/", () => "Edited. " + ')

    with mounted.loaded() as load:
        done = mounted.with_sdk().uds_stack("deploy")

    assert mounted.project.get().text == "Edited. An edit"
    assert not load.bad
    assert load.good > 100
    assert not set(before) & set(mounted.containers())
    assert mounted.tidy()
    assert done.stdout.splitlines()[-1].endswith("is serving")
    edit(mounted.program, '"Edited. " + ', "")


def test_redeploy_applies_a_changed_compose_file(mounted: Site) -> None:
    edit(mounted.root / "compose.yaml", "pids_limit: 200", "pids_limit: 201")
    mounted.uds_stack("deploy")
    after = mounted.containers("app") + mounted.containers("h2o")

    mounted.project.up()

    assert mounted.containers("app") + mounted.containers("h2o") == after
    assert run("docker", "inspect", after[0], "--format", "{{.HostConfig.PidsLimit}}").stdout.strip() == "201"


def test_redeploy_keeps_a_stack_started_by_a_symbolic_link(mounted: Site, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(mounted.root)
    linked = Project(link, {**mounted.project.environment, "PWD": str(link)})
    linked.up()
    try:
        mounted.uds_stack("deploy")
        after = mounted.containers("app") + mounted.containers("h2o")
        linked.up()

        assert mounted.containers("app") + mounted.containers("h2o") == after
    finally:
        mounted.project.up()


def test_redeploy_accepts_a_conf_that_is_not_utf8(mounted: Site) -> None:
    conf = mounted.root / "h2o" / "h2o.conf"
    text = conf.read_bytes()
    conf.write_bytes(text + b"# \xe9\n")
    try:
        mounted.uds_stack("deploy")
    finally:
        conf.write_bytes(text)


@pytest.mark.native
def test_rollback_swaps_the_versions(mounted: Site) -> None:
    page = mounted.project.get().text
    mounted.set("two")
    mounted.uds_stack("deploy")
    mounted.uds_stack("deploy")  # the same once more is no other version

    with mounted.loaded() as load:
        mounted.uds_stack("rollback")
        back = mounted.project.get().text
        mounted.uds_stack("rollback")

    assert (back, mounted.project.get().text) == (page, "two")
    assert not load.bad
    assert mounted.tidy()


def test_redeploy_changes_nothing_where_the_sources_do_not_compile(mounted: Site) -> None:
    before, page = mounted.containers(), mounted.project.get().text
    edit(mounted.program, "app.Run();", "app.Run()")
    try:
        done = mounted.with_sdk().uds_stack("deploy", code=1)
    finally:
        edit(mounted.program, "app.Run()", "app.Run();")

    assert "publish failed" in done.stderr
    assert "error CS1002" in done.stderr
    assert (mounted.containers(), mounted.project.get().text) == (before, page)
    assert mounted.tidy()


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
def test_redeploy_rolls_back_a_bad_version(
    mounted: Site, fault: str, options: tuple[str, ...], reason: str, logged: str
) -> None:
    before, page = mounted.containers(), mounted.project.get().text
    previous = {path.name: path.read_bytes() for path in (mounted.root / "publish.previous").glob("*")}
    mounted.set("bad", fault)

    with mounted.loaded() as load:
        done = mounted.uds_stack("deploy", *options, code=1)

    assert reason in done.stderr
    assert logged in done.stderr
    assert (mounted.containers(), mounted.project.get().text) == (before, page)
    assert '"bad"' not in (mounted.root / "publish" / "appsettings.json").read_text()
    assert {path.name: path.read_bytes() for path in (mounted.root / "publish.previous").glob("*")} == previous
    assert mounted.tidy()
    if fault != "exit":  # that one served: what it had not answered when it exited is lost
        assert not load.bad


def test_redeploy_starts_what_is_not_running(mounted: Site) -> None:
    mounted.set("h2o")
    mounted.project.compose("stop", "h2o")
    mounted.uds_stack("deploy")
    assert mounted.project.get().text == "h2o"

    mounted.set("all")
    mounted.project.compose("down")
    umask = os.umask(0o077)
    try:
        mounted.uds_stack("deploy")
    finally:
        os.umask(umask)
    assert mounted.project.get().text == "all"
    assert mounted.tidy()


def test_redeploy_replaces_a_version_that_is_down(mounted: Site) -> None:
    mounted.set("down", "throw")
    mounted.uds_stack("deploy", code=1)
    run("docker", "rm", "--force", *mounted.containers())
    mounted.uds_stack("deploy", code=1)  # with nothing to go back to, nothing is left running
    assert mounted.containers() == []

    mounted.set("up again")
    mounted.uds_stack("deploy")

    assert mounted.project.get().text == "up again"
    assert mounted.tidy()


def test_rollback_without_a_previous_version_fails(mounted: Site) -> None:
    (mounted.root / "publish.previous").rename(mounted.root / "before")
    try:
        assert "there is no previous version" in mounted.uds_stack("rollback", code=1).stderr
    finally:
        (mounted.root / "before").rename(mounted.root / "publish.previous")
