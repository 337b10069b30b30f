"""The command."""

from __future__ import annotations

import argparse
import shutil
import sys

from stack.deploy import session
from stack.deploy.project import Project
from stack.deploy.proxies.h2o import reload_h2o
from stack.deploy.rollout import redeploy
from stack.deploy.session import InterruptError, RedeployError, interruptions


def main(description: str) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["app", "h2o"], default="app")
    parser.add_argument("--rollback", action="store_true", help="bring back the version of the app before this one")
    parser.add_argument("--timeout", type=float, default=60, metavar="S", help="seconds to become healthy in (60)")
    parser.add_argument("--watch", type=float, default=3, metavar="S", help="seconds to watch the new version for (3)")
    options = parser.parse_args()
    if options.what == "h2o" and options.rollback:
        parser.error("--rollback is for the app; bring the former h2o.conf back (git), then run `redeploy.py h2o`")
    try:
        session.lock = session.take_lock()
        interruptions.catch()
        project = Project()
        if options.what == "h2o":
            reload_h2o(project)
        else:
            redeploy(project, rollback=options.rollback, patience=options.timeout, watch=options.watch)
    except InterruptError:
        return 128 + interruptions.arrived
    except RedeployError as failure:
        lines = dict.fromkeys(line.rstrip() for line in failure.details.splitlines() if line.strip())
        print(f"redeploy.py: {failure}", *list(lines)[-25:], sep="\n    ", file=sys.stderr)
        return 1
    except OSError as error:
        # shutil.copytree collects what went wrong: source, target, reason
        reason = error.args[0][0][2] if isinstance(error, shutil.Error) else f"{error.strerror}: {error.filename}"
        print(f"redeploy.py: {reason}; run it again when that is mended", file=sys.stderr)
        return 1
    return 0
