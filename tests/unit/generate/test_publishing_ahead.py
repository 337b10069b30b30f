"""Publishing by the hook, compiled ahead of time."""

import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.generate.dotnet_stub import SDK, builds_from_source
from uds_stack.generate import console
from uds_stack.generate import publish as publishing

ANSWER = "native_aot=yes"
WORKING = "publish() { mkdir publish && touch publish/myapp; }"


@pytest.fixture
def compiler(bin_dir: Path) -> None:
    """A compiler on PATH. Its name is enough: .NET runs it, and the tests of this module have no .NET."""
    (bin_dir / "gcc").symlink_to("/bin/true")


def test_program_is_published_where_a_compiler_is_installed(
    compiler: None, dotnet: Callable[..., None], bake: Callable[..., str], output_dir: Path
) -> None:
    dotnet(WORKING, SDK)

    printed = bake(ANSWER)

    assert "-p:NuGetAudit=false (about a minute, at most 600 s)\n" in printed
    assert "Published into ./publish in " in printed
    assert (output_dir / "myapp/publish/myapp").is_file()


def test_publish_is_left_to_the_image_where_no_compiler_is_installed(
    dotnet: Callable[..., None], bake: Callable[..., str], output_dir: Path
) -> None:
    dotnet(WORKING, SDK)

    printed = bake(ANSWER)

    assert (
        "Not published: compiling ahead of time needs clang or gcc, which is not installed. "
        "The first `docker compose up` builds the app from source.\n" in printed
    )
    assert "warning" not in printed
    assert builds_from_source(output_dir / "myapp")


def test_publish_that_makes_no_program_leaves_a_complete_project(
    compiler: None, dotnet: Callable[..., None], bake: Callable[..., str], output_dir: Path
) -> None:
    dotnet("publish() { mkdir publish && touch publish/myapp.dll; }", SDK)

    assert "made no publish/myapp\nThe project" in bake(ANSWER)
    assert builds_from_source(output_dir / "myapp")


@pytest.mark.parametrize(("system", "libc"), [("darwin", ""), ("win32", ""), ("linux", "musl")])
def test_compiler_fault_names_a_system_whose_programs_do_not_run_in_the_container(
    system: str, libc: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))

    assert publishing.compiler_fault() == "compiling ahead of time for the container needs Linux with glibc"


def test_long_publish_shows_that_it_goes_on(
    dotnet: Callable[..., None],
    bin_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dotnet("publish() { mkdir publish; until [ -e shown ]; do sleep 0.01; done; touch publish/myapp; }", SDK)
    (bin_dir / "gcc").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(bin_dir))
    monkeypatch.setattr(publishing, "PROGRESS", 0.05)
    say = console.say

    def say_and_let_it_end(*lines: str) -> None:
        say(*lines)
        if lines[0].startswith("Compiling ahead of time: "):
            (tmp_path / "shown").touch()

    monkeypatch.setattr(console, "say", say_and_let_it_end)
    publisher = publishing.Publisher(tmp_path, "myapp", "10.0", native=True)

    publisher.start()
    publisher.finish()

    assert publisher.fault is None
    assert "Compiling ahead of time: 0 s so far\n" in capsys.readouterr().out
