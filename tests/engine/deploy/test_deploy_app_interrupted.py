"""New versions of the app, by runs that are killed, interrupted or disturbed."""

import signal

import pytest

from tests.engine.deploy.served import Site, interrupt
from tests.testkit.faults import IMAGE, main_process, send
from tests.testkit.process import eventually, run

pytestmark = pytest.mark.engine

# A step's words, and where a run is when it has just said them.
STEPS = ["building", "starting the new", "to become healthy", "watching it", "draining"]


def restarts(container: str) -> int:
    """How often the engine has started a container again."""
    return int(run("docker", "inspect", "--format", "{{.RestartCount}}", container).stdout)


@pytest.mark.parametrize("step", STEPS)
def test_recovery_completes_a_killed_run_without_a_failed_request(site: Site, step: str) -> None:
    site.set(f"killed when {step}")

    with site.loaded() as load:
        with site.deploying(step) as process:
            process.kill()
        site.run_again()

    assert site.project.get().text == f"killed when {step}"
    assert set(site.images()) == {"latest", "previous"}
    assert not load.bad
    assert site.tidy()


def test_deploy_replaces_an_old_version_that_restarts_meanwhile(site: Site) -> None:
    old = site.containers()[0]
    site.set("after a crash")

    with site.deploying("watching it", "--watch", "4") as process:
        before = restarts(old)
        send(signal.SIGKILL, int(run("docker", "inspect", "--format", "{{.State.Pid}}", old).stdout))
        eventually(lambda: restarts(old) > before, "the engine starts it again")
        said, _ = process.communicate(timeout=90)

    assert process.returncode == 0, said
    assert site.project.get().text == "after a crash"
    assert site.tidy()


def test_compose_up_after_a_killed_run_keeps_a_serving_version(site: Site) -> None:
    site.set("half done")
    with site.deploying("watching it") as process:
        process.kill()

    site.project.compose("up", "--detach", "--no-recreate", "--wait")

    eventually(lambda: site.project.get().status == 200, "the one that is left serves")
    site.run_again()


def test_recovery_restores_the_image_that_was_set_aside(site: Site) -> None:
    old, named, page = site.containers()[0], site.images(), site.project.get().text
    run("docker", "tag", site.project.image, f"{site.project.image}:of-{old[:12]}")
    run("docker", "tag", IMAGE, site.project.image)
    site.set("bad", "throw")

    site.uds_stack("deploy", code=1)

    assert (site.containers(), site.images(), site.project.get().text) == ([old], named, page)
    assert site.tidy()


@pytest.mark.parametrize("step", ["building", "to become healthy", "watching it"])
def test_ctrl_c_rolls_back(site: Site, step: str) -> None:
    before, named, page = site.containers(), site.images(), site.project.get().text
    site.set(f"interrupted when {step}")

    with site.loaded() as load, site.deploying(step) as process:
        said = interrupt(process, signal.SIGINT)

    assert process.returncode == 130
    assert said.splitlines()[-1].endswith("is serving")
    assert (site.containers(), site.images(), site.project.get().text) == (before, named, page)
    assert not load.bad
    assert site.tidy()


def test_ctrl_c_during_the_drain_completes_the_deployment(site: Site) -> None:
    site.set("late")

    with site.loaded() as load, site.deploying("draining") as process:
        interrupt(process, signal.SIGINT)

    assert process.returncode == 130
    assert site.project.get().text == "late"
    assert not load.bad
    assert site.tidy()


def test_recovery_keeps_what_runs_where_what_was_set_aside_is_gone(site: Site) -> None:
    # A killed run left the tag; then `docker compose up` replaced its container, and the new one is frozen.
    run("docker", "tag", f"{site.project.image}:latest", f"{site.project.image}:of-0123456789ab")
    send(signal.SIGSTOP, main_process(site.project, "app"))
    site.set("after the frozen one")

    said = site.uds_stack("deploy").stdout

    assert "removing" not in said.partition("building")[0]
    assert site.project.get().text == "after the frozen one"
    assert site.tidy()
