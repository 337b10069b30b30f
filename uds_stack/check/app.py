"""Read the app: its sources, its settings, and the socket that it listens on."""

from __future__ import annotations

import posixpath
import re
from functools import cached_property

from uds_stack.check.compose_files import ComposeFiles
from uds_stack.check.compose_model import APP, ComposeModel
from uds_stack.check.folder import Folder, Place, TextFile
from uds_stack.check.parsed_file import ParsedFile, parse_json, without_comments
from uds_stack.check.yaml_values import mapping, text

LIBRARY = "UnixSocket"  # the project of the socket's lifecycle: what it calls is not what the app calls


class App:
    """The web project below src/ that the stack runs."""

    def __init__(self, folder: Folder, compose: ComposeFiles) -> None:
        """Take the project's folder and the Compose files, which may override settings."""
        self._folder, self._compose = folder, compose

    @cached_property
    def source_folder(self) -> str:
        """The folder that the Dockerfile publishes, or else that of the first web project."""
        found = {posixpath.dirname(file): file for file in self._folder.glob("src/*/*.csproj")}
        published = re.search(r"dotnet publish (?:\./)?(src/[^/\s]+)", self._folder.read("Dockerfile").text)
        if published and published[1] in found:
            return published[1]
        web = (folder for folder, file in found.items() if "Microsoft.NET.Sdk.Web" in self._folder.read(file).text)
        return next(web, next(iter(found), "src"))

    @cached_property
    def source_folders(self) -> list[str]:
        """The app's folder, and those of the projects that it references, without the socket's library."""
        folders = [self.source_folder]
        for folder in folders:  # grows meanwhile
            build = "".join(self._folder.read(file).text for file in self._folder.glob(f"{folder}/*.csproj"))
            for reference in re.findall(r'<ProjectReference\s[^>]*\bInclude="([^"]+)"', build):
                path = self._folder.relative(posixpath.join(folder, reference.replace("\\", "/")))
                found, name = posixpath.split(path)
                own = found not in ("", *folders) and not posixpath.isabs(found)
                if own and name != f"{LIBRARY}.csproj" and self._folder.exists(found):
                    folders.append(found)
        return folders

    @cached_property
    def files(self) -> list[TextFile]:
        """The app's settings, and the sources of all of its projects."""
        found = self._folder.glob(f"{self.source_folder}/appsettings*.json")
        found += [name for folder in self.source_folders for name in self._folder.glob(f"{folder}/**/*.cs")]
        return [self._folder.read(name) for name in dict.fromkeys(found)]

    @cached_property
    def settings(self) -> list[ParsedFile]:
        """The appsettings files that can be read as text."""
        found = (file for file in self.files if file.name.endswith(".json") and not file.problem)
        return [parse_json(file.name, file.text) for file in found]

    @cached_property
    def code(self) -> dict[str, str]:
        """The C# of each file, without comments."""
        return {file.name: without_comments(file.text) for file in self.files if file.name.endswith(".cs")}

    @property
    def program(self) -> Place:
        """The first line of Program.cs, or the folder where there is none."""
        return next((file for file in self.code if file.endswith("Program.cs")), self.source_folder), 1

    def in_code(self, pattern: str) -> list[tuple[re.Match[str], Place]]:
        """Return where the C# matches a pattern, outside of comments."""
        return [
            (match, (file, code.count("\n", 0, match.start()) + 1))
            for file, code in self.code.items()
            for match in re.finditer(pattern, code)
        ]

    def setting(self, model: ComposeModel, key: str) -> tuple[str, Place] | None:
        """Return a setting as .NET finds it: command line, environment, appsettings.STAGE.json, appsettings.json."""
        for word in model.texts(APP, "command"):
            if word.lower().startswith(f"--{key.lower()}="):
                return word.partition("=")[2], self._compose.at(APP, "command")
        variables = mapping(model.get(APP, "environment"))
        for name, value in variables.items():
            plain = re.sub(r"(?i)^(DOTNET|ASPNETCORE)_", "", name).replace("__", ":")
            if plain.lower() == key.lower():
                return text(value), self._compose.at(APP, "environment", name, holding=name)
        stage = text(variables.get("ASPNETCORE_ENVIRONMENT") or variables.get("DOTNET_ENVIRONMENT")) or "Production"
        for ending in (f"appsettings.{stage}.json", "appsettings.json"):
            for file in self.settings:
                for path, value in file.values.items() if file.file.lower().endswith(ending.lower()) else ():
                    if ":".join(map(str, path)).lower() == key.lower() and not isinstance(value, (dict, list)):
                        return text(value), file.find(path)[1]
        return None

    def socket(self, model: ComposeModel) -> tuple[str, Place] | None:
        """Return the path that the code hands to ListenUnixSocket, a literal or a setting. None: it is not known."""
        broken = any(file.problems for file in self.settings)
        for match, place in self.in_code(r"ListenUnixSocket\(\s*([^,)]*)") if not broken else ():
            argument, code = match[1].strip(), self.code[place[0]]
            constant = re.search(rf'const\s+string\s+{re.escape(argument)}\s*=\s*(@?"[^"]*")', code)
            literal = re.fullmatch(r'@?"([^"]*)"', constant[1] if constant else argument)
            if literal:
                return literal[1], place
            named = r'(?:\[|GetValue<string>\()\s*"([\w:]+)"'
            keys = re.findall(named, argument) or re.findall(named, code)
            key = "Socket:Path" if "Socket:Path" in keys else keys[0] if len(keys) == 1 else ""
            return self.setting(model, key) or (("", place) if key == "Socket:Path" else None)
        return None
