"""The command redeploy.py."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from stack.deploy import proxies
from stack.deploy.project import APP, read_project
from stack.deploy.reload import reload_proxy
from stack.deploy.rollout import deploy
from stack.deploy.session import InterruptError, RedeployError, Session

SCRIPT = Path(__file__).resolve().parents[2] / "redeploy.py"
DETAILS = 25  # lines of a failed program's output that are shown

DESCRIPTION = """\
Deploy the app, or reload the proxy's configuration, with zero downtime.

    python3 scripts/redeploy.py               after an edit of the sources, or of the app's part of compose.yaml
    python3 scripts/redeploy.py --rollback    back to the previous version; once more, and the newer one is back
    python3 scripts/redeploy.py PROXY         after an edit of the proxy's configuration; PROXY is: {proxies}

The new version of the app is built and started beside the old one, which serves until the new one is healthy and has
answered through the proxy for a moment. Then the old one drains and is removed. If the new one fails, it is removed and
the old one stays. Needs Docker, and the .NET SDK where ./publish is what runs. One previous version is kept:
./publish.previous, or the image's tag "previous". A run may be interrupted or killed at any moment: the next one
recovers.
"""


def main() -> int:
    """Run the command; return its exit code: 0, 1 (failed), 2 (usage) or 128 + the signal that interrupted it."""
    options = parse_arguments()
    session = Session(SCRIPT.parents[1])
    try:
        session.begin(SCRIPT)
        project = read_project(session)
        if options.what == APP:
            deploy(project, rollback=options.rollback, timeout=options.timeout, watch=options.watch)
        else:
            reload_proxy(project)
    except InterruptError:
        return 128 + session.signal
    except RedeployError as failure:
        lines = dict.fromkeys(line.rstrip() for line in failure.details.splitlines() if line.strip())
        print(f"redeploy.py: {failure}", *list(lines)[-DETAILS:], sep="\n    ", file=sys.stderr)
        return 1
    except OSError as error:
        # shutil.copytree collects what went wrong: source, target, reason
        reason = error.args[0][0][2] if isinstance(error, shutil.Error) else f"{error.strerror}: {error.filename}"
        print(f"redeploy.py: {reason}; fix that, then run redeploy.py again", file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options; exit with 2 where they are wrong."""
    known = proxies.names()
    parser = argparse.ArgumentParser(
        description=DESCRIPTION.format(proxies=", ".join(known)), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=[APP, *known], default=APP)
    parser.add_argument("--rollback", action="store_true", help="deploy the previous version of the app")
    parser.add_argument("--timeout", type=float, default=60, metavar="S", help="seconds to become healthy in (60)")
    parser.add_argument("--watch", type=float, default=3, metavar="S", help="seconds to watch the new version for (3)")
    options = parser.parse_args()
    if options.rollback and options.what != APP:
        config = f"{options.what}/{proxies.load(options.what).config}"
        parser.error(f"--rollback is for the app; restore {config}, then run `redeploy.py {options.what}`")
    return options
