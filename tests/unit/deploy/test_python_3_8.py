"""uds_stack/deploy runs where a server has Python 3.8 alone."""

import ast
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.testkit.bake import REPO
from tests.testkit.process import run


def deploy_files() -> list[Path]:
    """The files of the package that uds_stack.deploy imports, its own included."""
    imports = (
        "import sys; sys.path.insert(0, sys.argv[1]); import uds_stack.deploy.cli, uds_stack.command_line; "
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items() if n.startswith('uds_stack')))"
    )
    return [Path(line) for line in run(sys.executable, "-c", imports, REPO).stdout.splitlines()]


def test_deploy_is_written_in_python_3_8() -> None:
    files = deploy_files()
    assert {"process.py", "workers.py", "rollout.py", "project_folder.py"} <= {file.name for file in files}

    for file in files:
        ast.parse(file.read_text(), str(file), feature_version=(3, 8))
        assert "check" not in file.relative_to(REPO).parts  # nor does it need what the check needs


@pytest.mark.parametrize("version", ["3.8", "3.9"])
def test_deploy_runs_on_python(version: str, tmp_path: Path) -> None:
    beside = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")  # where the one on PATH may be a shim
    python = next(map(str, beside), "") or shutil.which(f"python{version}")
    if not python or run(python, "--version", check=False).returncode != 0:
        pytest.skip(f"needs Python {version}")  # which few machines have; the test above parses as 3.8 everywhere
    project = tmp_path / "project"
    project.mkdir()
    (project / "compose.yaml").write_text("services: {}\n")
    package = tmp_path / "server"
    shutil.copytree(REPO / "uds_stack", package / "uds_stack", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    docker.write_text('#!/bin/sh\ncase $* in "compose config"*) echo "{\\"services\\": {\\"db\\": {}}}";; esac\n')
    docker.chmod(0o755)
    everything = "; ".join(
        f"import {'.'.join(file.relative_to(REPO).with_suffix('').parts)}"
        for file in deploy_files()
        if file.name != "__init__.py"
    )

    env = {"PATH": f"{tmp_path / 'bin'}:{os.defpath}"}
    run(python, "-S", "-c", everything, cwd=package)
    command = (python, "-S", "-m", "uds_stack.deploy", "deploy", "--project", project)
    done = run(*command, cwd=package, env=env, check=False)

    assert done.stderr == (
        "uds-stack: compose.yaml must have a service app and one proxy (h2o or nginx or caddy); its services: db\n"
    )
