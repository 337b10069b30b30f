"""Publishing by the hook, with an SDK that works, is missing, too old, slow or broken."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.process import run
from tests.unit.generate.dotnet_stub import HANGING, SDK, WORKING, builds_from_source

PUBLISH = "dotnet publish src/myapp -c Release -o publish -p:RunAnalyzers=false -p:NuGetAudit=false"


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
    assert "No first image" not in printed
    assert "Traceback" not in printed
    assert builds_from_source(output_dir / "myapp")


def test_publish_names_a_dotnet_that_cannot_be_started(
    bin_dir: Path, bake: Callable[..., str], output_dir: Path
) -> None:
    (bin_dir / "dotnet").write_bytes(b"\x7fELF of another machine")
    (bin_dir / "dotnet").chmod(0o755)

    assert "not published: dotnet could not be started: Exec format error" in bake()
    assert builds_from_source(output_dir / "myapp")


def test_publish_says_what_it_did(dotnet: Callable[..., None], bake: Callable[..., str], output_dir: Path) -> None:
    dotnet(WORKING, SDK)

    printed = bake()

    assert f"Publishing the app: {PUBLISH} (at most 600 s)\n" in printed
    assert "Published into ./publish in " in printed
    assert "http://localhost:8080" in printed
    assert (output_dir / "myapp/publish/myapp.dll").is_file()


def test_publish_uses_the_default_instead_of_an_invalid_time_limit(
    dotnet: Callable[..., None], bake: Callable[..., str], output_dir: Path
) -> None:
    dotnet(WORKING, SDK)

    assert "UDS_STACK_PUBLISH_SECONDS=soon is not a number of seconds; using 600" in bake(
        UDS_STACK_PUBLISH_SECONDS="soon"
    )
    assert (output_dir / "myapp/publish").is_dir()


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


def test_publish_reports_a_full_disk_and_frees_it(small_disk: Path, dotnet: Callable[..., None], bin_dir: Path) -> None:
    dotnet('publish() { mkdir publish && cat /dev/zero >publish/big; }', SDK)

    done = cookiecutter(REPO, small_disk, env={"PATH": str(bin_dir)})

    assert f"{PUBLISH} failed with exit code 1\n    cat: write error: No space left on device" in done.stderr
    assert builds_from_source(small_disk / "myapp")
    assert os.statvfs(small_disk).f_bavail > 100


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
