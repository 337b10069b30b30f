#!/usr/bin/env python3
"""Put a new version of the app, or of h2o.conf, in place without losing a request.

    python3 scripts/redeploy.py               after an edit of the sources, or of the app's part of compose.yaml
    python3 scripts/redeploy.py --rollback    the version before; once more, and the newer one is back
    python3 scripts/redeploy.py h2o           after an edit of h2o/h2o.conf

The app: the new version is built and started beside the old one, which serves until the new one is healthy, answers
through H2O and goes on doing so for a moment. Then the old one finishes its requests and is removed. If the new one
fails, it is removed and the old one serves on. Needs Docker, and the .NET SDK where ./publish is what runs.

One version before is kept: ./publish.previous, or the image's tag "previous". What a run sets aside until it is decided
carries the id of the container that runs it in its name (./publish.of-ID, tag of-ID). So a run that was killed leaves
all that the next one has to know, and `settle` puts things right at its start, just as after a failure.
"""

from __future__ import annotations

import sys

from stack.deploy.cli import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
