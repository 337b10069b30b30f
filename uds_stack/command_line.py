"""Run a command of uds-stack: its option --project, and one line instead of a traceback."""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from uds_stack.project_folder import NoProjectError, find_project, version_fault


def parser_of(
    *groups: Callable[[argparse._SubParsersAction[Any]], None], description: str = ""
) -> argparse.ArgumentParser:
    """Return the parser of uds-stack with these groups of commands."""
    parser = argparse.ArgumentParser(prog="uds-stack", description=description)
    add_project_option(parser, default=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add_commands in groups:
        add_commands(commands)
    return parser


def add_project_option(parser: argparse.ArgumentParser, default: Any = argparse.SUPPRESS) -> None:
    """Add --project, which may come before or after a command. A command's own has no default: it would win."""
    parser.add_argument(
        "--project", type=Path, metavar="DIR", default=default, help="the project (default: here, or a folder above)"
    )


def seconds(text: str) -> float:
    """Return the value of an option that is a time. Raises ValueError where it is none, such as nan or -1."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError
    return value


def open_project(named: Path | None) -> Path:
    """Return the project's folder, and warn where another major version of the template made it.

    Raises NoProjectError where there is none.
    """
    root = find_project(named)
    if fault := version_fault(root):
        print(f"warning: {fault}", file=sys.stderr)
    return root


def run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not where it is closed
            stream.reconfigure(errors="backslashreplace")
    options = parser.parse_args(arguments)
    try:
        code = int(options.run(options))
        if sys.stdout:
            sys.stdout.flush()
    except NoProjectError as error:
        print(f"uds-stack: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader is gone (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"uds-stack: {error.strerror or error}{where}; fix that, then run the command again", file=sys.stderr)
        return int(options.failure)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = " ".join(f"{type(error).__name__} {error}".split())
        print(f"uds-stack: {what} ({place.filename}:{place.lineno}); please report it", file=sys.stderr)
        return int(options.failure)
    return code
