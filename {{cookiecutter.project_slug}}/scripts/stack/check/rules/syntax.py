"""Each file parses."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator
from xml.parsers import expat

from stack.check.project import Project
from stack.check.rule import Finding, error, of_project, warning
from stack.check.values import number


@of_project
def every_file_parses(project: Project) -> Iterator[Finding]:
    """Each file is there, is text and parses; no key stands twice, for only one of the two would count."""
    for doc in [*project.compose, project.conf, *project.settings]:
        yield from doc.problems
    for file, content in project.msbuild.items():
        try:
            expat.ParserCreate().Parse(content.encode(), True)
        except expat.ExpatError as e:
            yield error((file, e.lineno), "syntax", f"not XML: {e}; mend it, for nothing builds as it is")


@of_project
def env_holds_a_port_and_an_address(project: Project) -> Iterator[Finding]:
    """.env says where H2O is published; of a wrong value there, Compose names neither file nor line."""
    used = {name for doc in project.compose for name in re.findall(r"\$\{?(\w+)", doc.content)}
    for name, (value, place) in project.env.items():
        meant = difflib.get_close_matches(name, used - set(project.env), n=1, cutoff=0.8)
        if name not in used and meant:
            yield warning(place, "env", f"nothing reads {name}; write {meant[0]}, which compose.yaml reads")
        elif name == "HTTP_PORT" and value and not all(1 <= (number(end) or 0) <= 65535 for end in value.split("-")):
            yield error(place, "env", f"HTTP_PORT={value} is not a port; use 1 to 65535, such as 8080")
        elif name == "HTTP_BIND" and value:
            try:
                ipaddress.IPv6Address(value[1:-1]) if value.startswith("[") else ipaddress.IPv4Address(value)
            except ValueError:
                message = f"HTTP_BIND={value} is not an IP address; use 127.0.0.1, or [::1], for this host alone"
                yield error(place, "env", message)
