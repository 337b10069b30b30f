"""New versions of an app that runs from ./publish, by runs that are killed, interrupted or disturbed."""

import signal

import pytest

from tests.engine.redeploy.served import Site, interrupt
from tests.testkit.faults import send
from tests.testkit.process import eventually, run

pytestmark = [pytest.mark.engine, pytest.mark.sdk]

# A step's words, and where a run is when it has just said them.
STEPS = ["publishing", "starting the new", "to become healthy", "watching it", "draining"]


def files(container: str) -> str:
    """A fingerprint of the files that a container sees in /app."""
    return run("docker", "exec", container, "sh", "-c", "cd /app && sha256sum *").stdout


def restarts(container: str) -> int:
    """How often the engine has started a container again."""
    return int(run("docker", "inspect", "--format", "{{.RestartCount}}", container).stdout)


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

    mounted.uds_stack("deploy", code=1)

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
