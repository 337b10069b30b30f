"""Whether a version of the app runs, and whether it answers through the proxy."""

from __future__ import annotations

import http.client
import time

from uds_stack.deploy.containers import Container, inspect, run_command
from uds_stack.deploy.project import Project
from uds_stack.deploy.session import BadVersionError, DeployError

ANSWER_LIMIT = 5  # seconds for an answer to /healthz
PROXY_LIMIT = 10  # seconds for the proxy's first answer from the new version
HEALTH_PORT = "8080/tcp"  # in the proxy's container: where it serves /healthz without TLS
NO_CURL = (126, 127)  # exit codes of `docker exec`: the image has no such program


def check_running(project: Project, new: Container) -> Container:
    """Look at the new version again and return it. Raises BadVersionError where it has stopped or restarted."""
    now = next(iter(inspect(project.session, new.id)), None)
    if not now:
        raise BadVersionError("the container of the new version is gone")
    if now.status != "running":
        raise BadVersionError(f"the new version exited with exit code {now.found['State']['ExitCode']}")
    if now.found["RestartCount"]:
        raise BadVersionError("the new version exited, and was restarted")
    return now


def wait_until_served(project: Project, new: Container, watch: float = 0) -> None:
    """Wait until the new version answers through the proxy, then watch it answer for some seconds.

    Raises BadVersionError, or DeployError where the new version is not the cause.
    """
    deadline = time.monotonic() + PROXY_LIMIT
    since: float | None = None
    while True:
        check_running(project, new)
        if not run_command(project.session, new, "serves"):
            run_command(project.session, new, "take-over")  # an old version crashed, came back, and took the path
        fault = probe(project)
        now = time.monotonic()
        if fault and (since or now > deadline):
            project.session.pause()
            check_running(project, new)  # the better reason
            raise fault
        if not fault and not since:
            since = now
            if watch:
                project.session.say(
                    f"the new version answers through {project.proxy.title}: watching it for {watch:g} s"
                )
        if since and now - since >= watch:
            return
        project.session.pause()


def probe(project: Project) -> DeployError | None:
    """Ask for /healthz over the socket that the proxy uses, then through the proxy; return what is wrong."""
    container = project.running_proxy()
    if not container:
        service = project.proxy_service
        return DeployError(f"{project.proxy.title} is not running: see `docker compose logs {service}`")
    return probe_socket(project, container) or probe_proxy(project, container)


def probe_socket(project: Project, container: Container) -> DeployError | None:
    """Ask over the socket as the proxy sees it, if its image has curl; return what is wrong."""
    config = project.proxy_config.read_text(encoding="utf-8", errors="replace")
    socket = project.proxy.find_upstream_socket(config)
    if not socket:
        return None
    options = ("-sS", "-o", "/dev/null", "-m", str(ANSWER_LIMIT), "-w", "%{http_code}", "--unix-socket", socket)
    curl = project.session.run("docker", "exec", container.id, "curl", *options, "http://localhost/healthz")
    if curl.code in NO_CURL or curl.out == "200":
        return None
    return BadVersionError(
        f"/healthz over {socket}, as {project.proxy.title} sees it, answers {curl.out}, not 200: {curl.err.strip()}"
    )


def probe_proxy(project: Project, container: Container) -> DeployError | None:
    """Ask the proxy at its published address or, if that is out of reach from here, in its container."""
    address = published_address(container)
    if not address:
        return None
    if project.is_remote:
        return probe_in_container(project, container, "the Docker engine is on another host")
    host, port = address
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_LIMIT)
    try:
        connection.connect()
    except OSError as error:
        return probe_in_container(project, container, f"no connection to {host}, port {port}, from here ({error})")
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost", "Connection": "close"})
        answer = str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        answer = str(error)
    finally:
        connection.close()
    if answer == "200":
        return None
    return DeployError(f"/healthz from {project.proxy.title} at {host}, port {port}, answers {answer}, not 200")


def probe_in_container(project: Project, container: Container, reason: str) -> DeployError | None:
    """Run the health check of the proxy in its container, and say why; return what is wrong."""
    project.session.note(f"{reason}: asking {project.proxy.title} inside its container")
    if container.health_check[:1] != ["CMD"]:
        return None
    check = project.session.run("docker", "exec", container.id, *container.health_check[1:], limit=ANSWER_LIMIT)
    if check.code == 0:
        return None
    return DeployError(f"{reason}, and the health check of {project.proxy.title} {check.problem}", check.err)


def published_address(container: Container) -> tuple[str, int] | None:
    """Return host and port where the engine publishes the proxy; None where it publishes nothing."""
    ports: dict[str, list[dict[str, str]] | None] = container.found["NetworkSettings"]["Ports"]
    tcp = [binding for port, bindings in ports.items() if port.endswith("/tcp") for binding in bindings or []]
    bindings = ports.get(HEALTH_PORT) or tcp
    if not bindings:
        return None
    host = bindings[0]["HostIp"]
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return host, int(bindings[0]["HostPort"])
