"""The template as a git repository of its own, with what is not committed here."""

import shutil
from pathlib import Path

import pytest

from tests.testkit.bake import REPO
from tests.testkit.once import Once
from tests.testkit.process import run


@pytest.fixture(scope="session")
def origin(once: Once) -> Path:
    """A repository with the template's files. Read it, don't change it."""

    def fill(folder: Path) -> None:
        listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=REPO).stdout
        for name in filter(None, listed.split("\0")):
            if (REPO / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPO / name, folder / name)
        run("git", "init", "--quiet", cwd=folder)
        run("git", "add", "--all", cwd=folder)
        run("git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-qm", "all", cwd=folder)

    return once("origin", fill)
