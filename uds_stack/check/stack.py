"""The stack: the app, the proxy, and what connects them. It is all that a rule looks at."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from uds_stack.check.app import App
from uds_stack.check.compose_files import ComposeFiles
from uds_stack.check.compose_model import APP, ComposeModel
from uds_stack.check.folder import Folder, Place, TextFile
from uds_stack.check.option_interface import Option
from uds_stack.check.parsed_file import Problem
from uds_stack.check.proxy_interface import Proxy, ProxyConfig, Upstream
from uds_stack.check.tools import Tools
from uds_stack.check.yaml_values import items, mapping, number, text

OFFICIAL_USERS = {"app": 1654, "$APP_UID": 1654, "root": 0, "": 0}  # those of the official .NET images

T = TypeVar("T", bound=Option)


@dataclass(frozen=True)
class Stack:
    """A generated project, as its files and the programs on this machine describe it."""

    model: ComposeModel  # without services where the Compose files cannot be read
    proxy: Proxy
    config: ProxyConfig
    app: App
    compose: ComposeFiles
    tools: Tools = field(default_factory=Tools)
    options: tuple[Option, ...] = ()

    @property
    def folder(self) -> Folder:
        """The project's folder."""
        return self.compose.folder

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The names of the app's service and of the proxy's; empty where the model lacks one of them."""
        names = (APP, self.proxy.service)
        return names if set(names) <= set(self.model.services) else ()

    def option(self, kind: type[T]) -> T:
        """Return an option that the project has. Raises StopIteration where it has not."""
        return next(option for option in self.options if isinstance(option, kind))

    def at(self, service: str, *path: str, holding: str = "", key: str = "") -> Place:
        """Return the line of the Compose files that sets something of a service. See ComposeFiles.where."""
        return self.compose.at(service, *path, holding=holding, key=key)

    @cached_property
    def texts(self) -> list[TextFile]:
        """Every file that the rules read."""
        dockerfiles = [self.dockerfile(name) for name in self.services]
        named = [self.folder.read(name) for name in (".env", *self.compose.names, "Dockerfile", self.config.file)]
        found = [*named, *dockerfiles, *self.app.files, *(file for option in self.options for file in option.texts)]
        return list({file.name: file for file in found if file.name}.values())

    @cached_property
    def problems(self) -> list[Problem]:
        """Why files cannot be read as they are meant."""
        parsed = [
            *self.compose.parsed,
            *self.app.settings,
            *(file for option in self.options for file in option.parsed),
        ]
        found = [problem for file in parsed for problem in file.problems]
        return found if self.folder.read(self.config.file).problem else found + list(self.config.problems)

    def dockerfile(self, service: str) -> TextFile:
        """Return the Dockerfile that a service is built from; its name is empty where there is none in this folder."""
        build, context = mapping(self.model.get(service, "build")), self.model.build_context(service)
        if not build or "://" in context or "dockerfile_inline" in build:
            return TextFile("")
        path = posixpath.join(context, text(build.get("dockerfile")) or "Dockerfile")
        return self.folder.read(self.folder.relative(path))

    def user(self, service: str) -> tuple[int, list[int]] | None:
        """Return the uid and the gids that a service runs with: compose.yaml's, or its Dockerfile's. None: unknown."""
        user = self.model.text(service, "user")
        if not user and self.model.get(service, "build"):
            last_stage = re.split(r"(?mi)^FROM\s", self.dockerfile(service).text)[-1]
            user = ["", *re.findall(r"(?mi)^USER\s+(\S+)", last_stage)][-1]
        name, _, group = user.partition(":")
        uid = OFFICIAL_USERS.get(name, number(name))
        gid = OFFICIAL_USERS.get(group, number(group)) if group else 1654 if uid == 1654 else 0
        added = [number(extra) for extra in items(self.model.get(service, "group_add"))]
        return None if uid is None or gid is None else (uid, [gid, *(extra for extra in added if extra is not None)])

    @cached_property
    def socket(self) -> tuple[str, Place] | None:
        """The path of the socket that the app listens on, and the line that says so. None: it is not known."""
        return self.app.socket(self.model)

    @cached_property
    def socket_volume(self) -> str:
        """The name of the volume that carries the socket: an upstream is in it, or both services mount it."""
        model, service = self.model, self.proxy.service
        held = [model.mount_of(service, upstream.socket) for upstream in self.config.upstreams]
        mounts = [one[0] for one in held if one] + model.mounts(APP) + model.mounts(service)
        shared = {mount.source for mount in model.mounts(APP)} & {mount.source for mount in model.mounts(service)}
        return next((mount.source for mount in mounts if mount.kind == "volume" and mount.source in shared), "")

    @cached_property
    def app_upstreams(self) -> list[Upstream]:
        """The upstreams that lead to the app, or all of them where none does."""
        app = self.model.shared_name(APP, self.socket[0]) if self.socket else None
        upstreams, service = self.config.upstreams, self.proxy.service
        found = [one for one in upstreams if app and self.model.shared_name(service, one.socket) == app]
        return found or list(upstreams)

    @property
    def site_upstreams(self) -> list[Upstream]:
        """The upstreams that lead visitors to the app: not that of a health check alone."""
        return [upstream for upstream in self.app_upstreams if not upstream.only_path]

    def ports(self, protocol: str = "tcp") -> set[int]:
        """Return the ports on which the proxy listens; none where that is not known in full."""
        found = {one.port for one in self.config.listeners if one.port and one.protocol == protocol}
        return found if self.config.complete else set()
