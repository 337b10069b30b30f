"""The project: its files, and what Docker knows of them. Each is read or asked at its first use."""

from __future__ import annotations

import os
import posixpath
import re
from functools import cached_property
from pathlib import Path

from uds_stack.check import proxies
from uds_stack.check.compose import ComposeFiles
from uds_stack.check.compose_fallback import resolve
from uds_stack.check.docker import Docker
from uds_stack.check.document import Problem
from uds_stack.check.dotnet import App
from uds_stack.check.files import Folder, TextFile
from uds_stack.check.model import Model
from uds_stack.check.option import Option, find_options
from uds_stack.check.proxy import Proxy, ProxyConfig, Upstream
from uds_stack.check.question import Answer, Questions
from uds_stack.check.rule import APP
from uds_stack.check.values import Place, items, mapping, number, text

OFFICIAL_USERS = {"app": 1654, "$APP_UID": 1654, "root": 0, "": 0}  # those of the official .NET images
NOBODY = "65534"


class Project:
    """A generated project."""

    def __init__(self, root: Path, limit: float, *, files_only: bool = False) -> None:
        """Take its folder, and the seconds that each program may take. Nothing is read or started."""
        self.folder = Folder(root.resolve())
        self.questions = Questions(self.folder.root, limit, files_only=files_only)
        self.docker = Docker(self.questions)
        self.compose = ComposeFiles(self.folder)
        self.app = App(self.folder, self.compose)

    def ask(self) -> None:
        """Start every question, so that they are answered side by side."""
        for option in self.options:
            option.ask()
        for name in ("engine", "compose"):
            getattr(self.docker, name)
        # `config` may wait for the proxy, so what else there is to ask is under way before it.
        for name in ("resolutions", "proxy_test", "proxy_version", "images", "volume"):
            getattr(self, name)

    def at(self, service: str, *path: str, holding: str = "", key: str = "") -> Place:
        """Return the line of the Compose files that sets something of a service. See ComposeFiles.where."""
        return self.compose.at(service, *path, holding=holding, key=key)

    @cached_property
    def proxy(self) -> Proxy:
        """The proxy that a service of compose.yaml is named after."""
        services = {name for document in self.compose.documents for name in mapping(document.data, "services")}
        return proxies.find(services)

    @cached_property
    def options(self) -> list[Option]:
        """The options that the project was generated with."""
        return find_options(self.folder, self.questions)

    @cached_property
    def resolutions(self) -> dict[str, Answer]:
        """The models as Compose resolves them, by a label that says which file was left out."""
        if not self.docker.installed or not self.compose.readable:
            return {}
        found = {"": self.docker.resolve()}
        if len(self.compose.names) == 2 and not os.environ.get("COMPOSE_FILE"):
            label = f" (without {self.compose.names[1]}, as in a clone)"
            found[label] = self.docker.resolve(self.compose.main)
        return found

    @cached_property
    def all_models(self) -> list[Model]:
        """What Compose resolves, where it can be asked; else what compose.yaml alone says."""
        models = [Model(answer.json, label) for label, answer in self.resolutions.items() if mapping(answer.json)]
        if models or not self.compose.readable:
            return models
        data = self.compose.documents[0].data
        services = (APP, self.proxy.service)
        if "include" in data or any("extends" in mapping(data, "services", name) for name in services):
            return []
        env = {name: value for name, (value, _) in self.compose.env.items()}
        return [Model(resolve(data, env, self.folder.root))]

    @cached_property
    def models(self) -> list[Model]:
        """The models that have both the app and the proxy."""
        return [model for model in self.all_models if {APP, self.proxy.service} <= set(model.services)]

    @cached_property
    def config_path(self) -> str:
        """Where the proxy reads its configuration in its container."""
        for model in self.models[:1]:
            words = model.texts(self.proxy.service, "entrypoint") + model.texts(self.proxy.service, "command")
            if self.proxy.config_option in words[:-1]:
                return words[words.index(self.proxy.config_option) + 1]
        return self.proxy.config_path

    @cached_property
    def config_file(self) -> TextFile:
        """The proxy's configuration."""
        held = self.models[0].mount_of(self.proxy.service, self.config_path) if self.models else None
        mounted = held and held[0].kind == "bind"
        path = posixpath.join(held[0].source, held[1]) if held and mounted else self.proxy.config_file
        return self.folder.read(self.folder.relative(path))

    @cached_property
    def config(self) -> ProxyConfig:
        """What the proxy's configuration says."""
        return self.proxy.parse(self.config_file.name, self.config_file.text, self.config_path, self._run_in_proxy)

    @cached_property
    def proxy_test(self) -> Answer | None:
        """The proxy's own validation of its configuration, in its image."""
        model = self.models[0] if self.models else Model({})
        binds = [mount.source for mount in model.mounts(self.proxy.service) if mount.kind == "bind"]
        starts = self.config_file.text.strip() and all(self.folder.exists(source) for source in binds)
        return None if not starts else self._run_in_proxy(self.proxy.validate(self.config_path))

    @cached_property
    def proxy_version(self) -> Answer | None:
        """The proxy's version, where the tag of its image does not say it."""
        version, model = self.proxy.version, self.models[0] if self.models else Model({})
        service = self.proxy.service
        tagged = rf"(?mi)^(FROM\s.*\b)?{service}:\d+\.\d+"
        if not version or re.search(tagged, f"{self.dockerfile(model, service).text}\n{model.text(service, 'image')}"):
            return None
        return self._run_in_proxy(list(version.command))

    def _run_in_proxy(self, command: list[str]) -> Answer | None:
        model = self.models[0] if self.models else Model({})
        image = model.image(self.proxy.service)
        if self.docker.no_compose or not image:
            return None
        mounts = [mount for mount in model.mounts(self.proxy.service) if mount.kind == "bind"]
        present = [mount for mount in mounts if self.folder.exists(mount.source)]
        user = model.text(self.proxy.service, "user") or NOBODY
        variables = mapping(model.get(self.proxy.service, "environment"))
        environment = {name: text(value) for name, value in variables.items()}
        return self.docker.run(image, user, present, environment, command)

    @cached_property
    def volume(self) -> Answer | None:
        """The volume of the socket as it exists already."""
        model = self.models[0] if self.models else Model({})
        return self.docker.inspect("volume", text(mapping(model.volumes, self.socket_volume(model)).get("name")))

    @cached_property
    def images(self) -> dict[str, Answer | None]:
        """The images of both services as they exist already."""
        model = self.models[0] if self.models else Model({})
        return {name: self.docker.inspect("image", model.image(name)) for name in (APP, self.proxy.service)}

    @cached_property
    def texts(self) -> list[TextFile]:
        """Every file that the rules read."""
        dockerfiles = [self.dockerfile(model, name) for model in self.models for name in (APP, self.proxy.service)]
        named = [self.folder.read(name) for name in (".env", *self.compose.names, "Dockerfile")]
        found = [*named, *dockerfiles, self.config_file, *self.app.files]
        found += [file for option in self.options for file in option.files]
        return list({file.name: file for file in found if file.name}.values())

    @cached_property
    def problems(self) -> list[Problem]:
        """The syntax errors and duplicate keys of all files."""
        documents = [*self.compose.documents, *self.app.settings]
        documents += [document for option in self.options for document in option.documents]
        found = [problem for document in documents for problem in document.problems]
        return found if self.config_file.problem else found + list(self.config.problems)

    def dockerfile(self, model: Model, service: str) -> TextFile:
        """Return the Dockerfile that a service is built from; its name is empty where there is none in this folder."""
        build, context = mapping(model.get(service, "build")), model.build_context(service)
        if not build or "://" in context or "dockerfile_inline" in build:
            return TextFile("")
        path = posixpath.join(context, text(build.get("dockerfile")) or "Dockerfile")
        return self.folder.read(self.folder.relative(path))

    def socket_volume(self, model: Model) -> str:
        """Return the name of the volume that carries the socket: an upstream is in it, or both services mount it."""
        service = self.proxy.service
        held = [model.mount_of(service, upstream.socket) for upstream in self.config.upstreams]
        mounts = [one[0] for one in held if one] + model.mounts(APP) + model.mounts(service)
        shared = {mount.source for mount in model.mounts(APP)} & {mount.source for mount in model.mounts(service)}
        return next((mount.source for mount in mounts if mount.kind == "volume" and mount.source in shared), "")

    def app_upstreams(self, model: Model) -> list[Upstream]:
        """Return the upstreams that lead to the app, or all of them where none does."""
        listens = self.app.socket(model)
        app = model.shared_name(APP, listens[0]) if listens else None
        found = [up for up in self.config.upstreams if app and model.shared_name(self.proxy.service, up.socket) == app]
        return found or list(self.config.upstreams)

    def site_upstreams(self, model: Model) -> list[Upstream]:
        """Return the upstreams that lead visitors to the app: not that of a health check alone."""
        return [upstream for upstream in self.app_upstreams(model) if not upstream.only_path]

    def user(self, model: Model, service: str) -> tuple[int, list[int]] | None:
        """Return the uid and the gids that a service runs with: compose.yaml's, or its Dockerfile's. None: unknown."""
        user = model.text(service, "user")
        if not user and model.get(service, "build"):
            last_stage = re.split(r"(?mi)^FROM\s", self.dockerfile(model, service).text)[-1]
            user = ["", *re.findall(r"(?mi)^USER\s+(\S+)", last_stage)][-1]
        name, _, group = user.partition(":")
        uid = OFFICIAL_USERS.get(name, number(name))
        gid = OFFICIAL_USERS.get(group, number(group)) if group else 1654 if uid == 1654 else 0
        added = [number(extra) for extra in items(model.get(service, "group_add"))]
        return None if uid is None or gid is None else (uid, [gid, *(extra for extra in added if extra is not None)])
