"""Publish the new project's app, so that `docker compose up` has a page in seconds.

./publish and compose.override.yaml, which runs it, are there together or not at all. Without them `docker compose up`
builds the app's image from source: whatever goes wrong here, the project works.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import console
import programs

OVERRIDE = "compose.override.yaml"

# 0 means: do not publish. A build server's cache can want less than the default, a slow line to NuGet more.
LIMIT_VARIABLE = "UDS_STACK_PUBLISH_SECONDS"
LIMIT = 600.0
VERSION_LIMIT = 60.0  # for `dotnet --version`, which takes a tenth of a second, or some on a new machine


def publish(project: Path, slug: str, dotnet_version: str) -> str | None:
    """Make ./publish and keep compose.override.yaml, or remove both; return what went wrong, or None.

    Takes the project's folder, its slug, and the version of .NET that it is written for, such as 10.0.
    """
    override = project / OVERRIDE
    # What this run makes, and what an earlier one left where a project is generated over an old one.
    made = [project / "publish", *(project / "src" / slug / name for name in ("bin", "obj"))]
    try:
        # It comes back when ./publish is whole: a hook that is killed on the way leaves a project that works.
        text = override.read_bytes()
        override.unlink()
        _remove(made)
        fault = _publish(project, slug, dotnet_version)
        if fault is None:
            make_readable(project / "publish")
            override.write_bytes(text)
            return None
    except KeyboardInterrupt:
        fault = "interrupted"
    except OSError as error:
        fault = f"{error.strerror}: {error.filename}"
    _remove([override, *made])
    return fault


def make_readable(folder: Path) -> None:
    """Let the users of the containers read a folder that they mount, made under whatever umask."""
    if os.name == "posix":
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def remove_override(project: Path) -> None:
    """Make a project without ./publish one that works."""
    _remove([project / OVERRIDE])


def _publish(project: Path, slug: str, dotnet_version: str) -> str | None:
    """Run `dotnet publish` where there is an SDK for it, and return what went wrong, or None."""
    limit = _limit()
    if limit == 0:
        return f"{LIMIT_VARIABLE} is 0"
    dotnet = shutil.which("dotnet")
    if dotnet is None:
        return f"the .NET SDK is not installed; .NET {dotnet_version} is at https://dotnet.microsoft.com/download"
    fault = _sdk_fault(dotnet, project, dotnet_version, min(limit, VERSION_LIMIT))
    if fault:
        return fault
    arguments = ["publish", f"src/{slug}", "-c", "Release", "-o", "publish"]
    command = " ".join(["dotnet", *arguments])
    console.say(f"Publishing the app: {command} (at most {limit:g} s)")
    result = programs.run([dotnet, *arguments], project, limit)
    if result.problem:
        return "\n    ".join([f"{command} {result.problem}", *_telling(result.output)])
    if not (project / "publish" / f"{slug}.dll").is_file():
        return f"{command} made no publish/{slug}.dll"
    console.say(f"Published into ./publish in {result.seconds:.1f} s.")
    return None


def _sdk_fault(dotnet: str, project: Path, needed: str, limit: float) -> str | None:
    """Return what is wrong with the SDK that `dotnet` takes in the project's folder, or None.

    The folder matters: a global.json in it or above it chooses the SDK.
    """
    result = programs.run([dotnet, "--version"], project, limit)
    if result.problem:
        return "\n    ".join([f"dotnet --version {result.problem}", *_telling(result.output)])
    version = result.output[-1] if result.output else "of no version"
    major = re.match(r"\d+", version)
    if major and int(major[0]) >= int(needed.split(".")[0]):
        return None
    return f".NET SDK {version} is too old; .NET {needed} is at https://dotnet.microsoft.com/download"


def _limit() -> float:
    """Return how many seconds `dotnet publish` may take."""
    wanted = os.environ.get(LIMIT_VARIABLE, "")
    if re.fullmatch(r"[0-9]{1,6}", wanted, re.ASCII):
        return float(wanted)
    if wanted:
        console.warn(f"warning: {LIMIT_VARIABLE}={wanted} is not a number of seconds; {LIMIT:g} it is")
    return LIMIT


def _telling(output: list[str]) -> list[str]:
    """Return the lines of a failed run that tell why: the errors, each once, or where there is none the last lines."""
    lines = [re.sub(r" +\[[^]]*proj\]$", "", line.strip()) for line in output if line.strip()]
    errors = [
        line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE) and not re.search(r":\s+at ", line)
    ]
    return list(dict.fromkeys(errors))[:5] or lines[-5:]


def _remove(paths: list[Path]) -> None:
    """Remove files and folders that may be there."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
