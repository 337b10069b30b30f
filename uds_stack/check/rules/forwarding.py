"""What a proxy does with requests and responses. Each proxy's own rules are in its folder."""

from __future__ import annotations

import fnmatch

from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.stack import Stack

SPOOFABLE = ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Prefix")  # the proxy sets none of these
OF_CONNECTION = ("X-Forwarded-For", "X-Forwarded-Proto")


@rule(ERROR, "Without it Kestrel sees the Host [unix:...] or the upstream's name: 400, or wrong links")
def preserve_host(stack: Stack) -> Violations:
    """Require that each route to the app forwards the Host header."""
    for upstream in stack.site_upstreams:
        if not upstream.preserves_host:
            problem = "the Host header of the request is not forwarded"
            yield upstream.at("preserves_host"), problem, stack.proxy.syntax.preserve_host


@rule(WARNING, "An app that trusts a client's header builds links to any host")
def forwarded_header(stack: Stack) -> Violations:
    """Require that headers that the proxy does not set are removed."""
    for upstream in stack.site_upstreams:
        for header in SPOOFABLE:
            if header.lower() not in upstream.stripped_headers:
                remedy = stack.proxy.syntax.strip_header.format(header=header)
                yield upstream.at("stripped_headers"), f"the header {header} of a client reaches the app", remedy


@rule(WARNING, "The app takes the address and the scheme of a request from what a client wrote")
def client_address(stack: Stack) -> Violations:
    """Require that the proxy sets X-Forwarded-For and X-Forwarded-Proto from the connection."""
    for upstream in stack.site_upstreams:
        for header in OF_CONNECTION:
            if header.lower() not in upstream.set_headers:
                problem = f"{stack.proxy.name} does not set {header} itself, so a client can forge it"
                yield upstream.at(header.lower()), problem, stack.proxy.syntax.set_header.get(header, "")


@rule(WARNING, "A compressed event stream reaches the browser late and in blocks")
def compressed_stream(stack: Stack) -> Violations:
    """Require that text/event-stream is left out of what the proxy compresses."""
    for pattern, place in stack.config.compressed_types:
        if fnmatch.fnmatchcase("text/event-stream", pattern):
            yield place, f"{pattern} compresses event streams", stack.proxy.syntax.serve_all


RULES = [preserve_host, forwarded_header, client_address, compressed_stream]
