"""The version that runs from ./publish, which is mounted into the container."""

from __future__ import annotations

import filecmp
import re
import shutil
from pathlib import Path

from uds_stack.deploy.containers import Container
from uds_stack.deploy.session import DeployError, Session
from uds_stack.deploy.versions import UNCHANGED, aside_name, runs_aside
from uds_stack.publishing import make_readable, publish_command


class PublishedVersion:
    """./publish. A container that runs keeps its directory, whatever that is called by now."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.current = session.root / "publish"
        self.previous = session.root / "publish.previous"
        self.next = session.root / "publish.next"  # being made, or no longer needed
        self.is_foreign = False  # ./publish is not what ran until now: compose.override.yaml is new

    def find_replaced(self, containers: list[Container]) -> list[Container] | None:
        """Return those of the containers that run the version set aside; None where none is, since all is decided."""
        if not (aside := self._aside()):
            return None
        # One that the engine started again since then has mounted what is ./publish now.
        moment = aside.stat().st_ctime
        return [each for each in containers if runs_aside(each, aside.name) and each.was_started_before(moment)]

    def stage(self, running: Container | None, *, rollback: bool) -> None:
        """Publish beside what runs, or copy the previous version (`rollback`), then swap the directories."""
        if rollback:
            if not self.previous.is_dir():
                raise DeployError("there is no previous version: ./publish.previous does not exist")
            self.session.say("restoring ./publish.previous")
            shutil.copytree(self.previous, self.next)
        else:
            self._publish()
        make_readable(self.next)
        self.is_foreign = bool(running and not running.has_mounted(self.current))
        if self.current.is_dir():
            if have_same_files(self.current, self.next):
                self.session.say(UNCHANGED)
                return
            self.current.rename(self.session.root / f"publish.{aside_name(running)}")
        self.next.rename(self.current)

    def promote(self) -> None:
        """Keep the new ./publish: the directory that was set aside becomes ./publish.previous."""
        if aside := self._aside():
            shutil.rmtree(self.previous, ignore_errors=True)
            aside.rename(self.next if self.is_foreign else self.previous)
        shutil.rmtree(self.next, ignore_errors=True)

    def roll_back(self) -> None:
        """Make the directory that was set aside ./publish again, and delete the new one."""
        shutil.rmtree(self.next, ignore_errors=True)
        if aside := self._aside():
            if self.current.exists():
                self.current.rename(self.next)
            aside.rename(self.current)
            shutil.rmtree(self.next, ignore_errors=True)

    def _aside(self) -> Path | None:
        return next(iter(self.session.root.glob("publish.of-*")), None)

    def _publish(self) -> None:
        source = find_source(self.session.root)
        self.session.say(f"publishing {source.as_posix()}")
        serverless = ("-nodeReuse:false", "-p:UseSharedCompilation=false")  # a server would hold the lock
        command = publish_command(source, self.next, "--nologo", "-v", "quiet", *serverless)
        self.session.must(*command, fault="dotnet publish failed, and the running version is unchanged")


def find_source(root: Path) -> Path:
    """Return the folder of the app's project, relative to the root: the web project in src/.

    Where src/ holds several, the one that the Dockerfile publishes. Raises DeployError where no single one is left.
    """
    files = [file for file in sorted((root / "src").glob("**/*.*proj")) if "Microsoft.NET.Sdk.Web" in read(file)]
    folders = [file.parent.relative_to(root) for file in files]
    if len(folders) > 1:
        words = re.findall(r"^[^#\n]*dotnet publish \"?([^\s\"]+)", read(root / "Dockerfile"), re.MULTILINE)
        published = {(root / word).resolve() for word in words}
        folders = [each for each, file in zip(folders, files, strict=True) if published & {file, file.parent}]
    if len(folders) != 1:
        found = ", ".join(file.relative_to(root).as_posix() for file in files) or "none"
        raise DeployError(
            f"src/ must hold one web project, or the Dockerfile publish one of several with `dotnet publish FOLDER`; "
            f"found: {found}"
        )
    return folders[0]


def read(file: Path) -> str:
    """Return a file's text; nothing where it is missing."""
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def have_same_files(left: Path, right: Path) -> bool:
    """Return whether two folders hold the same files with the same content."""
    names, others = ({path.relative_to(top) for path in top.rglob("*") if path.is_file()} for top in (left, right))
    return names == others and all(filecmp.cmp(left / name, right / name, shallow=False) for name in names)
