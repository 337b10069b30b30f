"""What the containers mount exists, and the proxy finds its configuration."""

from __future__ import annotations

import posixpath
import re

from uds_stack.check.compose_model import Mount
from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.stack import Stack

PUBLISH = "publish"  # compose.publish.yaml mounts it


@rule(ERROR, "Docker starts no container whose mounted folder is missing, or makes that folder, as root's and empty")
def mount(stack: Stack) -> Violations:
    """Look for the folders of the host that both services mount."""
    for name in stack.services:
        for one in stack.model.mounts(name):
            if one.kind == "bind" and not stack.folder.exists(one.source):
                problem = f"{name}: {stack.folder.relative(one.source)} is missing"
                place = stack.at(name, "volumes", holding=one.target)
                if one.creates_source:
                    yield place, problem, "make it, or write bind: {create_host_path: false}", WARNING
                else:
                    yield place, problem, _make(stack, one)


def _make(stack: Stack, missing: Mount) -> str:
    """Return how to make a folder that is missing."""
    if stack.folder.relative(missing.source) == PUBLISH:
        return f"run `dotnet publish {stack.app.source_folder} -c Release -o {PUBLISH}`"
    for_tls = any(posixpath.dirname(one.file) == missing.target for one in stack.config.certificates)
    return "make it" + (", with the certificate and its key in it" if for_tls else "")


def _config_mount(stack: Stack) -> tuple[Mount, str] | None:
    return stack.model.mount_of(stack.proxy.service, stack.config.path)


@rule(ERROR, "The proxy does not start without its configuration")
def config_mount(stack: Stack) -> Violations:
    """Require that the proxy's configuration is mounted, or copied into its image."""
    service, path = stack.proxy.service, stack.config.path
    copied = rf"(?m)^(COPY|ADD)\s.*({re.escape(posixpath.basename(path))}|\s\.\s)"
    if stack.services and not _config_mount(stack) and not re.search(copied, stack.dockerfile(service).text):
        place = stack.at(service, "volumes", holding=service, key="target")
        problem = f"{service}: nothing is mounted at {path}, which it reads"
        yield place, problem, f"mount the folder {service} at {posixpath.dirname(path)}"


@rule(WARNING, "Many editors replace a file, and the container keeps the old one")
def config_mount_file(stack: Stack) -> Violations:
    """Require that the folder is mounted, not the file."""
    service, held = stack.proxy.service, _config_mount(stack)
    if held and held[0].kind == "bind" and held[1] == ".":
        place = stack.at(service, "volumes", holding=stack.config.path)
        yield place, f"{service}: the file {stack.config.path} is mounted by itself", "mount its folder"


@rule(ERROR, "The proxy answers 404, or the 502 without its page, where a file is missing")
def served_file(stack: Stack) -> Violations:
    """Look for what the configuration serves; no validator does."""
    for path, place in stack.config.served_files:
        held = stack.model.mount_of(stack.proxy.service, path)
        file = stack.folder.relative(posixpath.join(held[0].source, held[1])) if held else ""
        if held and held[0].kind == "bind" and not stack.folder.exists(file):
            yield place, f"{file} is missing", "add the file, or remove this line"


RULES = [mount, config_mount, config_mount_file, served_file]
