"""Reload the proxy's configuration, in the container that runs."""

from __future__ import annotations

from pathlib import PurePosixPath

from uds_stack.deploy.containers import Container
from uds_stack.deploy.images import inspect_image
from uds_stack.deploy.probe import probe_proxy
from uds_stack.deploy.project import Project
from uds_stack.deploy.session import DeployError


def reload_proxy(project: Project) -> None:
    """Validate the proxy's configuration, let the proxy load it, and see it serve.

    No connection is cut. Raises DeployError where it is invalid or does not serve; the previous one then stays in use.
    """
    session, proxy, service = project.session, project.proxy, project.proxy_service
    container = project.running_proxy()
    if not container:
        raise DeployError(f"{proxy.title} is not running: `docker compose up -d` starts it and loads {proxy.config}")
    command = proxy_command(project, container)
    session.say(f"validating {proxy.config}")
    fault = f"{proxy.title} rejects {service}/{proxy.config}, and keeps the configuration that it has"
    session.must("docker", "exec", container.id, *proxy.validate(command), fault=fault)
    session.say(f"reloading {proxy.title}")
    lingering = proxy.reload(session, container, command)
    if problem := probe_proxy(project, container):
        raise problem
    session.say(f"{proxy.config} is reloaded" + ("; open connections stay with the previous one" if lingering else ""))
    report_what_is_not_reloaded(project, container)


def proxy_command(project: Project, container: Container) -> list[str]:
    """Return the container's command line from the proxy's program on, without an entrypoint before it.

    Raises DeployError where the proxy cannot reload its configuration under it.
    """
    names = [PurePosixPath(word).name for word in container.command]
    proxy = project.proxy
    command = container.command[names.index(proxy.program) :] if proxy.program in names else []
    if not command or not proxy.can_reload(command):
        raise DeployError(
            f"{proxy.title} runs as `{' '.join(container.command)}` and cannot reload {proxy.config}: "
            f"run it as `{proxy.usage}`"
        )
    return command


def report_what_is_not_reloaded(project: Project, container: Container) -> None:
    """Say what else has changed for the proxy since its container was created."""
    session, service = project.session, project.proxy_service
    image = inspect_image(session, container.found["Config"]["Image"])
    is_rebuilt = image.get("Id", container.image) != container.image
    config_hash = session.must("docker", "compose", "config", f"--hash={service}").split()[-1]
    if is_rebuilt or config_hash != container.labels["com.docker.compose.config-hash"]:
        session.say(
            f"{'its image' if is_rebuilt else 'compose.yaml'} has changed for {service}, too: "
            f"apply it with `docker compose up -d --timeout 1 {service}`, a short outage"
        )
