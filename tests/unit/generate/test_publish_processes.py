"""The processes of a publish: what they are given, and how signals and the time limit end them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testkit.bake import REPO
from tests.testkit.process import cannot_run, eventually, run
from tests.unit.generate.dotnet_stub import HANGING, SDK, builds_from_source
from uds_stack.process import Program

SERVER = "publish() { mkdir publish; sleep 300 & echo $! >$TRACE; touch publish/myapp.dll; }"


def test_publish_neither_waits_for_the_compiler_server_nor_ends_it(
    dotnet: Callable[..., None], bake: Callable[..., str], tmp_path: Path
) -> None:
    dotnet(SERVER, SDK)

    bake(TRACE=str(tmp_path / "pid"))  # it would take 300 s

    assert is_running(tmp_path / "pid")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_publish_ends_all_its_processes_at_the_time_limit(
    dotnet: Callable[..., None], bake: Callable[..., str], tmp_path: Path
) -> None:
    dotnet(SERVER.replace("; }", "; wait; }"), SDK)

    bake(TRACE=str(tmp_path / "pid"), UDS_STACK_PUBLISH_SECONDS="1")

    eventually(lambda: not is_running(tmp_path / "pid"), "the end of what dotnet started", within=5)


@pytest.fixture
def interrupted(
    dotnet: Callable[..., None], bin_dir: Path, output_dir: Path, tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """Cookiecutter in a group of its own, as a terminal makes one, in the middle of a publish."""
    dotnet(HANGING, SDK)
    config = tmp_path / "config.yaml"
    config.write_text(f"replay_dir: {tmp_path / 'replay'}\n")
    options = ["--no-input", "--config-file", str(config), "--output-dir", str(output_dir)]
    with subprocess.Popen(
        [sys.executable, "-m", "cookiecutter", *options, str(REPO)],
        env={**os.environ, "PATH": str(bin_dir), "TRACE": str(tmp_path / "pid")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        eventually((tmp_path / "pid").exists, "dotnet publish starts")
        yield process
        process.kill()


@pytest.mark.parametrize("times", [1, 4])
def test_ctrl_c_ends_the_publish_and_leaves_a_complete_project(
    times: int, interrupted: subprocess.Popen[str], output_dir: Path, tmp_path: Path
) -> None:
    for _ in range(times):
        os.killpg(interrupted.pid, signal.SIGINT)
        time.sleep(0.03)
    printed, _ = interrupted.communicate(timeout=30)

    assert interrupted.returncode != 0
    assert "not published: interrupted" in printed
    assert f"The project in {output_dir}/myapp is complete" in printed
    assert "Next:" not in printed
    assert "template's own hook" not in printed
    assert builds_from_source(output_dir / "myapp")
    assert not is_running(tmp_path / "pid")


def test_sigterm_ends_the_publish_and_leaves_a_complete_project(
    interrupted: subprocess.Popen[str], output_dir: Path, tmp_path: Path
) -> None:
    children = Path(f"/proc/{interrupted.pid}/task/{interrupted.pid}/children")
    if not children.exists():
        cannot_run("needs Linux: finds the hook in /proc")
    [hook] = children.read_text().split()

    os.kill(int(hook), signal.SIGTERM)
    printed, _ = interrupted.communicate(timeout=30)

    assert interrupted.returncode == 0, printed
    assert "not published: interrupted" in printed
    assert builds_from_source(output_dir / "myapp")
    assert not is_running(tmp_path / "pid")


def test_killed_hook_leaves_a_complete_project(
    interrupted: subprocess.Popen[str], output_dir: Path, tmp_path: Path
) -> None:
    os.killpg(interrupted.pid, signal.SIGKILL)
    interrupted.communicate(timeout=30)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    assert (output_dir / "myapp/compose.yaml").is_file()
    assert "publish" not in (output_dir / "myapp/compose.yaml").read_text()  # what it left of that is not used


def is_running(pid_file: Path) -> bool:
    """Whether the process whose number is in a file is there and not just waiting to be buried."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid_file.read_text().strip()], capture_output=True, text=True, check=False
    )
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def test_signal_waits_for_the_end_of_a_deferred_block() -> None:
    program = (
        "import signal\n"
        "from uds_stack.generate import signals\n"
        "signals.listen()\n"
        "try:\n"
        "    with signals.deferred():\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "        print('end of the block')\n"
        "except signals.Interrupted:\n"
        "    print('interrupted')\n"
    )

    done = run(sys.executable, "-c", program, env={"PYTHONPATH": str(REPO)})

    assert done.stdout == "end of the block\ninterrupted\n"


def test_interrupt_within_an_exec_is_no_failure_of_the_hook() -> None:
    program = (
        "import signal\n"
        "from uds_stack.generate import signals\n"
        "signals.listen()\n"
        "try:\n"
        "    exec('signal.raise_signal(signal.SIGTERM)')\n"  # a dataclass is made by such
        "except signals.Interrupted:\n"
        "    print('interrupted')\n"
    )

    assert run(sys.executable, "-c", program, env={"PYTHONPATH": str(REPO)}).stdout == "interrupted\n"


def test_program_has_no_stdin_and_takes_arguments_literally(tmp_path: Path) -> None:
    words = ["$(touch trace)", "a b", "'\"", "*"]
    echo = "import sys; print(sys.stdin.read() == '', sys.argv[1:])"

    program = Program([sys.executable, "-c", echo, *words], tmp_path)

    assert program.wait(10)
    assert program.result().problem == ""
    assert program.result().out == f"True {words}\n"
    assert list(tmp_path.iterdir()) == []
