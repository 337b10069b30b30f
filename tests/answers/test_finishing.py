"""The end of a bake, with tools that are missing, too old, slow or broken: the project stays and works."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stack.process import Program

from tests.testkit.bake import REPO, cookiecutter, edit
from tests.testkit.process import eventually, run

PUBLISH = "dotnet publish src/myapp -c Release -o publish -p:RunAnalyzers=false"
SDK = 'case $1 in --version) echo 10.0.100;; publish) shift; publish "$@";; esac'
WORKING = "publish() { mkdir publish && touch publish/myapp.dll; }"
HANGING = 'publish() { mkdir publish; touch publish/half; echo $$ >"$TRACE"; exec sleep 300; }'


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def dotnet(bin_dir: Path) -> Callable[..., None]:
    """Writes a `dotnet` of a few lines: what a tool's fault looks like from outside."""

    def write(*lines: str) -> None:
        program = bin_dir / "dotnet"
        program.write_text("\n".join(["#!/bin/sh", f"PATH={os.defpath}", *lines, ""]))
        program.chmod(0o755)

    return write


@pytest.fixture
def output_dir(tmp_path: Path) -> Path:
    """An empty folder to bake into."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def bake(bin_dir: Path, output_dir: Path) -> Callable[..., str]:
    """Bakes the default project and returns what was printed; fails where Cookiecutter does."""

    def run_it(**env: str) -> str:
        done = cookiecutter(REPO, output_dir, env={"PATH": str(bin_dir), **env})
        return done.stdout + done.stderr

    return run_it


def builds_from_source(project: Path) -> bool:
    """Whether a project is one that `docker compose up` builds from source, with nothing half made in it."""
    made = ("publish", "compose.override.yaml", "src/myapp/bin", "src/myapp/obj")
    return (project / "compose.yaml").is_file() and not any((project / name).exists() for name in made)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (None, "not published: the .NET SDK is not installed; .NET 10.0 is at https://dotnet.microsoft.com/download"),
        (["echo 8.0.404"], "not published: .NET SDK 8.0.404 is too old; .NET 10.0 is at"),
        (
            ["echo 'No .NET SDKs were found.'; exit 145"],
            "dotnet --version failed with exit code 145\n    No .NET SDKs were",
        ),
        (["exec sleep 300"], f"{PUBLISH} was ended because it took longer than 1 s"),
        ([HANGING, SDK], f"{PUBLISH} was ended because it took longer than 1 s"),
        (
            [
                "publish() { mkdir publish; echo 'Program.cs(1,1): error CS1002: ; expected'; echo Time; exit 1; }",
                SDK,
            ],
            f"{PUBLISH} failed with exit code 1\n    Program.cs(1,1): error CS1002: ; expected\nThe project",
        ),
        (["publish() { mkdir publish; kill -9 $$; }", SDK], f"{PUBLISH} was ended by signal 9"),
        (["publish() { mkdir publish; }", SDK], f"{PUBLISH} made no publish/myapp.dll"),
    ],
    ids=["missing", "old", "runtime-only", "hanging", "hanging-in-publish", "failing", "killed", "making-nothing"],
)
def test_failed_publish_leaves_a_complete_project_and_its_reason(
    program: list[str] | None, said: str, dotnet: Callable[..., None], bake: Callable[..., str], output_dir: Path
) -> None:
    if program:
        dotnet(*program)

    printed = bake(UDS_STACK_PUBLISH_SECONDS="1", TRACE=str(output_dir.parent / "pid"))

    assert said in printed
    assert f"The project in {output_dir}/myapp is complete" in printed
    assert "docker compose up" in printed
    assert "./publish is what runs" not in printed
    assert "Traceback" not in printed
    assert builds_from_source(output_dir / "myapp")


def test_publish_names_a_dotnet_that_cannot_be_started(
    bin_dir: Path, bake: Callable[..., str], output_dir: Path
) -> None:
    (bin_dir / "dotnet").write_bytes(b"\x7fELF of another machine")
    (bin_dir / "dotnet").chmod(0o755)

    assert "not published: dotnet could not be started: Exec format error" in bake()
    assert builds_from_source(output_dir / "myapp")


def test_publish_makes_the_override_and_says_so(
    dotnet: Callable[..., None], bake: Callable[..., str], output_dir: Path
) -> None:
    dotnet(WORKING, SDK)

    printed = bake()

    assert f"Publishing the app: {PUBLISH} (at most 600 s)\n" in printed
    assert "Published into ./publish in " in printed
    assert "http://localhost:8080" in printed
    assert (
        "./publish is what runs: it does not follow an edit by itself, nor does `docker compose up --build`." in printed
    )
    project = output_dir / "myapp"
    assert (project / "publish/myapp.dll").is_file()
    template = next(REPO.glob("{{*}}")) / "compose.override.yaml"
    assert (project / "compose.override.yaml").stat().st_mode == template.stat().st_mode


def test_publish_uses_the_default_instead_of_an_invalid_time_limit(
    dotnet: Callable[..., None], bake: Callable[..., str], output_dir: Path
) -> None:
    dotnet(WORKING, SDK)

    assert "UDS_STACK_PUBLISH_SECONDS=soon is not a number of seconds; using 600" in bake(
        UDS_STACK_PUBLISH_SECONDS="soon"
    )
    assert (output_dir / "myapp/publish").is_dir()


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


def test_publish_removes_an_older_publish(dotnet: Callable[..., None], bin_dir: Path, output_dir: Path) -> None:
    dotnet(WORKING, SDK)
    (output_dir / "myapp/publish").mkdir(parents=True)
    (output_dir / "myapp/publish/old.dll").touch()
    config = output_dir.parent / "config.yaml"
    config.write_text(f"replay_dir: {output_dir.parent}\n")
    options = ["--no-input", "--overwrite-if-exists", "--config-file", str(config), "--output-dir", str(output_dir)]

    run(sys.executable, "-m", "cookiecutter", *options, REPO, env={"PATH": str(bin_dir)})

    assert [path.name for path in (output_dir / "myapp/publish").iterdir()] == ["myapp.dll"]


CRUFT = """
import sys
from cookiecutter.generate import generate_context, generate_files
from cookiecutter.prompt import prompt_for_config
template, output_dir = sys.argv[1:]
context = generate_context(f"{template}/cookiecutter.json")
context["cookiecutter"] = {**prompt_for_config(context, no_input=True), "_template": template, "_commit": "1a2b3c"}
generate_files(template, context, output_dir)
"""


@pytest.mark.parametrize("compares", [True, False])
def test_hook_publishes_for_cruft_only_a_new_project(
    compares: bool, dotnet: Callable[..., None], bin_dir: Path, output_dir: Path, tmp_path: Path
) -> None:
    # cruft calls Cookiecutter's functions so: with less in the context, and for a comparison in a temporary folder.
    dotnet(WORKING, SDK)
    temporary = output_dir if compares else tmp_path / "bin"

    run(sys.executable, "-c", CRUFT, REPO, output_dir, env={"PATH": str(bin_dir), "TMPDIR": str(temporary)})

    assert (output_dir / "myapp/compose.yaml").is_file()
    assert (output_dir / "myapp/publish").exists() is not compares
    assert (output_dir / "myapp/compose.override.yaml").exists() is not compares


def test_next_steps_say_how_to_install_docker(bake: Callable[..., str]) -> None:
    assert "Docker is missing: Engine 25 and Compose 2.24, or newer, are at https://docs.docker.com" in bake()


def test_next_steps_show_the_path_from_the_current_folder(
    bake: Callable[..., str], output_dir: Path, tmp_path: Path
) -> None:
    assert f"    cd {output_dir.name}/myapp\n" in bake(PWD=str(tmp_path))


def test_next_steps_show_the_absolute_path_from_another_folder(bake: Callable[..., str], output_dir: Path) -> None:
    assert f"    cd {output_dir}/myapp\n" in bake(PWD="/nowhere")


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
        pytest.skip("needs Linux: finds the hook in /proc")
    [hook] = children.read_text().split()

    os.kill(int(hook), signal.SIGTERM)
    printed, _ = interrupted.communicate(timeout=30)

    assert interrupted.returncode == 0, printed
    assert "not published: interrupted" in printed
    assert builds_from_source(output_dir / "myapp")
    assert not is_running(tmp_path / "pid")


def test_killed_hook_leaves_no_override_without_a_publish(
    interrupted: subprocess.Popen[str], output_dir: Path, tmp_path: Path
) -> None:
    os.killpg(interrupted.pid, signal.SIGKILL)
    interrupted.communicate(timeout=30)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    assert (output_dir / "myapp/compose.yaml").is_file()
    assert not (output_dir / "myapp/compose.override.yaml").exists()


def is_running(pid_file: Path) -> bool:
    """Whether the process whose number is in a file is there and not just waiting to be buried."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid_file.read_text().strip()], capture_output=True, text=True, check=False
    )
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def test_closed_stdout_is_not_an_error(
    dotnet: Callable[..., None], bin_dir: Path, output_dir: Path, tmp_path: Path
) -> None:
    dotnet(WORKING, SDK)
    config = tmp_path / "config.yaml"
    config.write_text(f"replay_dir: {tmp_path / 'replay'}\n")
    options = ["--no-input", "--config-file", str(config), "--output-dir", str(output_dir)]
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", *options, str(REPO)],
        env={**os.environ, "PATH": str(bin_dir)},
        stdout=writer,
        stderr=writer,
        check=False,
    )

    os.close(writer)
    assert done.returncode == 0
    assert (output_dir / "myapp/publish/myapp.dll").is_file()
    assert (output_dir / "myapp/compose.override.yaml").is_file()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"needs to mount a small disk, as root: {mounted.stderr.decode().strip()}")
    yield disk
    run("umount", disk)


def test_publish_reports_a_full_disk_and_frees_it(small_disk: Path, dotnet: Callable[..., None], bin_dir: Path) -> None:
    dotnet('publish() { mkdir publish && cat /dev/zero >publish/big; }', SDK)

    done = cookiecutter(REPO, small_disk, env={"PATH": str(bin_dir)})

    assert f"{PUBLISH} failed with exit code 1\n    cat: write error: No space left on device" in done.stderr
    assert builds_from_source(small_disk / "myapp")
    assert os.statvfs(small_disk).f_bavail > 100


def test_full_disk_is_refused_before_anything_is_written(small_disk: Path) -> None:
    (small_disk / "big").write_bytes(bytes(7_000_000))

    done = cookiecutter(REPO, small_disk, check=False)

    assert done.returncode == 1
    assert re.match(rf"The disk of {small_disk}/myapp has 1\d{{3}} kB left; make 4000 kB free\n", done.stderr)
    assert [path.name for path in small_disk.iterdir()] == ["big"]


def test_read_only_folder_is_refused_by_cookiecutter_itself(small_disk: Path) -> None:
    run("mount", "-o", "remount,ro", small_disk)

    done = cookiecutter(REPO, small_disk, check=False)

    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert str(REPO / "hooks") not in done.stderr
    assert list(small_disk.iterdir()) == []


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A copy of the template, for a test that changes it."""
    copy = tmp_path / "template"
    shutil.copytree(REPO / "hooks", copy / "hooks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "cookiecutter.json", copy)
    [files] = REPO.glob("{{*}}")
    shutil.copytree(files, copy / files.name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_check_that_finds_an_error_is_a_warning(template: Path, bin_dir: Path, output_dir: Path) -> None:
    [conf] = template.glob("*/*/*h2o.conf*")
    edit(conf, "proxy.preserve-host: ON", "proxy.preserve-host: OFF")

    done = cookiecutter(template, output_dir, env={"PATH": str(bin_dir)})

    assert "warning: scripts/check.py does not accept the project:\n" in done.stderr
    assert re.search(r"^    h2o/h2o.conf:\d+: the Host ", done.stderr, re.MULTILINE)
    assert "    errors: 1, warnings: " in done.stderr
    assert "Next:" in done.stdout
    assert (output_dir / "myapp/h2o/h2o.conf").is_file()


def test_check_that_fails_itself_is_a_warning(template: Path, bin_dir: Path, output_dir: Path) -> None:
    [cli] = template.glob("*/scripts/stack/check/cli.py")
    edit(cli, "    project = Project(root, limit)\n", "    raise LookupError('no module')\n")

    done = cookiecutter(template, output_dir, env={"PATH": str(bin_dir)})

    assert "warning: scripts/check.py does not accept the project:\n    LookupError('no module')\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Next:" in done.stdout


def test_hook_leaves_no_bytecode_in_the_project(bake: Callable[..., str], output_dir: Path) -> None:
    bake(PYTHONPYCACHEPREFIX="", PYTHONDONTWRITEBYTECODE="")

    assert list(output_dir.rglob("__pycache__")) == []


def test_signal_waits_for_the_end_of_a_deferred_block() -> None:
    program = (
        "import signal, signals\n"
        "signals.listen()\n"
        "try:\n"
        "    with signals.deferred():\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "        print('end of the block')\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )

    done = run(sys.executable, "-c", program, env={"PYTHONPATH": str(REPO / "hooks")})

    assert done.stdout == "end of the block\ninterrupted\n"


def test_program_has_no_stdin_and_takes_arguments_literally(tmp_path: Path) -> None:
    words = ["$(touch trace)", "a b", "'\"", "*"]
    echo = "import sys; print(sys.stdin.read() == '', sys.argv[1:])"

    program = Program([sys.executable, "-c", echo, *words], tmp_path)

    assert program.wait(10)
    assert program.result().problem == ""
    assert program.result().out == f"True {words}\n"
    assert list(tmp_path.iterdir()) == []


def test_mounted_folders_are_readable_despite_a_strict_umask(
    bake: Callable[..., str], output_dir: Path, dotnet: Callable[..., None]
) -> None:
    dotnet("mkdir -p publish && : > publish/myapp.dll")
    before = os.umask(0o077)
    try:
        bake()
    finally:
        os.umask(before)

    for folder in (output_dir / "myapp/h2o", output_dir / "myapp/publish"):
        for path in (folder, *folder.rglob("*")):
            assert path.stat().st_mode & 0o004, path
