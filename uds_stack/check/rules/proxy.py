"""What a proxy does with requests and answers. Each proxy's own rules are beside its module."""

from __future__ import annotations

import fnmatch
import math
import posixpath
import re

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.proxy import Version
from uds_stack.check.rule import ERROR, INFO, WARNING, Violations, project_rule, rule
from uds_stack.check.values import Place

SPOOFABLE = ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Prefix")  # the proxy sets none of these
OF_CONNECTION = ("X-Forwarded-For", "X-Forwarded-Proto")
MAX_TIMEOUT = 300  # seconds


@project_rule("config-unread", INFO, "What was not read was not checked")
def report_unread_config(project: Project) -> Violations:
    """The proxy itself has to be asked."""
    yield from project.config.unread


@rule("preserve-host", ERROR, "Without it Kestrel sees the Host [unix:...] or the upstream's name: 400, or wrong links")
def preserve_host(project: Project, model: Model) -> Violations:
    """The route may inherit the setting."""
    for upstream in project.site_upstreams(model):
        if not upstream.preserves_host:
            problem = "the Host header of the request is not forwarded"
            yield upstream.at("preserves_host"), problem, project.proxy.syntax.preserve_host


@rule("forwarded-header", WARNING, "An app that trusts the header of a client builds links to anywhere")
def strip_headers(project: Project, model: Model) -> Violations:
    """The app trusts what the proxy forwards."""
    for upstream in project.site_upstreams(model):
        for header in SPOOFABLE:
            if header.lower() not in upstream.stripped_headers:
                remedy = project.proxy.syntax.strip_header.format(header=header)
                yield upstream.at("stripped_headers"), f"the header {header} of a client reaches the app", remedy


@rule("client-address", WARNING, "The app takes the address and the scheme of a request from what a client wrote")
def set_headers_of_connection(project: Project, model: Model) -> Violations:
    """What a client sends in them may come from anybody."""
    for upstream in project.site_upstreams(model):
        for header in OF_CONNECTION:
            if header.lower() not in upstream.set_headers:
                problem = f"{project.proxy.name} does not set {header} to the client's own, and a client may choose it"
                yield upstream.at(header.lower()), problem, project.proxy.syntax.set_header.get(header, "")


@rule("read-timeout", WARNING, "A visitor waits for so long while the app is frozen")
def limit_silence_of_app(project: Project, model: Model) -> Violations:
    """Routes for streams have none."""
    for upstream in project.site_upstreams(model):
        if upstream.timeout and upstream.timeout.seconds > MAX_TIMEOUT:
            yield upstream.timeout.place, *_too_long(project, upstream.timeout.name, upstream.timeout.seconds)


@project_rule("client-timeout", WARNING, "A client that sends slowly, or nothing, holds a connection for so long")
def limit_slow_clients(project: Project) -> Violations:
    """Headers and bodies."""
    for timeout in project.config.client_timeouts:
        if timeout.seconds > MAX_TIMEOUT:
            yield timeout.place, *_too_long(project, timeout.name, timeout.seconds)


def _too_long(project: Project, name: str, seconds: float) -> tuple[str, str]:
    write = project.proxy.duration
    held = "is not set, and there is no limit" if math.isinf(seconds) else f"is {write(seconds)}"
    return f"{name} {held}", f"write {name} {write(30)}, and at most {write(MAX_TIMEOUT)}"


@project_rule("compressed-stream", WARNING, "A compressed event stream reaches the browser late and in blocks")
def compress_no_streams(project: Project) -> Violations:
    """Its media type is text/event-stream."""
    for pattern, place in project.config.compressed_types:
        if fnmatch.fnmatchcase("text/event-stream", pattern):
            yield place, f"{pattern} compresses event streams", project.proxy.syntax.serve_all


@rule("served-file", ERROR, "The proxy answers 404, or the 502 without its page, where a file is missing")
def find_served_files(project: Project, model: Model) -> Violations:
    """No validator looks for them."""
    for path, place in project.config.served_files:
        held = model.mount_of(project.proxy.service, path)
        file = project.folder.relative(posixpath.join(held[0].source, held[1])) if held else ""
        if held and held[0].kind == "bind" and not project.folder.exists(file):
            yield place, f"{file} is missing", "add the file, or remove this line"


@rule("proxy-version", ERROR, "An older proxy lacks what zero downtime and these files need")
def require_version(project: Project, model: Model) -> Violations:
    """The image's tag says it, or else the program in the image."""
    version, service = project.proxy.version, project.proxy.service
    dockerfile = project.dockerfile(model, service)
    lines = dockerfile.text.split("\n")
    rows: list[tuple[Place, str]] = [((dockerfile.name, i), row) for i, row in enumerate(lines, 1)]
    rows.append((project.at(service, "image"), f"FROM {model.text(service, 'image')}"))
    last = next((row for row in reversed(rows) if re.match(r"(?i)FROM\s+\S", row[1])), None)
    if version and last:
        tag = re.match(rf"(?i)FROM\s+(?:--\S+\s+)?(?:\S+/)?{service}:(\d+)\.(\d+)", last[1])
        asked = project.proxy_version.output if not tag and project.proxy_version else ""
        found = tag or re.search(r"(\d+)\.(\d+)\.\d+", asked)
        if found and (int(found[1]), int(found[2])) < version.least:
            yield last[0], f"{project.proxy.name} {found[1]}.{found[2]} {version.lost}", _newer(project, version)


def _newer(project: Project, version: Version) -> str:
    return f"use {project.proxy.service}:{version.least[0]}.{version.least[1]}, or a newer one"
