"""The files of this folder, and what Docker knows of them."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from collections.abc import Iterable, Iterator

from stack.check.compose import Model
from stack.check.compose_fallback import long_forms
from stack.check.document import Doc, json_doc, without_comments
from stack.check.files import MAX_BYTES, ROOT, relative
from stack.check.program import Program
from stack.check.rule import APP, H2O, Finding, error
from stack.check.shared import Upstream, socket_volume
from stack.check.values import Place, items, mapping, text


class Project:
    """The files of this folder, and what Docker knows of them."""

    def __init__(self) -> None:
        self.problems: list[Finding] = []
        self.env = self._read_env()
        self.main, *overrides = self._compose_files()
        self.compose = [Doc(*one) for one in self._read_all([self.main, *overrides])]
        self.all_models = self._ask_compose()
        self.models = [model for model in self.all_models if {APP, H2O} <= set(model.services)]
        self.conf_inside, self.conf = self._read_conf()
        self.upstreams = list(self._read_upstreams())
        self._ask_engine(self.models[0] if self.models else Model({}))
        self.dockerfile = self.read("Dockerfile", must_exist=False)
        self.app_folder = self._app_folder()
        self.settings = [json_doc(*one) for one in self._read_all(self._in_app("appsettings*.json"))]
        self.code = {file: without_comments(code) for file, code in self._read_all(self._in_app("**/*.cs"))}
        self.msbuild = dict(self._read_all(self._in_app("*.csproj") + [file.name for file in ROOT.glob("*.props")]))

    def read(self, file: str, must_exist: bool = True) -> str:
        """Return a file's text; why it cannot be read is a problem of the project."""
        path, why = ROOT / file, ""
        try:
            if not path.is_file():
                why = "is not a file" if os.path.lexists(path) else "is missing" if must_exist else ""
            elif path.stat().st_size <= MAX_BYTES:
                return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
            elif not file.endswith(".cs"):
                why = f"is larger than {MAX_BYTES // 1024} KiB"
        except UnicodeDecodeError:
            why = "is not UTF-8 text"
        except (OSError, ValueError) as e:
            why = f"cannot be read: {getattr(e, 'strerror', None) or e}"
        if why:
            self.problems.append(error((file, 1), "unreadable", f"the file {why}; restore it, from git for example"))
        return ""

    def where(self, *path: str, holding: str = "", key: str = "") -> Place:
        """Return the line of the Compose files that says a part of the model; the last file wins, as in Compose."""
        depth, place = -1, (self.main, 1)
        for doc in self.compose:
            found, line = doc.find(path, holding, key)
            if found > depth or (found == depth and found >= len(path)):
                depth, place = found, line
        return place

    def at(self, service: str, *path: str, holding: str = "", key: str = "") -> Place:
        """Return the line that says something of a service."""
        return self.where("services", service, *path, holding=holding, key=key)

    def setting(self, model: Model, key: str) -> tuple[str, Place] | None:
        """Return a setting as .NET finds it: command line, environment, appsettings.STAGE.json, appsettings.json."""
        for word in model.texts(APP, "command"):
            if word.lower().startswith(f"--{key.lower()}="):
                return word.partition("=")[2], self.at(APP, "command")
        variables = mapping(model.get(APP, "environment"))
        for name, value in variables.items():
            plain = re.sub(r"(?i)^(DOTNET|ASPNETCORE)_", "", name).replace("__", ":")
            if plain.lower() == key.lower():
                return text(value), self.at(APP, "environment", name, holding=name)
        stage = text(variables.get("ASPNETCORE_ENVIRONMENT") or variables.get("DOTNET_ENVIRONMENT")) or "Production"
        for ending in (f"appsettings.{stage}.json", "appsettings.json"):
            for doc in self.settings:
                for path, value in doc.values.items() if doc.file.lower().endswith(ending.lower()) else ():
                    if ":".join(map(str, path)).lower() == key.lower() and not isinstance(value, (dict, list)):
                        return text(value), doc.find(path)[1]
        return None

    def in_code(self, pattern: str) -> list[tuple[re.Match[str], Place]]:
        """Return where the app's C# has this, outside of comments."""
        return [
            (match, (file, code.count("\n", 0, match.start()) + 1))
            for file, code in self.code.items()
            for match in re.finditer(pattern, code)
        ]

    def dockerfile_of(self, model: Model, service: str) -> tuple[str, str]:
        """Return the name and the text of the Dockerfile that a service is built from, if it is built from one here."""
        build, context = mapping(model.get(service, "build")), model.build_context(service)
        if not build or "://" in context or "dockerfile_inline" in build:
            return "", ""
        file = relative(posixpath.join(context, text(build.get("dockerfile")) or "Dockerfile"))
        return file, self.read(file, must_exist=False)

    def _read_all(self, files: Iterable[str]) -> Iterator[tuple[str, str]]:
        for file in files:
            known = len(self.problems)
            content = self.read(file)
            if len(self.problems) == known:
                yield file, content

    def _read_env(self) -> dict[str, tuple[str, Place]]:
        """Read .env: NAME=value lines; a value in quotes may go on for several."""
        found: dict[str, tuple[str, Place]] = {}
        within = ""
        for line, row in enumerate(self.read(".env", must_exist=False).splitlines(), 1):
            match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:[=:]\s*(.*))?", row)
            if within:
                within = "" if within in row else within
            elif match and match[2] is not None:
                quote = match[2][:1] if match[2][:1] in ("'", '"') else ""
                value = match[2][1:].partition(quote)[0] if quote else re.sub(r"(^|\s)#.*", "", match[2]).strip()
                within = quote if quote and quote not in match[2][1:] else ""
                found[match[1]] = (value, (".env", line))
            elif row.strip() and not row.lstrip().startswith("#") and not match:
                message = "this is not NAME=value; write it so, or # before a comment"
                self.problems.append(error((".env", line), "syntax", message))
        return found

    def _compose_files(self) -> list[str]:
        named = os.environ.get("COMPOSE_FILE") or self.env.get("COMPOSE_FILE", ("",))[0]
        if named:
            return named.split(os.pathsep)
        known = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]
        main = next((file for file in known if os.path.lexists(ROOT / file)), known[0])
        overrides = (main.rsplit(".", 1)[0] + f".override.{ending}" for ending in ("yaml", "yml"))
        return [main, *[file for file in overrides if os.path.lexists(ROOT / file)][:1]]

    def _ask_compose(self) -> list[Model]:
        """Return Compose's own resolution, where it can be asked; else what compose.yaml alone says."""
        docker, files = shutil.which("docker"), [doc.file for doc in self.compose if doc.data is not None]
        readable = files[:1] == [self.main] and len(files) == len(self.compose)
        ask = ["docker", "compose", "--profile", "*"]
        resolve = ["config", "--format", "json"]
        self.engine = Program("docker", "version") if docker else Program()
        self.version = Program("docker", "compose", "version", "--short") if docker else Program()
        self.configs = {"": Program(*ask, *resolve) if docker and readable else Program()}
        if docker and readable and len(self.compose) == 2 and not os.environ.get("COMPOSE_FILE"):
            label = f" (without {self.compose[1].file}, as in a clone)"
            self.configs[label] = Program(*ask, "--file", self.main, *resolve)
        self.version.wait()
        self.no_compose = "" if docker else "Docker is not installed here"
        if self.version.code > 0 or (docker and self.version.failure):
            self.no_compose = f"Docker has no Compose here ({self.version.failure or self.version.complaint()})"
        models = [Model(run.json(), label) for label, run in self.configs.items() if mapping(run.json())]
        data = self.compose[0].data if readable else {}
        only_for_compose = "include" in data or any("extends" in mapping(data, "services", name) for name in (APP, H2O))
        if models or not readable or only_for_compose:
            return models
        return [Model(long_forms(data, {key: value for key, (value, _) in self.env.items()}))]

    def _ask_engine(self, model: Model) -> None:
        """Start what takes a while: H2O's own test of its configuration, and the questions for what exists already."""
        self.socket_volume = socket_volume(self, model)
        volume, images = text(mapping(model.volumes, self.socket_volume).get("name")), {}
        for service in (APP, H2O):
            image = "" if self.no_compose else model.image(service)
            images[service] = Program("docker", "image", "inspect", image) if image else Program()
        self.images = images
        self.volume = Program("docker", "volume", "inspect", volume) if volume and not self.no_compose else Program()
        self.container, self.h2o_test = f"check-h2o-{os.getpid()}", Program()
        if self.conf.data and model.image(H2O) and not self.no_compose:
            binds = [mount for mount in model.mounts(H2O) if mount.kind == "bind" and os.path.lexists(mount.source)]
            run = ["docker", "run", "--rm", "--pull=never", f"--name={self.container}", "--network=none", "--read-only"]
            run += ["--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={model.text(H2O, 'user') or 65534}"]
            run += [f"--mount={mount.as_option()}" for mount in binds]
            script = 'h2o --version; exec h2o -t -c "$1"'
            run += ["--entrypoint=sh", model.image(H2O), "-c", script, "sh", self.conf_inside]
            self.h2o_test = Program(*run)

    def _read_conf(self) -> tuple[str, Doc]:
        """Return the name of H2O's configuration in its container, `-c` of its command, and the file."""
        inside, file = "/etc/h2o/h2o.conf", "h2o/h2o.conf"
        for model in self.models[:1]:
            words = model.texts(H2O, "entrypoint") + model.texts(H2O, "command")
            inside = words[words.index("-c") + 1] if "-c" in words[:-1] else inside
            held = model.holder(H2O, inside)
            if held and held[0].kind == "bind":
                file = relative(posixpath.join(held[0].source, held[1]))
        adds_up = re.compile(r"listen|access-log|(proxy\.)?header\..*")
        return inside, Doc(file, self.read(file), may_repeat=lambda key: bool(adds_up.fullmatch(key)))

    def _read_upstreams(self) -> Iterator[Upstream]:
        above = self.conf.commands()
        for host in mapping(self.conf.data, "hosts"):
            at_host = above + self.conf.commands("hosts", host)
            for path in mapping(self.conf.data, "hosts", host, "paths"):
                here = self.conf.commands("hosts", host, "paths", path)
                known = {name: (text(value), place) for name, value, place in at_host + here}
                unset = {text(value).lower() for name, value, _ in at_host + here if name == "proxy.header.unset"}
                for name, value, place in here:
                    for entry in items(value) if name == "proxy.reverse.url" else ():
                        url = text(entry) or text(mapping(entry).get("url"))  # H2O 2.3 takes mappings too
                        match = re.fullmatch(r"https?://\[unix:([^]]*)\](/.*)?", url)
                        if match or "unix:" in url:
                            yield Upstream(url, match[1] if match else "", place, known, unset)

    def _app_folder(self) -> str:
        """Return the folder that the Dockerfile publishes, or else that of the first web project."""
        found = {posixpath.dirname(relative(str(file))): file for file in sorted(ROOT.glob("src/*/*.csproj"))}
        if not found:
            message = "there is no src/*/*.csproj; restore it, from git for example"
            self.problems.append(error(("src", 1), "unreadable", message))
        published = re.search(r"dotnet publish (?:\./)?(src/[^/\s]+)", self.dockerfile)
        if published and published[1] in found:
            return published[1]
        web = (folder for folder, file in found.items() if "Microsoft.NET.Sdk.Web" in self.read(relative(str(file))))
        return next(web, next(iter(found), "src"))

    def source_folders(self) -> list[str]:
        """Return the app's folder, and those in here of the projects that it references."""
        folders = [self.app_folder]
        for folder in folders:  # it grows meanwhile
            build = "".join(self.read(relative(str(file))) for file in (ROOT / folder).glob("*.csproj"))
            for reference in re.findall(r'<ProjectReference\s[^>]*\bInclude="([^"]+)"', build):
                found = posixpath.dirname(relative(posixpath.join(folder, reference.replace("\\", "/"))))
                if found not in ("", *folders) and not posixpath.isabs(found) and (ROOT / found).is_dir():
                    folders.append(found)
        return folders

    def _in_app(self, pattern: str) -> list[str]:
        files = (path.relative_to(ROOT) for path in (ROOT / self.app_folder).glob(pattern))
        return sorted(file.as_posix() for file in files if not {"bin", "obj"} & set(file.parts))
