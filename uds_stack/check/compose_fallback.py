"""Resolve compose.yaml without Compose: variables, and the short forms that the rules read."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from uds_stack.check.yaml_values import Value, items, mapping, text


def resolve(data: Value, env_file: Mapping[str, str], root: Path) -> Value:
    """Return the data of compose.yaml with variables filled in and short forms made long."""
    data = _fill(data, {**env_file, **os.environ})
    for service in map(mapping, mapping(data, "services").values()):
        service["ports"] = [_port(value) for value in items(service.get("ports"))]
        service["volumes"] = [_volume(value, root) for value in items(service.get("volumes"))]
        for key in ("environment", "networks", "depends_on"):
            if isinstance(service.get(key), list):
                service[key] = dict((text(word) + "=").split("=")[:2] for word in service[key])
        if isinstance(service.get("build"), str):
            service["build"] = {"context": service["build"]}
        for key in ("command", "entrypoint"):
            with contextlib.suppress(ValueError):
                service[key] = shlex.split(service[key]) if isinstance(service.get(key), str) else service.get(key)
    return data


def _fill(value: Value, variables: Mapping[str, str]) -> Value:
    if isinstance(value, dict):
        return {key: _fill(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [_fill(one, variables) for one in value]
    while isinstance(value, str) and (match := re.search(r"(?<!\$)\$\{(\w+)(?::?([-?+])([^{}]*))?\}", value)):
        given = variables.get(match[1]) or (match[3] if match[2] == "-" else "")
        value = value[: match.start()] + given.replace("$", "") + value[match.end() :]
    return value


def _port(value: Value) -> Value:
    ports, _, protocol = text(value).partition("/")
    *rest, target = ports.rsplit(":", 2)
    address, published = ["", "", *rest][-2:]
    port = {"target": target, "published": published, "host_ip": address, "protocol": protocol or "tcp"}
    return port if text(value) else value


def _volume(value: Value, root: Path) -> Value:
    if not isinstance(value, dict):
        source, target, options = [*text(value).split(":"), "", ""][:3]
        kind = "bind" if source.startswith(("/", ".", "~")) else "volume"
        value = {"type": kind, "source": source, "target": target, "read_only": "ro" in options.split(",")}
        value["bind"] = {"create_host_path": True}
    if value.get("type") == "bind":
        value["source"] = os.path.normpath(root / Path(text(value.get("source"))).expanduser())
    return value
