"""The project that is deployed: what Compose resolves from its files, and which stack of the engine is its own."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uds_stack.deploy.containers import Container, find
from uds_stack.deploy.images import ImageVersion
from uds_stack.deploy.proxies import PROXIES
from uds_stack.deploy.proxy import Proxy
from uds_stack.deploy.session import DeployError, Session

APP = "app"  # the app's service


@dataclass(frozen=True)
class Project:
    """A project that can be deployed."""

    session: Session
    name: str  # by which Compose knows its stack
    version: ImageVersion
    proxy: Proxy
    proxy_service: str
    is_remote: bool  # the engine, and what it publishes, is on another host

    def containers(self, service: str) -> list[Container]:
        """Return a service's containers, the newest first, whatever their state."""
        return find(self.session, f"project={self.name}", f"service={service}", "oneoff=False", stopped=True)

    def running_proxy(self) -> Container | None:
        """Return the proxy's container that runs."""
        return next((each for each in self.containers(self.proxy_service) if each.status == "running"), None)

    @property
    def proxy_config(self) -> Path:
        """The proxy's configuration file."""
        return self.session.root / self.proxy_service / self.proxy.config


def read_project(session: Session) -> Project:
    """Ask Compose and the engine for the project. Raises DeployError where it cannot be deployed."""
    engine = session.run("docker", "version")
    if engine.code != 0:
        raise engine_fault(engine.err)
    config = ("docker", "compose", "config", "--format=json")
    model = json.loads(session.must(*config, fault=f"Compose cannot read the project in {session.root}"))
    services: dict[str, Any] = model.get("services", {})
    known = [name for name in PROXIES if name in services]
    if APP not in services or len(known) != 1:
        raise DeployError(
            f"compose.yaml must have a service {APP} and one proxy ({' or '.join(PROXIES)}); "
            f"its services: {', '.join(services) or 'none'}"
        )
    check_app(services[APP])
    version = ImageVersion(session, APP, app_image(services[APP], model["name"]))
    recognize_stack(session, model["name"])
    return Project(session, model["name"], version, PROXIES[known[0]], known[0], engine_is_remote(session))


def engine_fault(said: str) -> DeployError:
    """Return why an engine does not answer, with the remedy, by what `docker version` said."""
    if "permission denied" in said.lower():
        return DeployError(
            "no permission to use the Docker engine: run `sudo usermod -aG docker $USER` and log in again, "
            "or run this with sudo"
        )
    return DeployError("the Docker engine does not answer: start it (`docker version` shows more)", said)


def check_app(service: dict[str, Any]) -> None:
    """Refuse a service that cannot be handed over."""
    test: list[str] = (service.get("healthcheck") or {}).get("test") or []
    if test[:1] != ["CMD"] or len(test) < 3 or test[-1] != "health":
        raise DeployError(
            f"compose.yaml: the health check of {APP} is {json.dumps(test)}; write it as [CMD, PROGRAM, ..., health], "
            "which runs the app's own command `health`"
        )
    replicas = service.get("scale") or (service.get("deploy") or {}).get("replicas") or 1
    if replicas != 1:
        raise DeployError(f"compose.yaml: {APP} has {replicas} replicas, but one instance serves: remove `replicas`")


def app_image(service: dict[str, Any], name: str) -> str:
    """Return the name of the image that the app's service builds. Raises DeployError where it builds none."""
    if not service.get("build"):
        raise DeployError(f"compose.yaml: {APP} has no `build`, so there is nothing to deploy: write `build: .`")
    return str(service.get("image") or f"{name}-{APP}")


def recognize_stack(session: Session, name: str) -> None:
    """Use the folder's path that Compose has recorded, and refuse a stack that runs here under another name.

    Compose knows a stack by its name and its folder's path: by others it would start a second one, or replace all.
    """
    paths = {}
    for container in find(session, f"service={APP}"):
        path = container.labels.get("com.docker.compose.project.working_dir", "/")
        with suppress(OSError):
            if Path(path).samefile(session.root):
                paths[container.labels["com.docker.compose.project"]] = path
    if name in paths:
        os.environ["PWD"] = paths[name]  # perhaps a symbolic link; Compose takes the path from here
    elif paths:
        raise DeployError(
            f"the stack that runs from this folder is {', '.join(sorted(paths))}, not {name}: set COMPOSE_PROJECT_NAME "
            "to that, or start another stack with `docker compose up -d` first"
        )


def engine_is_remote(session: Session) -> bool:
    """Return whether the engine, by DOCKER_HOST or the context in use, is on another host."""
    found = json.loads(session.run("docker", "context", "inspect").out or "[]")
    address = found[0]["Endpoints"]["docker"]["Host"] if found else ""
    is_loopback = address.startswith(("tcp://127.", "tcp://localhost:", "tcp://[::1]:"))
    return address.startswith(("ssh://", "tcp://", "http://", "https://")) and not is_loopback
