"""What Compose reads in the project's files."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from stack.deploy.containers import Container, inspect
from stack.deploy.session import ROOT, RedeployError, must, run
from stack.deploy.versions import ImageVersion, PublishedVersion


class Project:
    """The project that this script belongs to."""

    def __init__(self) -> None:
        engine = run("docker", "version")
        if engine.returncode != 0:
            raise RedeployError("the Docker engine does not answer: start it, or see who may use it", engine.stderr)
        model = must("docker", "compose", "config", "--format=json", fault="Compose cannot read this project")
        self.name: str = json.loads(model)["name"]
        services: dict[str, Any] = json.loads(model).get("services", {})
        if not {"app", "h2o"} <= services.keys():
            raise RedeployError("compose.yaml has no services app and h2o: is this script still in its project?")
        app = services["app"]
        test: list[str] = app.get("healthcheck", {}).get("test") or []
        if test[:1] != ["CMD"] or test[-1] != "health":
            raise RedeployError("compose.yaml: app's health check must read as [CMD, dotnet, NAME.dll, health]")
        if (app.get("scale") or (app.get("deploy") or {}).get("replicas") or 1) != 1:
            raise RedeployError("compose.yaml wants several instances of app, but one alone serves: remove `replicas`")
        self.version: PublishedVersion | ImageVersion
        if app.get("build"):
            self.version = ImageVersion(app.get("image") or f"{self.name}-app")
        elif any(Path(one.get("source", "")).resolve() == PublishedVersion.current for one in app.get("volumes") or []):
            self.version = PublishedVersion(Path("src") / PurePosixPath(test[-2]).name.removesuffix(".dll"))
        else:
            raise RedeployError("compose.yaml neither builds app nor mounts ./publish: there is nothing to redeploy")
        self._recognize_its_stack()

    def _recognize_its_stack(self) -> None:
        """Compose knows a stack by its name and the path of its folder: by others it would start or replace all."""
        running = inspect(*must("docker", "ps", "--quiet", "--filter=label=com.docker.compose.service=app").split())
        names = {}
        for labels in (one.found["Config"]["Labels"] for one in running):
            path = labels.get("com.docker.compose.project.working_dir", "/")
            with suppress(OSError):
                if Path(path).samefile(ROOT):
                    names[labels["com.docker.compose.project"]] = path
        if self.name in names:
            os.environ["PWD"] = names[self.name]  # perhaps a symbolic link
        elif names:
            raise RedeployError(
                f"nothing runs here as {self.name}, but {', '.join(sorted(names))} does: set COMPOSE_PROJECT_NAME to "
                "that, or start another stack with `docker compose up -d` first"
            )

    def containers(self, service: str) -> list[Container]:
        """Return a service's containers, the newest first."""
        labels = (f"project={self.name}", f"service={service}", "oneoff=False")
        filters = [f"--filter=label=com.docker.compose.{label}" for label in labels]
        return inspect(*must("docker", "ps", "--all", "--quiet", "--no-trunc", *filters).split())

    def h2o(self) -> Container | None:
        """Return the H2O that runs."""
        return next((one for one in self.containers("h2o") if one.status == "running"), None)
