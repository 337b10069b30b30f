"""Files that cannot be read, and values of .env that Compose rejects without naming a line."""

from __future__ import annotations

import ipaddress
import re

from uds_stack.check.project import Project
from uds_stack.check.rule import ERROR, WARNING, Violations, project_rule
from uds_stack.check.values import number

OPTIONAL = (".env", "Dockerfile")


@project_rule("unreadable", ERROR, "Nothing can be said of a file that cannot be read", suppressible=False)
def read_files(project: Project) -> Violations:
    """Sources larger than the limit are generated ones, and skipped."""
    for file in project.texts:
        optional = file.missing and (file.name in OPTIONAL or file.name.endswith("Dockerfile"))
        generated = file.name.endswith(".cs") and file.problem.startswith("is larger")
        if file.problem and not optional and not generated:
            yield (file.name, 1), f"the file {file.problem}", "restore it, from git for example"


@project_rule("syntax", ERROR, "A file with a syntax error is rejected as a whole", suppressible=False)
def parse_files(project: Project) -> Violations:
    """YAML and JSON."""
    for problem in project.problems:
        if problem.code == "syntax":
            yield problem.place, problem.problem, problem.remedy


@project_rule("duplicate-key", ERROR, "Programs differ in which of two equal keys counts", suppressible=False)
def reject_duplicate_keys(project: Project) -> Violations:
    """Compose rejects the file; a proxy may take the first or the last."""
    for problem in project.problems:
        if problem.code == "duplicate-key":
            yield problem.place, problem.problem, problem.remedy


@project_rule("env-port", ERROR, "Compose rejects a wrong port, but names neither file nor line")
def validate_env_port(project: Project) -> Violations:
    """A range, such as 8080-8090, is a port for Compose too."""
    for name, example in (("HTTP_PORT", 8080), ("HTTPS_PORT", 8443)):
        value, place = project.compose.env.get(name, ("", (".env", 1)))
        if value and not all(1 <= (number(end) or 0) <= 65535 for end in value.split("-")):
            yield place, f"{name}={value} is not a port", f"use 1 to 65535, such as {example}"


@project_rule("env-domain", ERROR, "No authority certifies what is not a name of the public DNS")
def validate_env_domain(project: Project) -> Violations:
    """A name alone, where a Compose file uses it."""
    value, place = project.compose.env.get("DOMAIN", ("", (".env", 1)))
    used = any("${DOMAIN" in document.content for document in project.compose.documents)
    label = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
    if used and value and not re.fullmatch(rf"({label}\.)+(?!\d+$){label}", value.lower()):
        yield place, f"DOMAIN={value} is not a public domain name", "write the name alone, such as shop.example.org"


@project_rule("env-address", ERROR, "Compose rejects a wrong HTTP_BIND, but names neither file nor line")
def validate_env_address(project: Project) -> Violations:
    """An IPv6 address is in brackets, or Compose takes a part of it for a port."""
    value, place = project.compose.env.get("HTTP_BIND", ("", (".env", 1)))
    try:
        if value:
            ipaddress.IPv6Address(value[1:-1]) if value.startswith("[") else ipaddress.IPv4Address(value)
    except ValueError:
        yield place, f"HTTP_BIND={value} is not an IP address", "use 127.0.0.1 or [::1] for this host alone"


@project_rule("env-unused", WARNING, "A mistyped name is ignored in silence")
def find_unused_variables(project: Project) -> Violations:
    """Only a name that resembles one that the Compose files use is taken for a typing error."""
    env = project.compose.env
    used = {name for document in project.compose.documents for name in re.findall(r"\$\{?(\w+)", document.content)}
    for name, (_, place) in env.items():
        if name not in used and (meant := _most_similar(name, used - set(env))):
            yield place, f"no Compose file uses the variable {name}", f"write {meant}"


def _most_similar(name: str, names: set[str]) -> str:
    import difflib  # takes a while, and is seldom needed

    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.8)), "")
