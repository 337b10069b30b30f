"""What H2O passes on."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator

from stack.check.compose import Model
from stack.check.files import relative
from stack.check.project import Project
from stack.check.rule import H2O, Finding, error, of_model, warning
from stack.check.shared import app_upstreams
from stack.check.values import text


@of_model
def h2o_passes_on_the_host(project: Project, model: Model) -> Iterator[Finding]:
    """Without preserve-host Kestrel is asked for the host "[unix:...]" and answers 400."""
    for up in app_upstreams(project, model):
        value, place = up.commands.get("proxy.preserve-host", ("OFF", up.place))
        if value.upper() != "ON":
            message = "Kestrel is asked for the host [unix:...] and answers 400; write proxy.preserve-host: ON here"
            yield error(place, "preserve-host", message)
        for header in ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Prefix"):
            if header.lower() not in up.unset:
                message = f"a visitor's own {header} reaches the app; write proxy.header.unset: {header} here"
                yield warning(up.place, "header", message)


@of_model
def h2o_knows_its_commands(project: Project, model: Model) -> Iterator[Finding]:
    """What H2O's own test does not tell, or only in its image: names of other versions, a user, files, HTTP/2."""
    said = re.search(r"h2o version (\d+\.\d+)", project.h2o_test.wait().out)
    version = said[1] if said else "2.2" if "bookworm" in project.dockerfile_of(model, H2O)[1] else ""
    right, wrong = ("proxy.websocket", "proxy.tunnel") if version == "2.2" else ("proxy.tunnel", "proxy.websocket")
    for path, value in project.conf.values.items():
        name, place = text(path[-1]) if path else "", project.conf.find(path)[1]
        if name == wrong and version:
            yield error(place, "websocket", f"H2O {version} does not know {wrong} and does not start; write {right}")
        named = name in ("file.file", "file.dir", "key-file", "certificate-file")
        held = model.holder(H2O, text(value)) if named else None
        if held and held[0].kind == "bind" and not os.path.lexists(posixpath.join(held[0].source, held[1])):
            file = relative(posixpath.join(held[0].source, held[1]))
            yield error(place, "missing-file", f"{file} is missing; add it, or remove the line")
    top = {name: (text(value), place) for name, value, place in project.conf.commands()}
    if "user" in top:
        message = "H2O ends at once where it is to change its user, which compose.yaml names; remove the line"
        yield error(top["user"][1], "h2o-user", message)
    value, place = top.get("http1-upgrade-to-http2", ("ON", (project.conf.file, 1)))
    if value.upper() != "OFF" and project.conf.data:
        message = "two attacks on HTTP/2 are not mended in H2O 2.2.5; write http1-upgrade-to-http2: OFF"
        yield error(place, "http2", message)
