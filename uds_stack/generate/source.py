"""Where the template came from: the command uds-stack is installed from there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from cookiecutter.config import BUILTIN_ABBREVIATIONS
from cookiecutter.repository import expand_abbreviations, is_repo_url, is_zip_file

TEMPLATE = Path(__file__).parents[2]


def source_of(answers: Mapping[str, object], template: Path = TEMPLATE) -> str:
    """Return what pip, pipx and uv install the command from: a git URL, an archive or a folder.

    Takes Cookiecutter's context and the folder where the template is now, which may be a clone that is deleted soon.
    """
    named = expand_abbreviations(str(answers.get("_template") or answers["__template"]), BUILTIN_ABBREVIATIONS)
    archive = Path(os.environ.get("PWD", ""), named)
    if is_zip_file(named):
        return _without_password(named) if is_repo_url(named) or not archive.is_file() else str(archive)
    if is_repo_url(named):
        checkout = answers.get("_checkout")
        return _pip_url(named) + (f"@{checkout}" if checkout else "")
    if re.match(r"\w{2,}:", named):  # an abbreviation of the user's own
        return f"git+{answers['__template']}"
    return named if Path(named).is_absolute() else str(template)


def _pip_url(url: str) -> str:
    """Return the URL of a repository as pip writes it, without a password."""
    if "://" not in url:  # git@example.org:org/uds-stack.git
        url = "ssh://" + url.replace(":", "/", 1)
    url = _without_password(url).replace("file:///", "file://localhost/")  # pipx 1.1 wants a host
    return url if url.startswith(("git+", "hg+")) else f"git+{url}"


def _without_password(url: str) -> str:
    """Return an HTTP URL without its user and password or token: the README, which is committed, names it."""
    return re.sub(r"(https?://)[^/]*@", r"\1", url)


def install_command(source: str) -> str:
    """Return the command that installs uds-stack, with what is there: pipx, or else uv."""
    tool = "uv tool install" if shutil.which("uv") and not shutil.which("pipx") else "pipx install"
    return f"{tool} {quoted(source)}"


def name_in_readme(project: Path, answers: Mapping[str, object], source: str) -> None:
    """Write into the new README where the command is installed from; without this, it is the template's own URL."""
    readme = project / "README.md"
    own = f"`pipx install git+{answers['__template']}`"
    text = readme.read_bytes()  # it keeps its line ends, and what else a user's own may hold
    readme.write_bytes(text.replace(own.encode(), f"`pipx install {quoted(source)}`".encode()))


def quoted(text: str) -> str:
    """Return a word as a shell takes it."""
    return f'"{text}"' if sys.platform == "win32" else shlex.quote(text)
