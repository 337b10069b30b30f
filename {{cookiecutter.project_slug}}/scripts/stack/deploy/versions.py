"""The two kinds of version."""

from __future__ import annotations

import filecmp
import json
import shutil
from pathlib import Path
from typing import Any

from stack.deploy.containers import Container
from stack.deploy.session import ROOT, RedeployError, must, run, say

# ---- Versions. Both kinds have the same four methods; each leaves names from which the next run can go on:
#      owners  which containers run the version that is set aside; None where none is, since all is decided
#      bring   set what runs aside, and make the new version what containers are created from
#      commit  decide for the new version: what was set aside becomes the version before
#      abort   decide for the old version, and forget the new one

NOBODY = "none"  # stands for the container's id if none runs
SAME = "nothing has changed in what was built: the version before stays the one that it was"


class PublishedVersion:
    """./publish, mounted into the container. A running one keeps its directory, whatever that is called by now."""

    current = ROOT / "publish"
    previous = ROOT / "publish.previous"
    following = ROOT / "publish.next"  # being made, or no longer needed

    def __init__(self, source: Path) -> None:
        self.source = source
        self.is_foreign = False  # ./publish is not what ran until now: compose.override.yaml is new

    def owners(self, containers: list[Container]) -> list[Container] | None:
        """A container that was started anew since then has mounted what is ./publish now, and is none of them."""
        if not (aside := self._aside()):
            return None
        mine = [one for one in containers if one.id.startswith(aside.name.partition(".of-")[2])]
        return [one for one in mine if one.was_started_before(aside.stat().st_ctime)]

    def bring(self, running: Container | None, *, rollback: bool) -> None:
        """Publish beside what runs, then swap the directories."""
        if rollback:
            if not self.previous.is_dir():
                raise RedeployError("there is no version before this one: ./publish.previous does not exist")
            say("bringing ./publish.previous back")
            shutil.copytree(self.previous, self.following)
        else:
            say(f"publishing {self.source}")
            command = ("dotnet", "publish", self.source, "-c", "Release", "-o", self.following)
            options = ("--nologo", "-v", "quiet")
            serverless = ("-nodeReuse:false", "-p:UseSharedCompilation=false")  # a server would hold the lock
            must(*command, *options, *serverless, fault="dotnet publish failed, so nothing has changed")
        make_readable(self.following)
        self.is_foreign = bool(running and not running.has_mounted(self.current))
        if self.current.is_dir():
            if same_files(self.current, self.following):
                say(SAME)
                return
            self.current.rename(ROOT / f"publish.of-{running.id[:12] if running else NOBODY}")
        self.following.rename(self.current)

    def commit(self) -> None:
        """See above."""
        if aside := self._aside():
            shutil.rmtree(self.previous, ignore_errors=True)
            aside.rename(self.following if self.is_foreign else self.previous)
        shutil.rmtree(self.following, ignore_errors=True)

    def abort(self) -> None:
        """See above."""
        shutil.rmtree(self.following, ignore_errors=True)
        if aside := self._aside():
            if self.current.exists():
                self.current.rename(self.following)
            aside.rename(self.current)
            shutil.rmtree(self.following, ignore_errors=True)

    def _aside(self) -> Path | None:
        return next(iter(ROOT.glob("publish.of-*")), None)


def make_readable(folder: Path) -> None:
    """Let the app's user read what was made under a strict umask."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def same_files(one: Path, other: Path) -> bool:
    """Tell whether two folders hold the same."""
    names, others = ({path.relative_to(top) for path in top.rglob("*") if path.is_file()} for top in (one, other))
    return names == others and all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


class ImageVersion:
    """The app's image; its tags are the names."""

    def __init__(self, image: str) -> None:
        self.repository, tag = repository_and_tag(image)
        self.current = f"{self.repository}:{tag}"
        self.previous = f"{self.repository}:previous"
        self.is_first = False  # there was no image to set aside: compose.override.yaml was removed

    def owners(self, containers: list[Container]) -> list[Container] | None:
        """See above."""
        aside = self._aside()
        return [one for one in containers if one.id.startswith(aside.rpartition(":of-")[2])] if aside else None

    def bring(self, running: Container | None, *, rollback: bool) -> None:
        """Name the image that runs, then move the current name."""
        if rollback and not image(self.previous):
            raise RedeployError(f"there is no version before this one: the image {self.previous} does not exist")
        # One that ran ./publish until now runs the official image, which is no version of the app.
        is_ours = running and repository_and_tag(running.found["Config"]["Image"])[0] == self.repository
        old = running.image if running and is_ours else image(self.current).get("Id")
        self.is_first = not old
        if old:
            must("docker", "tag", old, f"{self.repository}:of-{running.id[:12] if running else NOBODY}")
        if rollback:
            say(f"bringing {self.previous} back")
            must("docker", "tag", self.previous, self.current)
        else:
            say(f"building {self.current}")
            must("docker", "compose", "build", "app", fault="the build of the image failed, so nothing has changed")
        if old == image(self.current)["Id"]:
            say(SAME)
            self.abort()

    def commit(self) -> None:
        """See above."""
        self._move_aside_to(self.previous)

    def abort(self) -> None:
        """See above."""
        self._move_aside_to(self.current)
        if self.is_first:
            run("docker", "image", "rm", self.current)  # or else `docker compose up` would take it for the app's

    def _move_aside_to(self, name: str) -> None:
        if aside := self._aside():
            replaced = image(name).get("Id", "")
            must("docker", "tag", aside, name)
            must("docker", "image", "rm", aside)
            if image(replaced).get("RepoTags") == []:
                run("docker", "image", "rm", replaced)

    def _aside(self) -> str | None:
        only = f"--filter=reference={self.repository}:of-*"
        lines = must("docker", "image", "ls", "--format=json", only).splitlines()
        return f"{self.repository}:{json.loads(lines[0])['Tag']}" if lines else None


def repository_and_tag(name: str) -> tuple[str, str]:
    """Take an image's name apart."""
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")


def image(name: str) -> dict[str, Any]:
    """Return what the engine knows of an image; nothing where it is not there."""
    found: list[dict[str, Any]] = json.loads(run("docker", "image", "inspect", name).stdout or "[]")
    return found[0] if found else {}
