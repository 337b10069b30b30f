"""What the proxy passes on to the app. Each proxy's own rules are in its module."""

from __future__ import annotations

from stack.check.model import Model
from stack.check.project import Project
from stack.check.rule import ERROR, WARNING, Violations, rule

SPOOFABLE = ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Prefix")  # the proxy sets none of these


@rule("preserve-host", ERROR, "Without it Kestrel sees the Host [unix:...] and answers 400")
def preserve_host(project: Project, model: Model) -> Violations:
    """The route may inherit the setting."""
    for upstream in project.app_upstreams(model):
        if not upstream.preserves_host:
            problem = "the Host header of the request is not forwarded"
            yield upstream.at("preserves_host"), problem, project.proxy.syntax.preserve_host


@rule("forwarded-header", WARNING, "An app that trusts the header of a client builds links to anywhere")
def strip_headers(project: Project, model: Model) -> Violations:
    """The app trusts what the proxy forwards."""
    for upstream in project.app_upstreams(model):
        for header in SPOOFABLE:
            if header.lower() not in upstream.stripped_headers:
                remedy = project.proxy.syntax.strip_header.format(header=header)
                yield upstream.place, f"the header {header} of a client reaches the app", remedy
