"""What the files refer to, and what exists already."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from stack.check.compose import Model
from stack.check.files import ROOT, newest, relative, timestamp
from stack.check.project import Project
from stack.check.rule import APP, H2O, Finding, error, of_model, of_project, warning
from stack.check.values import is_on, items, mapping, text


@of_model
def what_is_mounted_and_built_is_there(project: Project, model: Model) -> Iterator[Finding]:
    """Folders that are mounted exist, and Dockerfiles, and what those copy; a folder that Docker makes is root's."""
    for name in model.services:
        file, content = project.dockerfile_of(model, name)
        if file and not content and not os.path.lexists(ROOT / file):
            message = f"{name}: {file} is missing; name the folder that has it"
            yield error(project.at(name, "build"), "missing-file", message)
        for mount in model.mounts(name):
            if mount.kind == "volume" and mount.source and mount.source not in model.volumes:
                place = project.at(name, "volumes", holding=mount.source)
                message = f"{name}: there is no volume {mount.source}; declare it below `volumes`"
                yield error(place, "missing-file", message)
        for mount in model.mounts(name) if name in (APP, H2O) else ():
            if mount.kind == "bind" and not os.path.lexists(mount.source):
                remedy = "run `python3 scripts/redeploy.py`, or delete compose.override.yaml"
                remedy = remedy if relative(mount.source) == "publish" else "make it, or mount another"
                tell, place = warning if mount.made else error, project.at(name, "volumes", holding=mount.target)
                yield tell(place, "missing-file", f"{name}: {relative(mount.source)} is missing; {remedy}")
    file, content = project.dockerfile_of(model, H2O)
    held, copied = model.holder(H2O, project.conf_inside), re.escape(posixpath.basename(project.conf_inside))
    if not held and not re.search(rf"(?m)^(COPY|ADD)\s.*({copied}|\s\.\s)", content):
        message = f"h2o: nothing is mounted where it reads {project.conf_inside}; mount the folder h2o there"
        yield error(project.at(H2O, "volumes", holding="h2o", key="target"), "missing-file", message)
    elif held and held[0].kind == "bind" and held[1] == ".":
        message = "h2o: many editors write a new file, and the container keeps the old one; mount the folder h2o"
        yield warning(project.at(H2O, "volumes", holding=project.conf_inside), "file-mount", message)
    yield from what_is_copied_is_there("Dockerfile", project.dockerfile, ROOT)
    yield from what_is_copied_is_there(file, content, ROOT / relative(model.build_context(H2O)))


def what_is_copied_is_there(dockerfile: str, content: str, context: Path) -> Iterator[Finding]:
    """What a Dockerfile copies from its build context, or publishes, exists."""
    for line, row in enumerate(content.splitlines(), 1):
        match = re.fullmatch(r"(?:COPY|RUN dotnet (?:restore|publish))\s+((?!--)[^\[$*]+?)(\s+\S+|\s+--.*)?\s*", row)
        for source in match[1].split() if match else ():
            if not os.path.lexists(context / source.strip("/")):
                message = f"{source} is missing; name a file or folder that is here"
                yield error((dockerfile, line), "missing-file", message)


@of_model
def the_app_has_one_name(project: Project, model: Model) -> Iterator[Finding]:
    """`dotnet NAME.dll`, in three files, is what the build makes, and the runtime is the one that it is built for."""
    build = "\n".join(project.msbuild.values())
    named, target = re.search(r"<AssemblyName>([^<$]*)<", build), re.search(r"<TargetFramework>net(\d+)\.", build)
    csproj = next((file for file in project.msbuild if file.endswith(".csproj")), "")
    name = f"{named[1].strip() if named else Path(csproj).stem}.dll"
    rows = [(("Dockerfile", line), row) for line, row in enumerate(project.dockerfile.splitlines(), 1)]
    for path in ("entrypoint", "command", "healthcheck.test", "image"):
        rows.append((project.at(APP, *path.split(".")), f"{path.upper()} {' '.join(model.texts(APP, path))}"))
    for place, row in rows:
        for word in re.findall(r"dotnet[\s\",]+(\S+?\.dll)\b", row) if csproj and "RUN" not in row else ():
            if posixpath.basename(word) != name:
                yield error(place, "app-name", f"{csproj} is built into {name}, not {word}; write {name}")
        image = re.search(r"^(?:FROM|IMAGE)\s.*dotnet/(sdk|aspnet)\S*?:(\d+)\.", row)
        have, need = int(image[2]) if image else 0, int(target[1]) if target else 0
        if image and target and (have < need or (image[1] == "aspnet" and have > need)):
            message = f"the image has .NET {have}, and the app is built for .NET {need}; write {image[1]}:{need}.0"
            yield error(place, "dotnet", message)
    if name in model.texts(APP, "command") and not model.get(APP, "build"):
        inside = posixpath.join(model.text(APP, "working_dir") or "/", name)
        held = model.holder(APP, inside)
        if not held and "dotnet/aspnet" in model.text(APP, "image"):
            yield error(project.at(APP, "command"), "missing-file", f"app: {inside} is not there; mount publish there")
        elif held and held[0].kind == "bind" and os.path.lexists(held[0].source):
            file = relative(posixpath.join(held[0].source, held[1]))
            if not os.path.lexists(ROOT / file):
                place = project.at(APP, "volumes", holding=held[0].target)
                yield error(place, "missing-file", f"app: {file} is missing; run `python3 scripts/redeploy.py`")


@of_project
def the_volume_is_as_described(project: Project) -> Iterator[Finding]:
    """Compose keeps an existing volume as it is, and says nothing when its description has changed."""
    found, name = items(project.volume.json()), project.socket_volume
    volume = mapping(project.models[0].volumes, name) if found else {}
    if found and not is_on(volume.get("external")):
        have, wanted = mapping(found[0], "Options"), mapping(volume, "driver_opts")
        if have != wanted:
            message = f"the volume {text(volume.get('name'))} exists with other options ({have.get('o', 'none')})"
            place = project.where("volumes", name, "driver_opts", "o")
            yield error(place, "old-volume", f"{message}; run `docker compose down --volumes` once")


@of_project
def what_runs_is_what_is_written(project: Project) -> Iterator[Finding]:
    """./publish and the images are made once: an edit of the sources does not reach them by itself."""
    model = project.models[0] if project.models else Model({})
    sources = [*project.source_folders(), "Directory.Build.props"]
    if any(mount.kind == "bind" and relative(mount.source) == "publish" for mount in model.mounts(APP)):
        made, (changed, file) = newest(["publish"])[0], newest(sources)
        if 0 < made < changed:
            message = "this file is newer than ./publish, which is what runs; run `python3 scripts/redeploy.py`"
            yield warning((file, 1), "stale", message)
    dockerfile = project.dockerfile_of(model, H2O)[0]
    of_h2o = [dockerfile, posixpath.join(posixpath.dirname(dockerfile), "entrypoint.sh")]
    for service, files in ((APP, [*sources, "Dockerfile"]), (H2O, of_h2o if dockerfile else ["."])):
        image = mapping((items(project.images[service].json()) or [None])[0])
        made = max(timestamp(image.get("Created")), timestamp(mapping(image, "Metadata").get("LastTagTime")))
        changed, file = newest(files)
        if model.get(service, "build") and 0 < made < changed:
            message = f"this file is newer than the image {model.image(service)}"
            yield warning((file, 1), "stale", f"{message}; run `docker compose build {service}`")
