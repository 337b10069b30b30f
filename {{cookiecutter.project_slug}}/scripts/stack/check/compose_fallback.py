"""What compose.yaml alone says, without Compose."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from pathlib import Path

from stack.check.files import ROOT
from stack.check.values import Value, items, mapping, text


def long_forms(data: Value, env_file: dict[str, str]) -> Value:
    """Fill in variables and make short forms long, for compose.yaml alone: what these checks need without Compose."""
    variables = {**env_file, **os.environ}

    def fill(value: Value) -> Value:
        if isinstance(value, (dict, list)):
            return {key: fill(one) for key, one in value.items()} if isinstance(value, dict) else list(map(fill, value))
        while isinstance(value, str) and (match := re.search(r"(?<!\$)\$\{(\w+)(?::?([-?+])([^{}]*))?\}", value)):
            given = variables.get(match[1]) or (match[3] if match[2] == "-" else "")
            value = value[: match.start()] + given.replace("$", "") + value[match.end() :]
        return value

    def port(value: Value) -> Value:
        *rest, target = text(value).split("/")[0].rsplit(":", 2)
        address, published = ["", "", *rest][-2:]
        return {"target": target, "published": published, "host_ip": address} if text(value) else value

    def volume(value: Value) -> Value:
        if not isinstance(value, dict):
            source, target, options = [*text(value).split(":"), "", ""][:3]
            kind = "bind" if source.startswith(("/", ".", "~")) else "volume"
            value = {"type": kind, "source": source, "target": target, "read_only": "ro" in options.split(",")}
            value["bind"] = {"create_host_path": True}
        if value.get("type") == "bind":
            value["source"] = os.path.normpath(ROOT / Path(text(value.get("source"))).expanduser())
        return value

    data = fill(data)
    for service in map(mapping, mapping(data, "services").values()):
        service["ports"] = [port(value) for value in items(service.get("ports"))]
        service["volumes"] = [volume(value) for value in items(service.get("volumes"))]
        for key in ("environment", "networks", "depends_on"):
            if isinstance(service.get(key), list):
                service[key] = dict((text(word) + "=").split("=")[:2] for word in service[key])
        if isinstance(service.get("build"), str):
            service["build"] = {"context": service["build"]}
        for key in ("command", "entrypoint"):
            with contextlib.suppress(ValueError):
                service[key] = shlex.split(service[key]) if isinstance(service.get(key), str) else service.get(key)
    return data
