"""What the files refer to exists, and is newer than what it is made from."""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Iterator
from datetime import datetime

from uds_stack.check.model import Model, Mount
from uds_stack.check.project import Project
from uds_stack.check.rule import APP, ERROR, WARNING, Violations, project_rule, rule
from uds_stack.check.values import Place, Value, items, mapping, text

PUBLISH = "publish"
LIBRARY = "UnixSocket.dll"  # also the program of the commands, such as `health`


@rule("dockerfile-missing", ERROR, "An image cannot be built without its Dockerfile")
def find_dockerfiles(project: Project, model: Model) -> Violations:
    """Those of all services."""
    for name in model.services:
        file = project.dockerfile(model, name)
        if file.missing:
            yield project.at(name, "build"), f"{name}: {file.name} is missing", "name the folder that has it"


def _publish_again(project: Project) -> str:
    return f"run `dotnet publish {project.app.source_folder} -c Release -o {PUBLISH}`"


def _missing_mounts(project: Project, model: Model) -> Iterator[tuple[str, Mount, Place]]:
    for name in (APP, project.proxy.service):
        for mount in model.mounts(name):
            if mount.kind == "bind" and not project.folder.exists(mount.source):
                yield name, mount, project.at(name, "volumes", holding=mount.target)


@rule("mount-missing", ERROR, "Docker does not start a container whose mounted folder is missing")
def find_mounted_folders(project: Project, model: Model) -> Violations:
    """With create_host_path: false."""
    for name, mount, place in _missing_mounts(project, model):
        if not mount.creates_source:
            source = project.folder.relative(mount.source)
            remedy = "make it, or mount another"
            if source == PUBLISH:
                remedy = _publish_again(project)
            elif any(posixpath.dirname(one.file) == mount.target for one in project.config.certificates):
                remedy = "make it, with the certificate and its key in it"
            yield place, f"{name}: {source} is missing", remedy


@rule("mount-created", WARNING, "Docker makes a missing folder as root's and empty")
def report_created_folders(project: Project, model: Model) -> Violations:
    """Without create_host_path: false."""
    for name, mount, place in _missing_mounts(project, model):
        if mount.creates_source:
            source = project.folder.relative(mount.source)
            yield place, f"{name}: {source} is missing", "make it, or write bind: {create_host_path: false}"


def _config_mount(project: Project, model: Model) -> tuple[Mount, str] | None:
    return model.mount_of(project.proxy.service, project.config_path)


@rule("config-mount", ERROR, "The proxy does not start without its configuration")
def mount_config(project: Project, model: Model) -> Violations:
    """It is mounted, or copied into the image."""
    service, path = project.proxy.service, project.config_path
    copied = rf"(?m)^(COPY|ADD)\s.*({re.escape(posixpath.basename(path))}|\s\.\s)"
    if not _config_mount(project, model) and not re.search(copied, project.dockerfile(model, service).text):
        place = project.at(service, "volumes", holding=service, key="target")
        problem = f"{service}: nothing is mounted at {path}, which it reads"
        yield place, problem, f"mount the folder {service} at {posixpath.dirname(path)}"


@rule("config-mount-file", WARNING, "Many editors replace a file, and the container keeps the old one")
def mount_config_folder(project: Project, model: Model) -> Violations:
    """The folder is mounted, not the file."""
    service, held = project.proxy.service, _config_mount(project, model)
    if held and held[0].kind == "bind" and held[1] == ".":
        place = project.at(service, "volumes", holding=project.config_path)
        yield place, f"{service}: the file {project.config_path} is mounted by itself", "mount its folder"


@rule("app-name", ERROR, "The container cannot start a file that the build makes under another name")
def match_app_name(project: Project, model: Model) -> Violations:
    """The Dockerfile, the command and the health check name it."""
    app = project.app
    for place, row in _app_rows(project, model) if app.project_file else ():
        word = _started_file(row)
        if row.startswith("HEALTHCHECK") and word == LIBRARY and not app.is_native:
            continue  # its commands are a program too
        if word and posixpath.basename(word) != posixpath.basename(app.built_file):
            yield place, f"{word} is not {app.built_file}, which {app.project_file} is built into", app.start_remedy


def _started_file(row: str) -> str | None:
    """Return the file of the app that a line starts, NAME.dll or ./NAME, or None where it starts none."""
    instruction, *words = re.findall(r"[^\s\",\[\]]+", row) or [""]
    starts = instruction in ("ENTRYPOINT", "CMD", "COMMAND", "HEALTHCHECK", "HEALTHCHECK.TEST")
    return next((word for word in words if word.endswith(".dll") or word.startswith("./")), None) if starts else None


@rule("dotnet-version", ERROR, "The app does not start on a runtime of another version than it is built for")
def match_runtime(project: Project, model: Model) -> Violations:
    """An SDK that is too old fails loudly in the build."""
    target = re.search(r"<TargetFramework>net(\d+)\.", project.app.build_settings)
    for place, row in _app_rows(project, model) if target else ():
        image = re.search(r"^(?:FROM|IMAGE)\s.*dotnet/aspnet\S*?:(\d+)\.", row)
        if image and target and image[1] != target[1]:
            problem = f"the image has .NET {image[1]}, but the app is built for .NET {target[1]}"
            yield place, problem, f"write aspnet:{target[1]}.0"


def _app_rows(project: Project, model: Model) -> list[tuple[Place, str]]:
    """Return the lines of the Dockerfile, and what Compose runs, as lines of one too."""
    lines = project.folder.read("Dockerfile").text.splitlines()
    rows: list[tuple[Place, str]] = [(("Dockerfile", line), row) for line, row in enumerate(lines, 1)]
    for path in ("entrypoint", "command", "healthcheck.test", "image"):
        rows.append((project.at(APP, *path.split(".")), f"{path.upper()} {' '.join(model.texts(APP, path))}"))
    return rows


@rule("app-missing", ERROR, "The container exits at once where the file that it runs is missing")
def find_published_app(project: Project, model: Model) -> Violations:
    """As compose.publish.yaml runs what was published."""
    word = _started_file(f"COMMAND {' '.join(model.texts(APP, 'command'))}")
    if word and not model.get(APP, "build"):
        inside = posixpath.normpath(posixpath.join(model.text(APP, "working_dir") or "/", word))
        held = model.mount_of(APP, inside)
        if not held and re.search(r"dotnet/(aspnet|runtime-deps)", model.text(APP, "image")):
            yield project.at(APP, "command"), f"{APP}: nothing is mounted at {inside}", f"mount {PUBLISH} there"
        elif held and held[0].kind == "bind" and project.folder.exists(held[0].source):
            file = project.folder.relative(posixpath.join(held[0].source, held[1]))
            if not project.folder.exists(file):
                yield (
                    project.at(APP, "volumes", holding=held[0].target),
                    f"{APP}: {file} is missing",
                    _publish_again(project),
                )


@project_rule("publish-stale", WARNING, "./publish is what runs, and does not follow an edit of the sources")
def compare_published_app(project: Project) -> Violations:
    """Where compose.publish.yaml runs it."""
    model = project.models[0] if project.models else Model({})
    binds = [mount.source for mount in model.mounts(APP) if mount.kind == "bind"]
    if any(project.folder.relative(source) == PUBLISH for source in binds):
        made, (changed, file) = project.folder.newest([PUBLISH])[0], project.folder.newest(_sources(project))
        if 0 < made < changed:
            yield (file, 1), "this file is newer than ./publish, which is what runs", _publish_again(project)


@project_rule("image-stale", WARNING, "Compose builds an image once, and does not follow an edit of its sources")
def compare_images(project: Project) -> Violations:
    """Images that are built here."""
    model = project.models[0] if project.models else Model({})
    service = project.proxy.service
    dockerfile = project.dockerfile(model, service)
    built_from = [dockerfile.name, *_copied(dockerfile.name, dockerfile.text)] if dockerfile.name else []
    for name, files in ((APP, [*_sources(project), "Dockerfile"]), (service, built_from)):
        answer = project.images[name]
        image = mapping((items(answer.json) or [None])[0]) if answer else {}
        made = max(_timestamp(image.get("Created")), _timestamp(mapping(image, "Metadata").get("LastTagTime")))
        changed, file = project.folder.newest(files)
        if model.get(name, "build") and 0 < made < changed:
            problem = f"this file is newer than the image {model.image(name)}"
            yield (file, 1), problem, f"run `docker compose build {name}`"


def _sources(project: Project) -> list[str]:
    return [*project.app.source_folders, "Directory.Build.props"]


def _copied(dockerfile: str, content: str) -> list[str]:
    """Return the files that a Dockerfile copies from its own folder."""
    words = [word for row in re.findall(r"(?m)^COPY\s+([^-\[].*)\s\S+$", content) for word in row.split()]
    return [posixpath.join(posixpath.dirname(dockerfile), word) for word in words if not re.search(r"[*?$]", word)]


def _timestamp(value: Value) -> float:
    """Return a time of Docker's, such as 2026-11-22T16:21:53.051525743Z, in seconds."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text(value))
    with contextlib.suppress(ValueError, OverflowError):
        if match:
            moment = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
            return moment.timestamp() + float(match[2] or 0)
    return 0.0
