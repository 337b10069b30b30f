"""Asking a version of the app."""

from __future__ import annotations

import http.client
import re
from typing import Any

from stack.deploy.containers import Container, inspect
from stack.deploy.project import Project
from stack.deploy.session import COMMAND_LIMIT, PROBE_LIMIT, ROOT, BadVersionError, RedeployError, run


def check_running(new: Container) -> Container:
    """Look at the new version again; it must have run without a break."""
    now = next(iter(inspect(new.id)), None)
    if not now:
        raise BadVersionError("the new version's container is gone")
    if now.found["RestartCount"] or now.status != "running":
        how = "" if now.status == "running" else f" with exit code {now.found['State']['ExitCode']}"
        raise BadVersionError(f"the new version has ended by itself{how}")
    return now


def probe(project: Project) -> RedeployError | None:
    """Ask for /healthz over the socket as H2O sees it, which leads to the new version, and at the published address."""
    h2o = project.h2o()
    if not h2o:
        return RedeployError("H2O is not running: `docker compose logs h2o` tells why")
    conf = (ROOT / "h2o" / "h2o.conf").read_text(encoding="utf-8", errors="replace")
    if path := re.search(r"^[^#\n]*\[unix:([^]]+)\]", conf, re.MULTILINE):
        options = ("-sS", "-o", "/dev/null", "-m", str(PROBE_LIMIT), "-w", "%{http_code}", "--unix-socket", path[1])
        curl = run("docker", "exec", h2o.id, "curl", *options, "http://localhost/healthz")
        if curl.returncode not in (126, 127) and curl.stdout != "200":  # those two: this H2O's image has no curl
            return BadVersionError(f"/healthz over {path[1]}, as H2O sees it: {curl.stdout} {curl.stderr.strip()}")
    return ask(h2o)


def ask(h2o: Container) -> RedeployError | None:
    """Ask H2O for /healthz at the published address, on a connection of its own."""
    ports: dict[str, Any] = h2o.found["NetworkSettings"]["Ports"]
    bindings = ports.get("8080/tcp") or [one for several in ports.values() for one in several or []]
    if not bindings:
        return None
    host, port = bindings[0]["HostIp"], int(bindings[0]["HostPort"])
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_LIMIT)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost", "Connection": "close"})
        answer = str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        answer = str(error)
    finally:
        connection.close()
    return None if answer == "200" else RedeployError(f"H2O at {host}, port {port}, answers /healthz with: {answer}")


def command_in(one: Container, name: str) -> bool:
    """Run one of the app's commands in its container; return whether it succeeded.

    take-over: make the public path lead to it, if it is healthy. serves: does the path lead to it?
    """
    check: list[str] = one.found["Config"]["Healthcheck"]["Test"]  # [CMD, dotnet, NAME.dll, health]
    command = ("docker", "exec", one.id, *check[1:-1], name)
    return one.status == "running" and run(*command, limit=COMMAND_LIMIT).returncode == 0
