"""The commands `uds-stack deploy`, `rollback` and `reload`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from uds_stack.command_line import add_project_option, open_project, seconds
from uds_stack.deploy.project import Project, read_project
from uds_stack.deploy.reload import reload_proxy
from uds_stack.deploy.rollout import deploy
from uds_stack.deploy.session import DeployError, InterruptError, Session

DETAILS = 25  # lines of a failed program's output that are shown

DEPLOY = """\
Deploy the app with zero downtime: after an edit of the sources, or of the app's part of compose.yaml.

The new version of the app is built and started beside the old one, which serves until the new one is healthy and has
answered through the proxy for a moment. Then the old one drains and is removed. If the new one fails, it is removed
and the old one stays. One previous version is kept, as the image's tag "previous". A run may be interrupted or killed
at any moment: the next one recovers.

Exit code: 0 done, 1 failed (the old version still serves), 2 usage, 128 + the signal that interrupted it.
"""
ROLLBACK = """\
Deploy the previous version of the app, with zero downtime; run it again to return to the newer one.

Exit code: 0 done, 1 failed (the old version still serves), 2 usage, 128 + the signal that interrupted it.
"""
RELOAD = """\
Load the proxy's configuration after an edit, with zero downtime: validate it, then reload it in the running container.

Exit code: 0 done, 1 failed (the old configuration stays in use), 2 usage, 128 + the signal that interrupted it.
"""


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `deploy`, `rollback` and `reload` to the commands of a parser."""
    for name, description, action in (
        ("deploy", DEPLOY, _deploy),
        ("rollback", ROLLBACK, _roll_back),
        ("reload", RELOAD, _reload),
    ):
        parser = commands.add_parser(
            name,
            help=description.partition(":")[0].partition(";")[0].partition(", with")[0],
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add_project_option(parser)
        if action is not _reload:
            parser.add_argument(
                "--timeout",
                type=seconds,
                default=60,
                metavar="SECONDS",
                help="limit for the new version to become healthy (60 s)",
            )
            parser.add_argument(
                "--watch",
                type=seconds,
                default=3,
                metavar="SECONDS",
                help="time to watch it answer before the old one stops (3 s)",
            )
        parser.set_defaults(run=lambda options, action=action: run(options, action), failure=1)


def run(options: argparse.Namespace, action: Callable[[Project, argparse.Namespace], None]) -> int:
    """Run one of the commands in a session of its own; return the exit code.

    Raises NoProjectError where no project is found.
    """
    session = Session(open_project(options.project))
    try:
        session.begin()
        action(read_project(session), options)
    except InterruptError:
        return 128 + session.signal
    except DeployError as failure:
        lines = dict.fromkeys(line.rstrip() for line in failure.details.splitlines() if line.strip())
        print(f"uds-stack: {failure}", *list(lines)[-DETAILS:], sep="\n    ", file=sys.stderr)
        return 1
    return 0


def _deploy(project: Project, options: argparse.Namespace) -> None:
    deploy(project, rollback=False, timeout=options.timeout, watch=options.watch)


def _roll_back(project: Project, options: argparse.Namespace) -> None:
    deploy(project, rollback=True, timeout=options.timeout, watch=options.watch)


def _reload(project: Project, options: argparse.Namespace) -> None:
    reload_proxy(project)
