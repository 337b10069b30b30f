"""Gather what the rules look at: the files, and the answers of the programs that say more of them."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from uds_stack.check import catalogue
from uds_stack.check.compose_fallback import resolve
from uds_stack.check.compose_model import APP, ComposeModel, Mount
from uds_stack.check.docker import Docker
from uds_stack.check.files import Files
from uds_stack.check.folder import TextFile
from uds_stack.check.proxy_interface import Proxy
from uds_stack.check.query import Queries, Query
from uds_stack.check.stack import Stack
from uds_stack.check.tools import Tools
from uds_stack.check.yaml_values import mapping, text

NOBODY = "65534"


def gather(files: Files, queries: Queries) -> Stack:
    """Return the stack of a project. The programs run side by side, and some may run on."""
    docker, proxy = Docker(queries), catalogue.find_proxy(files.services)
    options = tuple(option(files.folder, queries) for option in catalogue.find_options(files.folder))
    tools = docker.ask(files.compose)
    model = _model(files, tools, proxy)

    def run(command: list[str]) -> Query | None:
        """Run a command in the proxy's image, as the project runs it."""
        image = model.image(proxy.service)
        if tools.no_compose or not image:
            return None
        present = [one for one in _binds(model, proxy) if files.folder.exists(one.source)]
        user = model.text(proxy.service, "user") or NOBODY
        variables = mapping(model.get(proxy.service, "environment"))
        return docker.run(image, user, present, {name: text(value) for name, value in variables.items()}, command)

    path = _config_path(model, proxy)
    file = _config_file(files, model, proxy, path)
    starts = file.text.strip() and all(files.folder.exists(mount.source) for mount in _binds(model, proxy))
    # `parse` may run the proxy and wait for it, so the test is started first.
    test = run(proxy.validate(path)) if starts else None
    config = replace(proxy.parse(file.name, file.text, path, run), path=path, text=file.text)
    stack = Stack(model, proxy, config, files.app, files.compose, replace(tools, proxy_test=test), options)
    volume = text(mapping(model.volumes, stack.socket_volume).get("name"))
    if tools.no_compose or not volume:
        return stack
    return replace(stack, tools=replace(stack.tools, volume=docker.inspect_volume(volume)))


def _model(files: Files, tools: Tools, proxy: Proxy) -> ComposeModel:
    """Return what Compose makes of its files, where it can be asked; else what compose.yaml alone says."""
    if tools.resolved and mapping(tools.resolved.json):
        return ComposeModel(tools.resolved.json)
    data = files.compose.parsed[0].data if files.compose.readable else None
    extended = any("extends" in mapping(data, "services", name) for name in (APP, proxy.service))
    if data is None or "include" in data or extended:
        return ComposeModel(None)
    env = {name: value for name, (value, _) in files.compose.env.items()}
    return ComposeModel(resolve(data, env, files.folder.root))


def _binds(model: ComposeModel, proxy: Proxy) -> list[Mount]:
    return [mount for mount in model.mounts(proxy.service) if mount.kind == "bind"]


def _config_path(model: ComposeModel, proxy: Proxy) -> str:
    """Return where the proxy reads its configuration in its container."""
    words = model.texts(proxy.service, "entrypoint") + model.texts(proxy.service, "command")
    named = proxy.config_option in words[:-1]
    return words[words.index(proxy.config_option) + 1] if named else proxy.config_path


def _config_file(files: Files, model: ComposeModel, proxy: Proxy, path: str) -> TextFile:
    """Return the file of the project that the proxy reads there."""
    held = model.mount_of(proxy.service, path)
    mounted = held and held[0].kind == "bind"
    name = posixpath.join(held[0].source, held[1]) if held and mounted else proxy.config_file
    return files.folder.read(files.folder.relative(name))
