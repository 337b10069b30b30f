"""The command as its users install it, where no package index answers."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.testkit.once import Once
from tests.testkit.process import cannot_run, run
from uds_stack import __version__

DEBIAN = "/usr/bin/python3"
# Nothing here may reach an index.
OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_OFFLINE": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "PYTHONPATH": "",
}
SOURCES = pytest.mark.parametrize("source", ["{}", "git+file://localhost{}"], ids=["folder", "git"])


@pytest.fixture(scope="session")
def with_packages(once: Once) -> dict[str, str]:
    """The environment in which pip, pipx and uv find the packages that they need in a folder."""
    folder = os.environ.get("PIP_FIND_LINKS")
    if not folder:
        download = [sys.executable, "-m", "pip", "download", "--retries=0", "--timeout=5", "--quiet", "--dest"]
        needs = ["pip", "setuptools", "wheel", "PyYAML"]
        folder = str(once("packages", lambda path: run(*download, path, *needs, check=False)))
    if not list(Path(folder).glob("setuptools*.whl")):
        cannot_run("needs a package index, or wheels of pip, setuptools, wheel and PyYAML in PIP_FIND_LINKS")
    return {**OFFLINE, "PIP_FIND_LINKS": folder, "UV_FIND_LINKS": folder}


def works(command: Path, origin: Path) -> None:
    """Run what was installed, and see that the clone is as it was."""
    assert run(command, "--version").stdout == f"uds-stack {__version__}\n"
    assert "No project" not in run(command, "check", "--list").stdout
    made = run("git", "status", "--porcelain", "--ignored", cwd=origin).stdout
    assert not [line for line in made.splitlines() if "cookiecutter." not in line]


@SOURCES
def test_pip_installs_with_debians_setuptools(source: str, origin: Path, tmp_path: Path) -> None:
    needs = (
        "from importlib.util import find_spec as f; assert f('pip') and f('setuptools') and f('wheel') and f('yaml')"
    )
    if not Path(DEBIAN).exists() or run(DEBIAN, "-c", needs, check=False).returncode != 0:
        cannot_run("needs sudo apt-get install python3-pip python3-yaml")  # pip brings setuptools and wheel
    run(DEBIAN, "-m", "venv", "--without-pip", "--system-site-packages", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"

    run(python, "-m", "pip", "install", "--no-build-isolation", source.format(origin), env=OFFLINE)

    works(tmp_path / "venv/bin/uds-stack", origin)


def test_pip_installs_from_a_folder_of_packages(with_packages: dict[str, str], origin: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"

    run(sys.executable, "-m", "pip", "--python", python, "install", origin, env=with_packages)

    works(tmp_path / "venv/bin/uds-stack", origin)
    assert names_of_packages(python) == {"uds_stack", "yaml", "_yaml"}


def names_of_packages(python: Path) -> set[str]:
    """What can be imported from a virtual environment's own packages."""
    packages = run(python, "-c", "import yaml, pathlib; print(pathlib.Path(yaml.__file__).parents[1])").stdout.strip()
    return {path.name for path in Path(packages).iterdir() if path.suffix != ".dist-info"}


@pytest.mark.test_all
def test_pipx_installs_from_git(with_packages: dict[str, str], origin: Path, tmp_path: Path) -> None:
    pipx = shutil.which("pipx")
    if not pipx:
        cannot_run("needs pipx: sudo apt-get install pipx")
    env = {**with_packages, "PIPX_HOME": str(tmp_path / "home"), "PIPX_BIN_DIR": str(tmp_path / "bin")}

    run(pipx, "install", f"git+file://localhost{origin}", env=env)

    works(tmp_path / "bin/uds-stack", origin)


@SOURCES
def test_uv_installs(source: str, with_packages: dict[str, str], origin: Path, tmp_path: Path) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not uv:
        cannot_run("needs uv: python3 -m pip install uv")
    env = {**with_packages, "UV_TOOL_DIR": str(tmp_path / "home"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}

    run(uv, "tool", "install", "--python", sys.executable, source.format(origin), env=env)

    works(tmp_path / "bin/uds-stack", origin)
