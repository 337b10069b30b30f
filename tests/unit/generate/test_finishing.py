"""The end of a bake: the next steps, the warnings of the check, and a disk that cannot be written."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testkit.bake import REPO, cookiecutter, edit
from tests.testkit.process import run
from tests.unit.generate.dotnet_stub import SDK, WORKING
from uds_stack.generate import finish, signals


def test_next_steps_say_how_to_install_docker(bake: Callable[..., str]) -> None:
    assert "Docker is missing: Engine 25 and Compose 2.24, or newer, are at https://docs.docker.com" in bake()


def test_next_steps_show_the_path_from_the_current_folder(
    bake: Callable[..., str], output_dir: Path, tmp_path: Path
) -> None:
    assert f"    cd {output_dir.name}/myapp\n" in bake(PWD=str(tmp_path))


def test_next_steps_show_the_absolute_path_from_another_folder(bake: Callable[..., str], output_dir: Path) -> None:
    assert f"    cd {output_dir}/myapp\n" in bake(PWD="/nowhere")


def test_next_steps_on_kubernetes_name_the_file_with_the_registry(output_dir: Path) -> None:
    done = cookiecutter(REPO, output_dir, "kubernetes=yes", env={"UDS_STACK_PUBLISH_SECONDS": "0"})

    assert "On Kubernetes: write your registry into kustomization.yaml first" in done.stdout
    assert "No problems found." in done.stdout
    assert "placeholder" not in done.stdout + done.stderr


def test_folder_of_an_option_that_is_off_is_removed(output_dir: Path) -> None:
    own = output_dir / "myapp/notes"
    own.mkdir(parents=True)

    cookiecutter(REPO, output_dir, "--overwrite-if-exists", env={"UDS_STACK_PUBLISH_SECONDS": "0"})

    assert not (output_dir / "myapp/deploy").exists()
    assert own.is_dir()


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


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_no_stdout_or_stderr_leaves_the_project(closed: str, output_dir: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"replay_dir: {tmp_path / 'replay'}\n")
    options = ["--no-input", "--config-file", str(config), "--output-dir", str(output_dir)]

    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-m", "cookiecutter", *options, str(REPO)],
        env={**os.environ, "PATH": "/usr/bin:/bin", "UDS_STACK_PUBLISH_SECONDS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (output_dir / "myapp/compose.yaml").is_file()
    assert done.returncode == 0
    assert "report it" not in done.stderr


def test_interrupt_before_the_publish_leaves_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_arguments: object) -> None:
        raise signals.Interrupted

    monkeypatch.setattr(finish, "settle_files", interrupt)
    monkeypatch.setattr(signals, "listen", lambda: None)
    (tmp_path / "README.md").touch()
    names = ("__native_aot", "__template", "_repo_dir")

    finish.main({**dict.fromkeys(names, ""), "project_slug": "myapp", "__dotnet_version": "10.0"}, tmp_path)

    printed = capsys.readouterr()
    assert printed.err.startswith(f"warning: not published: interrupted\nThe project in {tmp_path} is complete")
    assert printed.out == ""


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
    for name in ("hooks", "uds_stack"):
        shutil.copytree(REPO / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "cookiecutter.json", copy)
    [files] = REPO.glob("{{*}}")
    shutil.copytree(files, copy / files.name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_check_that_finds_an_error_is_a_warning(template: Path, bin_dir: Path, output_dir: Path) -> None:
    [conf] = template.glob("*/*/*h2o.conf*")
    edit(conf, "proxy.preserve-host: ON", "proxy.preserve-host: OFF")

    done = cookiecutter(template, output_dir, env={"PATH": str(bin_dir)})

    assert "warning: uds-stack check does not accept the project:\n" in done.stderr
    assert re.search(r"^    h2o/h2o.conf:\d+: the Host ", done.stderr, re.MULTILINE)
    assert "    errors: 1, warnings: " in done.stderr
    assert "Next:" in done.stdout
    assert (output_dir / "myapp/h2o/h2o.conf").is_file()


def test_check_that_fails_itself_is_a_warning(template: Path, bin_dir: Path, output_dir: Path) -> None:
    edit(
        template / "uds_stack/check/report.py",
        "    queries = Queries(root.resolve(), limit, files_only=files_only)\n",
        "    raise LookupError('no module')\n",
    )

    done = cookiecutter(template, output_dir, env={"PATH": str(bin_dir)})

    assert "warning: uds-stack check does not accept the project:\n    LookupError('no module')\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Next:" in done.stdout


def test_hook_leaves_no_bytecode_in_the_project(bake: Callable[..., str], output_dir: Path) -> None:
    bake(PYTHONPYCACHEPREFIX="", PYTHONDONTWRITEBYTECODE="")

    assert list(output_dir.rglob("__pycache__")) == []
