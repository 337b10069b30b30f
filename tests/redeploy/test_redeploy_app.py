"""New versions of an app that runs from ./publish: good ones, bad ones, and runs that do not come to their end."""

import fcntl
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.redeploy.served import Site, interrupt
from tests.testkit.bake import edit
from tests.testkit.faults import send
from tests.testkit.process import eventually, run
from tests.testkit.stack import Project

pytestmark = [pytest.mark.engine, pytest.mark.sdk]

# A step's words, and where a run is when it has just said them.
STEPS = ["publishing", "starting the new", "to become healthy", "watching it", "draining"]


def files(container: str) -> str:
    """A fingerprint of the files that a container sees in /app."""
    return run("docker", "exec", container, "sh", "-c", "cd /app && sha256sum *").stdout


def restarts(container: str) -> int:
    """How often the engine has started a container again."""
    return int(run("docker", "inspect", "--format", "{{.RestartCount}}", container).stdout)


def test_redeploy_serves_an_edit_without_a_failed_request(mounted: Site) -> None:
    before = mounted.containers()
    mounted.set("An edit")
    edit(mounted.program, 'app.MapGet("/", () => ', 'app.MapGet("/", () => "Edited. " + ')

    with mounted.loaded() as load:
        done = mounted.with_sdk().redeploy()

    assert mounted.project.get().text == "Edited. An edit"
    assert not load.bad
    assert load.good > 100
    assert not set(before) & set(mounted.containers())
    assert mounted.tidy()
    assert done.stdout.splitlines()[-1].endswith("is serving")
    edit(mounted.program, '"Edited. " + ', "")


def test_redeploy_applies_a_changed_compose_file(mounted: Site) -> None:
    edit(mounted.root / "compose.yaml", "pids_limit: 200", "pids_limit: 201")
    mounted.redeploy()
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
        mounted.redeploy()
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
        mounted.redeploy()
    finally:
        conf.write_bytes(text)


def test_redeploy_refuses_a_stack_of_another_name(mounted: Site) -> None:
    before = run("docker", "ps", "--all", "--quiet").stdout
    other = Site(Project(mounted.root, {**mounted.project.environment, "COMPOSE_PROJECT_NAME": "uds-stack-another"}))

    done = other.redeploy(code=1)

    assert "the stack that runs from this folder is uds-stack-redeploy, not uds-stack-another" in done.stderr
    assert run("docker", "ps", "--all", "--quiet").stdout == before


def test_redeploy_refuses_replicas(mounted: Site) -> None:
    compose = mounted.root / "compose.yaml"
    text = compose.read_text()
    edit(compose, "    build: .\n", "    build: .\n    deploy: {replicas: 2}\n")
    try:
        assert "remove `replicas`" in mounted.redeploy(code=1).stderr
    finally:
        compose.write_text(text)


def test_rollback_swaps_the_versions(mounted: Site) -> None:
    page = mounted.project.get().text
    mounted.set("two")
    mounted.redeploy()
    mounted.redeploy()  # the same once more is no other version

    with mounted.loaded() as load:
        mounted.redeploy("--rollback")
        back = mounted.project.get().text
        mounted.redeploy("--rollback")

    assert (back, mounted.project.get().text) == (page, "two")
    assert not load.bad
    assert mounted.tidy()


def test_redeploy_changes_nothing_where_the_sources_do_not_compile(mounted: Site) -> None:
    before, page = mounted.containers(), mounted.project.get().text
    edit(mounted.program, "app.Run();", "app.Run()")
    try:
        done = mounted.with_sdk().redeploy(code=1)
    finally:
        edit(mounted.program, "app.Run()", "app.Run();")

    assert "publish failed" in done.stderr
    assert "error CS1002" in done.stderr
    assert (mounted.containers(), mounted.project.get().text) == (before, page)
    assert mounted.tidy()


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
        done = mounted.redeploy(*options, code=1)

    assert reason in done.stderr
    assert logged in done.stderr
    assert (mounted.containers(), mounted.project.get().text) == (before, page)
    assert '"bad"' not in (mounted.root / "publish" / "appsettings.json").read_text()
    assert {path.name: path.read_bytes() for path in (mounted.root / "publish.previous").glob("*")} == previous
    assert mounted.tidy()
    if fault != "exit":  # that one served: what it had not answered when it exited is lost
        assert not load.bad


@pytest.mark.parametrize("step", STEPS)
def test_recovery_completes_a_killed_run_without_a_failed_request(mounted: Site, step: str) -> None:
    mounted.set(f"killed when {step}")
    site = mounted.with_sdk() if step == "publishing" else mounted

    with mounted.loaded() as load:
        with site.redeploying(step) as process:
            process.kill()
        mounted.run_again()

    assert mounted.project.get().text == f"killed when {step}"
    assert not load.bad
    assert mounted.tidy()


def test_redeploy_replaces_an_old_version_that_restarts_meanwhile(mounted: Site) -> None:
    old = mounted.containers()[0]
    mounted.set("after a crash")

    with mounted.redeploying("watching it", "--watch", "4") as process:
        before = restarts(old)
        send(signal.SIGKILL, int(run("docker", "inspect", "--format", "{{.State.Pid}}", old).stdout))
        eventually(lambda: restarts(old) > before, "the engine starts it again")
        said, _ = process.communicate(timeout=90)

    assert process.returncode == 0, said
    assert mounted.project.get().text == "after a crash"
    assert mounted.tidy()


def test_compose_up_after_a_killed_run_keeps_a_serving_version(mounted: Site) -> None:
    mounted.set("half done")
    with mounted.redeploying("watching it") as process:
        process.kill()

    mounted.project.compose("up", "--detach", "--no-recreate", "--wait")

    eventually(lambda: mounted.project.get().status == 200, "the one that is left serves")
    mounted.run_again()


def test_recovery_restores_publish_between_two_renames(mounted: Site) -> None:
    publish, old, page = mounted.root / "publish", mounted.containers()[0], mounted.project.get().text
    publish.rename(mounted.root / f"publish.of-{old[:12]}")
    mounted.set("bad", "throw")

    mounted.redeploy(code=1)

    assert publish.is_dir()
    assert (mounted.containers(), mounted.project.get().text) == ([old], page)
    assert mounted.tidy()


@pytest.mark.parametrize("step", ["publishing", "to become healthy", "watching it"])
def test_ctrl_c_rolls_back(mounted: Site, step: str) -> None:
    before, page = mounted.containers(), mounted.project.get().text
    seen = files(before[0])
    mounted.set(f"interrupted when {step}")
    site = mounted.with_sdk() if step == "publishing" else mounted

    with mounted.loaded() as load, site.redeploying(step) as process:
        said = interrupt(process, signal.SIGINT)

    assert process.returncode == 130
    assert said.splitlines()[-1].endswith("is serving")
    assert (mounted.containers(), mounted.project.get().text) == (before, page)
    assert files(before[0]) == seen
    assert not load.bad
    assert mounted.tidy()


def test_redeploy_never_changes_the_files_of_a_running_app(mounted: Site) -> None:
    old = mounted.containers()[0]
    seen = files(old)
    mounted.set("files")

    with mounted.redeploying("watching it") as process:
        beside = files(old)
        published = '"files"' in (mounted.root / "publish" / "appsettings.json").read_text()
        interrupt(process, signal.SIGTERM)

    assert published
    assert beside == seen == files(old)
    assert process.returncode == 143


def test_ctrl_c_during_the_drain_completes_the_deployment(mounted: Site) -> None:
    mounted.set("late")

    with mounted.loaded() as load, mounted.redeploying("draining") as process:
        interrupt(process, signal.SIGINT)

    assert process.returncode == 130
    assert mounted.project.get().text == "late"
    assert not load.bad
    assert mounted.tidy()


def test_lock_refuses_a_second_run(mounted: Site) -> None:
    before = mounted.containers()
    with (mounted.root / "scripts" / "redeploy.py").open() as script:
        fcntl.flock(script, fcntl.LOCK_EX)
        done = mounted.redeploy(code=1)

    assert "another redeploy.py" in done.stderr
    assert mounted.containers() == before


def test_redeploy_starts_what_is_not_running(mounted: Site) -> None:
    mounted.set("h2o")
    mounted.project.compose("stop", "h2o")
    mounted.redeploy()
    assert mounted.project.get().text == "h2o"

    mounted.set("all")
    mounted.project.compose("down")
    umask = os.umask(0o077)
    try:
        mounted.redeploy()
    finally:
        os.umask(umask)
    assert mounted.project.get().text == "all"
    assert mounted.tidy()


def test_redeploy_replaces_a_version_that_is_down(mounted: Site) -> None:
    mounted.set("down", "throw")
    mounted.redeploy(code=1)
    run("docker", "rm", "--force", *mounted.containers())
    mounted.redeploy(code=1)  # with nothing to go back to, nothing is left running
    assert mounted.containers() == []

    mounted.set("up again")
    mounted.redeploy()

    assert mounted.project.get().text == "up again"
    assert mounted.tidy()


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"PATH": "/nowhere"}, "docker is not installed"),
        ({"DOCKER_HOST": "unix:///nowhere.sock"}, "the Docker engine does not answer"),
    ],
)
def test_missing_tool_is_named(mounted: Site, environment: dict[str, str], reason: str) -> None:
    done = run(*mounted.command(), env={**mounted.project.environment, **environment}, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(f"redeploy.py: {reason}")
    assert "Traceback" not in done.stderr


def test_missing_sdk_is_named(mounted: Site, tmp_path: Path) -> None:
    (tmp_path / "docker").symlink_to(run("sh", "-c", "command -v docker").stdout.strip())

    done = run(*mounted.command(), env={**mounted.project.environment, "PATH": str(tmp_path)}, check=False)

    assert done.returncode == 1
    assert "redeploy.py: the .NET SDK is not installed" in done.stderr
    assert mounted.tidy()


def test_redeploy_outside_of_a_project_fails_with_a_message(mounted: Site, tmp_path: Path) -> None:
    scripts = shutil.copytree(mounted.root / "scripts", tmp_path / "scripts")

    done = run("python3", scripts / "redeploy.py", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(f"redeploy.py: Compose cannot read the project in {tmp_path}")


def test_rollback_without_a_previous_version_fails(mounted: Site) -> None:
    (mounted.root / "publish.previous").rename(mounted.root / "before")
    try:
        assert "there is no previous version" in mounted.redeploy("--rollback", code=1).stderr
    finally:
        (mounted.root / "before").rename(mounted.root / "publish.previous")
