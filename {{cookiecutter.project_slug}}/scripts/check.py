#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["pyyaml"]
# ///
"""Is this project still whole? Ask after an edit, before `docker compose up`.

Each file is read, what must agree between them is compared, and the real parsers are asked: `docker compose config` and
`h2o -t`. A finding is `file:line: what is wrong; what to write instead`. A line that departs from the rules on purpose
says so in a comment, `# check: allow <reason>`, and the finding becomes a note. The checks come first below, then what
reads the project for them.

Exit code: 0 the project is whole (warnings and notes may remain), 1 it is not, 2 the check could not run.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import ipaddress
import json
import os
import posixpath
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

try:
    import yaml
except ModuleNotFoundError:
    print("check.py needs PyYAML: `uv run scripts/check.py`, or `python3 -m pip install pyyaml` first", file=sys.stderr)
    sys.exit(2)

ROOT = Path(__file__).resolve().parent.parent
APP, H2O = "app", "h2o"  # the services that this is about; others are the user's own business
ENGINE, COMPOSE = (25, 0), (2, 24)  # the first with start_interval; the first with `!reset`
SOCKET_PATH_BYTES = 107  # what Linux leaves for a socket's path
INSTANCE_SUFFIX = len(".1a2b3c4d")  # SocketLifecycle.cs binds a name of its own beside the path
OFFICIAL_USERS = {"app": 1654, "$APP_UID": 1654, "root": 0, "": 0}  # those of the official .NET images
MAX_BYTES, MAX_VALUES = 256 * 1024, 20_000  # more than a file has that people edit

Place = tuple[str, int]  # file and line
Keys = tuple[Any, ...]  # the keys that lead to a value
Value = Any  # dict, list, text or None


# --- Findings and checks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Finding:
    """One line of the report."""

    file: str
    line: int
    level: str
    code: str
    message: str
    remedy: str


def error(place: Place, code: str, message: str, level: str = "error") -> Finding:
    """Make a finding of "what is wrong; what to write instead": something does not work, or is open."""
    what, _, remedy = message.rpartition("; ")
    return Finding(*place, level, code, what, remedy)


def warning(place: Place, code: str, message: str) -> Finding:
    """Make a finding that lets the stack start."""
    return error(place, code, message, "warning")


def note(place: Place, code: str, message: str) -> Finding:
    """Make a finding that asks for nothing: what was not checked, or is as the user decided."""
    return error(place, code, message, "info")


PROJECT_CHECKS: list[Callable[[Project], Iterator[Finding]]] = []
MODEL_CHECKS: list[Callable[[Project, Model], Iterator[Finding]]] = []


def of_project(function: Callable[[Project], Iterator[Finding]]) -> Callable[[Project], Iterator[Finding]]:
    """Register a check of the files."""
    PROJECT_CHECKS.append(function)
    return function


def of_model(function: Callable[[Project, Model], Iterator[Finding]]) -> Callable[[Project, Model], Iterator[Finding]]:
    """Register a check of what Compose makes of its files; it runs with the override and without."""
    MODEL_CHECKS.append(function)
    return function


# --- Each file, and what the real parsers say -------------------------------------------------------------------------


@of_project
def every_file_parses(project: Project) -> Iterator[Finding]:
    """Each file is there, is text and parses; no key stands twice, for only one of the two would count."""
    for doc in [*project.compose, project.conf, *project.settings]:
        yield from doc.problems
    for file, content in project.msbuild.items():
        try:
            expat.ParserCreate().Parse(content.encode(), True)
        except expat.ExpatError as e:
            yield error((file, e.lineno), "syntax", f"not XML: {e}; mend it, for nothing builds as it is")


@of_project
def env_holds_a_port_and_an_address(project: Project) -> Iterator[Finding]:
    """.env says where H2O is published; of a wrong value there, Compose names neither file nor line."""
    used = {name for doc in project.compose for name in re.findall(r"\$\{?(\w+)", doc.content)}
    for name, (value, place) in project.env.items():
        meant = difflib.get_close_matches(name, used - set(project.env), n=1, cutoff=0.8)
        if name not in used and meant:
            yield warning(place, "env", f"nothing reads {name}; write {meant[0]}, which compose.yaml reads")
        elif name == "HTTP_PORT" and value and not all(1 <= (number(end) or 0) <= 65535 for end in value.split("-")):
            yield error(place, "env", f"HTTP_PORT={value} is not a port; use 1 to 65535, such as 8080")
        elif name == "HTTP_BIND" and value:
            try:
                ipaddress.IPv6Address(value[1:-1]) if value.startswith("[") else ipaddress.IPv4Address(value)
            except ValueError:
                message = f"HTTP_BIND={value} is not an IP address; use 127.0.0.1, or [::1], for this host alone"
                yield error(place, "env", message)


@of_project
def compose_takes_its_files(project: Project) -> Iterator[Finding]:
    """`docker compose config` resolves the files: what it refuses, `docker compose up` refuses."""
    if project.no_compose:
        message = f"{project.no_compose}: Compose's own reading, an override, H2O's own test of h2o.conf "
        message += "and what exists already were not checked; run this again where it is"
        yield note((project.main, 1), "not-checked", message)
    said: set[str] = set()
    for label, run in project.configs.items() if not project.no_compose else ():
        if run.failure and run.command:
            yield warning((project.main, 1), "tool", f"`{run.command}` {run.failure}; see whether Docker works here")
        elif run.code > 0:
            lines = [line for line in run.err.strip().splitlines() if "level=warning" not in line]
            message = " ".join(lines).replace(f"{ROOT}{os.sep}", "").replace(": invalid compose project", "")
            if message not in said:
                what = f"Compose refuses it: {message[:300]}{label}; write what it asks for"
                yield error(place_in(project, message), "compose-refuses", what)
            said.add(message)
        elif run.json() is None and not run.failure:
            yield warning((project.main, 1), "tool", f"`{run.command}` printed no JSON; see whether Docker works here")
        for name in sorted(set(re.findall(r'The \\?"(\w+)\\?" variable is not set', run.err))):
            used = r"\$\{?" + name + r"\b"
            doc = next((doc for doc in project.compose if re.search(used, doc.content)), project.compose[0])
            line = re.split(used, doc.content)[0].count("\n") + 1
            message = f"the variable {name} is not set; set it in .env, or give it a default: $"
            yield warning((doc.file, line), "variable", message + "{" + name + ":-value}")


def place_in(project: Project, message: str) -> Place:
    """Return the line that a message of Compose is about."""
    if match := re.search(r"\.env: line (\d+)", message):
        return ".env", int(match[1])
    for value, place in project.env.values():
        if value and re.search(rf"\b(hostPort: |ip address:? ){re.escape(value)}", message):
            return place
    if match := re.search(r'service "?([\w.-]+)"? \w+ (?:on|to) undefined (\w+) "?([\w.-]+)', message):
        if match[2] == "service":
            return project.at(match[1], "depends_on", match[3])
        return project.at(match[1], f"{match[2]}s", holding=match[3])
    if match := re.search(r"\b(?:services|volumes|networks)[.\[][\w.\[\]-]+", message):
        unknown = re.findall(r"Additional property (\S+) is not allowed", message)
        return project.where(*re.split(r"[.\[\]]+", match[0].strip(".]")), *unknown)
    if match := re.search(r'service "?([\w.-]+)', message):
        return project.at(match[1])
    match = re.search(r"line (\d+)", message)
    return project.main, int(match[1]) if match else 1


@of_project
def h2o_takes_its_configuration(project: Project) -> Iterator[Finding]:
    """`h2o -t`, in the project's own image where that is built: it knows H2O's commands and their values."""
    run, place = project.h2o_test.wait(), (project.conf.file, 1)
    if run.failure and run.command:
        Program("docker", "rm", "--force", project.container).wait()
        yield warning(place, "tool", f"`h2o -t` {run.failure}; see whether Docker works here")
    elif run.code == 78:
        line = re.search(r":(\d+)\] |line (\d+): ", run.complaint())
        place = (project.conf.file, int(line[1] or line[2]) if line else 1)
        message = re.sub(r"^\[[^]]*\] |^failed to parse configuration file \S+ ", "", run.complaint())
        yield error(place, "h2o-refuses", f"H2O refuses it: {message}; write what it asks for")
    elif run.code > 0 and "No such image" not in run.err and "docker daemon" not in run.err:
        yield note(place, "not-checked", f"`h2o -t` could not be run: {run.complaint()}; try it where it can")


@of_project
def docker_is_new_enough(project: Project) -> Iterator[Finding]:
    """start_interval needs Engine 25; `!reset`, in compose.override.yaml, needs Compose 2.24."""
    engine = re.search(r"Server:[\s\S]*?Version:\s*(\d+)\.(\d+)", project.engine.wait().out)
    compose = re.search(r"(\d+)\.(\d+)", project.version.out)
    for name, found, least in (("Docker Engine", engine, ENGINE), ("Docker Compose", compose, COMPOSE)):
        if found and (int(found[1]), int(found[2])) < least:
            message = f"{name} {found[1]}.{found[2]} is too old for this file; install {least[0]}.{least[1]} or newer"
            yield error((project.main, 1), "version", message)
    if not engine and not project.no_compose:
        message = f"the Docker engine does not answer ({project.engine.failure or project.engine.complaint()}): "
        message += "H2O's own test of h2o.conf, and what exists already, were not checked; start it and run this again"
        yield note((project.main, 1), "not-checked", message)


# --- One socket -------------------------------------------------------------------------------------------------------


@of_project
def both_services_are_there(project: Project) -> Iterator[Finding]:
    """The two services keep their names: scripts/redeploy.py and the checks below call them by it."""
    for name in {name for model in project.all_models for name in (APP, H2O) if name not in model.services}:
        yield error(project.where("services"), "service", f"there is no service named {name}; name it so")


@of_model
def the_app_listens_on_a_socket(project: Project, model: Model) -> Iterator[Finding]:
    """The app listens on a socket whose mode and health SocketLifecycle.cs sees to, and knows Docker's commands."""
    listens = project.in_code(r"ListenUnixSocket\(")
    program = next(((file, 1) for file in project.code if file.endswith("Program.cs")), (project.app_folder, 1))

    def nearest(pattern: str) -> Place:
        return next((place for _, place in project.in_code(pattern)), program)

    by_settings = any("http://unix:/" in text(value) for doc in project.settings for value in doc.values.values())
    if not listens and not by_settings:
        message = "nothing calls ListenUnixSocket: Kestrel would listen on TCP, where nobody reaches it"
        yield error(program, "listen", f"{message}; write kestrel.ListenUnixSocket(path)")
    elif listens and not project.in_code(r"\.UseSocketLifecycle\(|CreateBoundListenSocket"):
        message = "the socket's mode would be 0755, and H2O may not connect; write builder.WebHost.UseSocketLifecycle()"
        yield error(listens[0][1], "listen", message)
    asked = project.in_code(r'"GET (/\S*) HTTP/1')
    if asked and not project.in_code(rf'"{re.escape(asked[0][0][1])}"'):
        message = f"no code answers {asked[0][0][1]}, which the app asks itself before it serves"
        remedy = f'write app.MapHealthChecks("{asked[0][0][1]}")'
        yield error(nearest("MapHealthChecks"), "healthz", f"{message}; {remedy}")
    test = model.texts(APP, "healthcheck.test")
    if "dotnet" in test and test[-1] == "health" and project.code and not project.in_code(r'"health"'):
        message = "no code answers the command `health`, which Docker runs: it would start a second app"
        remedy = 'write case ["health"]: return SocketCommands.Health();'
        yield error(nearest(r"switch \(args\)"), "healthz", f"{message}; {remedy}")


@of_model
def there_is_one_socket_path(project: Project, model: Model) -> Iterator[Finding]:
    """What Kestrel binds is what H2O asks for, in one volume that both mount, and short enough for Linux."""
    listens = app_socket(project, model)
    if not listens:
        for _, place in project.in_code(r"ListenUnixSocket\("):
            yield note(place, "not-checked", "the socket's path cannot be told from here; use the setting Socket:Path")
        return
    path, place = listens
    if not path.startswith("/"):
        message = f"the app's socket is {path!r}, not an absolute path; name one in the folder of the volume"
        yield error(place, "socket-path", message)
        return
    excess = len(path.encode()) + INSTANCE_SUFFIX - SOCKET_PATH_BYTES
    if excess > 0:
        message = f"the socket's path is {excess} bytes too long, with the {INSTANCE_SUFFIX} that an instance adds"
        yield error(place, "socket-length", f"{message}; choose a shorter one, the same in all files")
    app = model.place_of(APP, path)
    if not app:
        asked = any(up.socket == path for up in project.upstreams)
        at = project.at(APP, "volumes", holding=project.socket_volume or "socket", key="target") if asked else place
        message = f"app: the socket {path} is in no shared folder; mount the volume at {folder(path)}"
        yield error(at, "socket-mount", message)
        return
    if not all(mount.writable for mount in model.mounts(APP) if mount.source == app[0]):
        at = project.at(APP, "volumes", holding=app[0], key="read_only")
        yield error(at, "socket-mount", f"app: it may not write to {folder(path)}; remove read_only")
    others = {mount.source for name in set(model.services) - {APP, H2O} for mount in model.mounts(name)}
    found = False
    for up in project.upstreams:
        h2o = model.place_of(H2O, up.socket)
        at, code, remedy = up.place, "socket-path", f'write "http://[unix:{path}]/", or the same in all files'
        if h2o == app or (h2o and h2o[0] in others):
            found |= h2o == app
            continue
        if not up.socket:
            message = f"{up.url} is not how H2O writes a socket"
        elif not h2o:
            message, code = f"h2o: the socket {up.socket} is in no shared folder", "socket-mount"
            if up.socket == path:
                at = project.at(H2O, "volumes", holding=app[0], key="target")
                remedy = f"mount the volume {app[0]} at {folder(path)}, and not the socket itself"
        elif h2o[0] == app[0]:
            message = f"H2O asks {up.socket}, while the app listens on {path} ({place[0]}:{place[1]})"
        elif up.socket == path:
            message = f"h2o mounts {h2o[0]} at {folder(path)}, while the app's socket is in {app[0]}"
            code = "socket-mount"
            at, remedy = project.at(H2O, "volumes", holding=h2o[0]), "mount the same volume in both"
        else:
            continue
        found = True
        yield error(at, code, f"{message}; {remedy}")
    if not found and project.conf.data and not project.conf.includes_others:
        message = f'no path leads to the app\'s socket; write proxy.reverse.url: "http://[unix:{path}]/" at one'
        yield error(project.conf.find(("hosts",))[1], "socket-path", message)


@of_model
def the_volume_lets_both_in(project: Project, model: Model) -> Iterator[Finding]:
    """The app makes, lists and removes names in the volume; H2O passes through it to the socket, and nothing else."""
    name = socket_volume(project, model)
    volume = mapping(model.volumes, name)
    options, at = mapping(volume, "driver_opts"), project.where("volumes", name, "driver_opts", "o")
    if not name or is_on(volume.get("external")) or text(volume.get("driver") or "local") != "local":
        return
    if not options:
        message = "root owns a plain volume, and the app may not write to it; restore driver_opts: type, device and o"
        yield error(at, "volume-owner", message)
    if text(options.get("type")) != "tmpfs":
        return
    given = dict((word + "=").split("=")[:2] for word in text(options.get("o")).split(","))
    owner, group = number(given.get("uid", "0")), number(given.get("gid", "0"))
    mode = number(given.get("mode", "1777"), base=8)
    if owner is None or group is None or mode is None:
        yield error(at, "volume-owner", "uid, gid or mode is not a number; write uid=1654,gid=1654,mode=0710")
        return

    def may(wanted: int, user: tuple[int, list[int]]) -> bool:  # 4 list, 2 change, 1 pass
        shift = 6 if user[0] == owner else 3 if group in user[1] else 0
        return user[0] == 0 or (mode >> shift) & wanted == wanted

    app, h2o = identity(project, model, APP), identity(project, model, H2O)
    described = f"the volume, which is {owner}:{group} with mode {mode:04o}"
    if app and not may(7, app):
        message = f"app: the user {app[0]}:{app[1][0]} may not write to {described}"
        yield error(at, "volume-owner", f"{message}; write uid={app[0]},gid={app[1][0]},mode=0710")
    if app and h2o and h2o[0] not in (0, app[0]):
        socket_group = group if mode & 0o2000 else app[1][0]
        if socket_group not in h2o[1]:
            message = f"h2o: it is not in the group {socket_group} of the socket, and may not connect"
            yield error(project.at(H2O, "group_add"), "volume-owner", f'{message}; write group_add: ["{socket_group}"]')
        elif not may(1, h2o):
            yield error(at, "volume-owner", f"h2o: it may not pass {described}; write gid={socket_group},mode=0710")
    if mode & 0o007:
        message = f"mode {mode:04o} lets in all users of all containers that mount it; write mode=0710"
        yield error(at, "volume-open", message)
    lacking = ",".join(option for option in ("nosuid", "nodev", "noexec") if option not in given)
    if lacking:
        yield error(at, "volume-open", f"the volume could hold more than a socket; add {lacking}")


# --- Ports, headers and times -----------------------------------------------------------------------------------------


@of_model
def published_ports_lead_to_h2o(project: Project, model: Model) -> Iterator[Finding]:
    """Docker forwards to a port on which H2O listens, on all addresses, and asks for its health there."""
    levels: list[tuple[str, ...]] = [(), *(("hosts", host) for host in mapping(project.conf.data, "hosts"))]
    commands = [command for level in levels for command in project.conf.commands(*level) if command[0] == "listen"]
    listens = set()
    for entry, place in ((entry, place) for _, value, place in commands for entry in items(value)):
        port, host = number(mapping(entry).get("port", entry)), text(mapping(entry).get("host"))
        listens |= {port} if port else set()
        if host.startswith("127.") or host in ("localhost", "::1"):
            message = f"H2O listens on {host}, which nothing outside of its container reaches; remove `host`"
            yield error(place, "port", message)
    if not listens or project.conf.includes_others:
        return
    ports = " and ".join(map(str, sorted(listens)))
    for entry in map(mapping, items(model.get(H2O, "ports"))):
        target, address = text(entry.get("target")), text(entry.get("host_ip"))
        place = project.at(H2O, "ports", holding=target)
        if number(target) not in listens and text(entry.get("protocol")) != "udp":
            message = f"Docker forwards to h2o's port {target}, while H2O listens on {ports}"
            yield error(place, "port", f"{message}; write the same here and at `listen` in {project.conf.file}")
        if not address:
            message = "h2o is published on every address of this host, past most firewalls"
            yield warning(place, "published", message + "; write ${HTTP_BIND:-127.0.0.1}: before it")
        elif address in ("0.0.0.0", "::"):  # noqa: S104
            message = "h2o is published on every address of this host; 127.0.0.1 is this host alone"
            yield note(place, "published", message)
    if not items(model.get(H2O, "ports")) and not model.label:
        message = "h2o publishes no port, and the host cannot reach it; restore `ports`"
        yield warning(project.at(H2O), "published", message)
    test, place = " ".join(model.texts(H2O, "healthcheck.test")), project.at(H2O, "healthcheck", "test")
    paths = [path for host in mapping(project.conf.data, "hosts").values() for path in mapping(host, "paths")]
    for port, asked in re.findall(r"http://(?:127\.0\.0\.1|localhost):(\d{1,5})(/\S*)?", test):
        if int(port) not in listens:
            message = f"h2o's health check asks port {port}, while H2O listens on {ports}; ask that"
            yield error(place, "port", message)
        if paths and not any((asked or "/").startswith(path) for path in paths):
            message = f"h2o's health check asks for {asked or '/'}, and {project.conf.file} has no path for it; add one"
            yield error(place, "healthz", message)
    names = list(mapping(model.get(H2O, "networks"))) or ["default"]
    inside = all(is_on(mapping(model.networks, name).get("internal")) for name in names)
    if items(model.get(H2O, "ports")) and (inside or model.text(H2O, "network_mode") == "none"):
        place = project.where("networks", names[0], "internal") if inside else project.at(H2O, "network_mode")
        message = "h2o is on no network that the host reaches, so its port is not published; add `default`"
        yield error(place, "port", message)


@of_model
def h2o_passes_on_the_host(project: Project, model: Model) -> Iterator[Finding]:
    """Without preserve-host Kestrel is asked for the host "[unix:...]" and answers 400."""
    for up in app_upstreams(project, model):
        value, place = up.commands.get("proxy.preserve-host", ("OFF", up.place))
        if value.upper() != "ON":
            message = "Kestrel is asked for the host [unix:...] and answers 400; write proxy.preserve-host: ON here"
            yield error(place, "preserve-host", message)
        for header in ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Prefix"):
            if header.lower() not in up.unset:
                message = f"a visitor's own {header} reaches the app; write proxy.header.unset: {header} here"
                yield warning(up.place, "header", message)


@of_model
def h2o_knows_its_commands(project: Project, model: Model) -> Iterator[Finding]:
    """What H2O's own test does not tell, or only in its image: names of other versions, a user, files, HTTP/2."""
    said = re.search(r"h2o version (\d+\.\d+)", project.h2o_test.wait().out)
    version = said[1] if said else "2.2" if "bookworm" in project.dockerfile_of(model, H2O)[1] else ""
    right, wrong = ("proxy.websocket", "proxy.tunnel") if version == "2.2" else ("proxy.tunnel", "proxy.websocket")
    for path, value in project.conf.values.items():
        name, place = text(path[-1]) if path else "", project.conf.find(path)[1]
        if name == wrong and version:
            yield error(place, "websocket", f"H2O {version} does not know {wrong} and does not start; write {right}")
        named = name in ("file.file", "file.dir", "key-file", "certificate-file")
        held = model.holder(H2O, text(value)) if named else None
        if held and held[0].kind == "bind" and not os.path.lexists(posixpath.join(held[0].source, held[1])):
            file = relative(posixpath.join(held[0].source, held[1]))
            yield error(place, "missing-file", f"{file} is missing; add it, or remove the line")
    top = {name: (text(value), place) for name, value, place in project.conf.commands()}
    if "user" in top:
        message = "H2O ends at once where it is to change its user, which compose.yaml names; remove the line"
        yield error(top["user"][1], "h2o-user", message)
    value, place = top.get("http1-upgrade-to-http2", ("ON", (project.conf.file, 1)))
    if value.upper() != "OFF" and project.conf.data:
        message = "two attacks on HTTP/2 are not mended in H2O 2.2.5; write http1-upgrade-to-http2: OFF"
        yield error(place, "http2", message)


@of_model
def each_stop_waits_for_the_next(project: Project, model: Model) -> Iterator[Finding]:
    """H2O's idle connections end before the app's drain, that before the host's shutdown, that before Docker's kill."""
    unset = ("", (f"{project.app_folder}/appsettings.json", 1))
    value, place = project.setting(model, "Socket:DrainTimeout") or unset
    drain = seconds_of_timespan(value or "00:00:05")
    if drain is None:
        message = f'Socket:DrainTimeout is {value!r}, which .NET refuses; write "00:00:05" for 5 seconds'
        yield error(place, "drain", message)
        return
    for up in app_upstreams(project, model):
        kept, at = up.commands.get("proxy.timeout.keepalive", ("2000", up.place))
        if drain * 1000 <= (number(kept) or 0):
            message = f"H2O keeps idle connections {kept} ms, the stopping app {drain:g} s: requests are lost"
            yield error(at, "drain", f"{message}; write less than {drain * 1000:.0f}, or a longer Socket:DrainTimeout")
    value, place = project.setting(model, "shutdownTimeoutSeconds") or ("", place)
    for match, at in project.in_code(r"ShutdownTimeout\s*=\s*TimeSpan\.FromSeconds\(\s*(\d{1,6})"):
        value, place = match[1], at
    shutdown = number(value or 30)
    if shutdown is None:
        yield error(place, "shutdown", f"shutdownTimeoutSeconds is {value!r}, and .NET takes 30; write a whole number")
    elif shutdown <= drain:
        message = f"the app is given {shutdown} s to stop, and {drain:g} s to drain; write more than {drain:g}"
        yield error(place, "shutdown", message)
    if not re.fullmatch(r"(SIG)?(TERM|INT|QUIT)?|15|2|3", model.text(APP, "stop_signal")):
        message = f"the app does not stop in order at {model.text(APP, 'stop_signal')}; write stop_signal: SIGTERM"
        yield error(project.at(APP, "stop_signal"), "grace", message)
    grace = seconds_of(model.text(APP, "stop_grace_period") or "10s")
    if grace is not None and grace <= (shutdown or 30):
        message = f"Docker kills the app after {grace:g} s, while its stop may take {shutdown or 30} s"
        at = project.at(APP, "stop_grace_period")
        yield error(at, "grace", f"{message}; write stop_grace_period: {(shutdown or 30) + 5}s")


@of_model
def the_health_checks_can_succeed(project: Project, model: Model) -> Iterator[Finding]:
    """h2o waits for the app's health; the hosts that both health checks ask for must be allowed."""
    health, test = mapping(model.get(APP, "healthcheck")), model.texts(APP, "healthcheck.test")
    waits = text(mapping(model.get(H2O, "depends_on"), APP).get("condition")) == "service_healthy"
    absent = is_on(health.get("disable")) or test in ([], ["NONE"])
    if waits and absent and "HEALTHCHECK" not in project.dockerfile_of(model, APP)[1]:
        message = "h2o waits for the app's health, which nothing asks for; restore the app's `healthcheck`"
        yield error(project.at(APP, "healthcheck"), "healthz", message)
    value, place = project.setting(model, "AllowedHosts") or ("", ("", 1))
    allowed = [host for host in value.lower().replace(" ", "").split(";") if host]
    asked = ["localhost", *re.findall(r"http://([^:/]+)", " ".join(model.texts(H2O, "healthcheck.test")))]
    lacking = [host for host in dict.fromkeys(asked) if host not in allowed]
    if allowed and "*" not in allowed and lacking:
        message = f"the health checks, which ask for {' and '.join(lacking)}, get 400, and so nothing is healthy"
        yield error(place, "allowed-hosts", f'{message}; write "{";".join(allowed + lacking)}"')


# --- Hardening --------------------------------------------------------------------------------------------------------

# What opens a container up: the key, the values that do, and what they give away.
NEVER = {
    "privileged": ("true|yes|on", "gives it the whole host"),
    "cap_add": (".*", "gives it a right that it does without"),
    "devices": (".*", "gives it a device of the host"),
    "device_cgroup_rules": (".*", "gives it devices of the host"),
    "volumes_from": (".*", "mounts all that another container mounts"),
    "pid": (".+", "shows it the processes of others"),
    "ipc": ("host|shareable|container:.*|service:.*", "shares memory with others"),
    "uts": ("host", "lets it share the host's name"),
    "cgroup": ("host", "shows it the host's control groups"),
    "userns_mode": ("host", "takes it out of Docker's user namespace"),
    "network_mode": ("host|container:.*|service:.*", "puts it on the network of others"),
    "security_opt": (".*unconfined|.*disable|no-new-privileges[:=]false", "turns off a protection of the kernel"),
}
# What keeps it closed: the keys of which one must have such a value, and what happens without.
ALWAYS = [
    (error, [("read_only", "true|yes|on")], "its files can be changed; write read_only: true"),
    (error, [("cap_drop", "(?i)all")], "it keeps rights that it does without; write cap_drop: [ALL]"),
    (
        error,
        [("security_opt", "no-new-privileges([:=]true)?")],
        'a set-uid program gains rights; write security_opt: ["no-new-privileges:true"]',
    ),
    (
        warning,
        [("mem_limit", "[1-9].*"), ("deploy.resources.limits.memory", ".+")],
        "a leak takes the host's memory; write mem_limit: 256m",
    ),
    (
        warning,
        [("pids_limit", "[1-9].*"), ("deploy.resources.limits.pids", ".+")],
        "it may start processes without end; write pids_limit: 200",
    ),
    (
        warning,
        [("logging.options.max-size", ".+"), ("logging.driver", "(?!json-file$).+")],
        "its log grows until the disk is full; write logging: {options: {max-size: 10m}}",
    ),
    (
        warning,
        [("restart", "(?!no$|false$).+"), ("deploy.restart_policy.condition", ".+")],
        "it stays down after a fault, and after a restart of Docker; write restart: always",
    ),
]
HOST_PATHS = r"/|/(etc|proc|sys|dev|boot|root|home|usr|run|tmp|var|var/(run|lib|lib/docker))|.*/(docker|podman)\.sock"


@of_model
def containers_stay_closed(project: Project, model: Model) -> Iterator[Finding]:
    """Nothing undoes the hardening of the two services; of others, what would hand over the host is told."""
    for name in model.services:
        ours, tell = name in (APP, H2O), error if name in (APP, H2O) else warning
        for key, (values, effect) in NEVER.items():
            for value in items(model.get(name, key)) if ours or key == "privileged" else ():
                shown = text(value) or text(mapping(value).get("source"))
                if re.fullmatch(values, shown):
                    place = project.at(name, key, holding=shown)
                    yield tell(place, key.replace("_", "-"), f"{name}: `{key}: {shown}` {effect}; remove it")
        for mount in model.mounts(name):
            if mount.kind == "bind" and re.fullmatch(HOST_PATHS, mount.source):
                place = project.at(name, "volumes", holding=mount.target)
                message = f"{name}: the host's {mount.source} is a way out of the container; remove it"
                yield tell(place, "host-path", message)
        for level, ways, message in ALWAYS if ours else ():
            if not any(re.fullmatch(pattern, value) for key, pattern in ways for value in model.texts(name, key)):
                keys = ways[0][0].split(".")
                code = keys[0].replace("_", "-") if level is error else "limits"
                yield level(project.at(name, *keys), code, f"{name}: {message}")
    if model.text(APP, "container_name"):
        message = "app: two containers cannot have one name, and redeploy.py needs a second one; remove it"
        yield warning(project.at(APP, "container_name"), "container-name", message)


@of_model
def nobody_is_root(project: Project, model: Model) -> Iterator[Finding]:
    """Both services run as users of their own, whatever their images say."""
    app, h2o = identity(project, model, APP), identity(project, model, H2O)
    for name, known, uid in ((APP, app, 1654), (H2O, h2o, 1655)):
        if known and known[0] == 0:
            yield error(project.at(name, "user"), "user", f'{name}: it runs as root; write user: "{uid}:{uid}"')
    if app and h2o and app[0] == h2o[0] != 0:
        message = 'h2o runs as the app\'s user, and may do with the socket what it likes; write user: "1655:1655"'
        yield warning(project.at(H2O, "user"), "user", message)


@of_model
def the_socket_is_the_only_way_in(project: Project, model: Model) -> Iterator[Finding]:
    """The app has no TCP port, published or not, and no network that leads anywhere."""
    for target in (text(mapping(entry).get("target")) for entry in items(model.get(APP, "ports"))):
        message = f"app: its port {target} is published, past H2O; remove it"
        yield error(project.at(APP, "ports", holding=target), "app-port", message)
    if model.text(APP, "network_mode") in ("", "bridge"):
        for name in list(mapping(model.get(APP, "networks"))) or ["default"]:
            network, place = mapping(model.networks, name), project.at(APP, "networks", name, holding=name)
            if is_on(network.get("external")):
                yield note(place, "app-network", f"app: the network {name} is made elsewhere; see that it is internal")
            elif not is_on(network.get("internal")):
                message = f"app: the network {name} leads out; give it `internal: true`, or the app network_mode: none"
                yield error(place, "app-network", message)
    variables = mapping(model.get(APP, "environment"))
    for name, value in variables.items():
        opens = re.fullmatch(r"(?i)((ASPNETCORE_|DOTNET_)?(URLS|HTTPS?_PORTS))|Kestrel__Endpoints__.*__Url", name)
        if opens and text(value) and "unix:" not in text(value):
            place = project.at(APP, "environment", name, holding=name)
            yield error(place, "tcp", f'app: {name} asks for a TCP port; write {name}: ""')
    if "dotnet/aspnet" in model.text(APP, "image") and "ASPNETCORE_HTTP_PORTS" not in variables:
        message = 'app: the official image asks for TCP port 8080; write ASPNETCORE_HTTP_PORTS: ""'
        yield warning(project.at(APP, "environment"), "tcp", message)
    for doc in project.settings:
        for path, value in doc.values.items() if "Development" not in doc.file else ():
            listens = re.fullmatch(r"urls|kestrel:endpoints:.*:url", ":".join(map(str, path)).lower())
            if listens and text(value) and "unix:" not in text(value):
                yield error(doc.find(path)[1], "tcp", f"the app listens on {text(value)} beside its socket; remove it")
    for match, place in project.in_code(r"\b(ListenAnyIP|ListenLocalhost|UseUrls)\("):
        yield warning(place, "tcp", f"{match[1]} makes the app listen on TCP; keep it for Development")


@of_model
def mounts_are_read_only(project: Project, model: Model) -> Iterator[Finding]:
    """Neither service can change what it runs from, nor H2O the socket's folder; both have a /tmp of their own."""
    for name in (APP, H2O):
        for mount in model.mounts(name):
            own = mount.kind == "bind" and relative(mount.source) in ("publish", "h2o", "src", ".")
            socket = name == H2O and mount.kind == "volume" and mount.source == socket_volume(project, model)
            if mount.writable and (own or socket):
                place = project.at(name, "volumes", holding=mount.target, key="read_only")
                yield error(place, "writable", f"{name}: it may change {mount.target}; write read_only: true")
        temporary = text(mapping(model.get(name, "environment")).get("TMPDIR")) or "/tmp"  # noqa: S108
        held = model.holder(name, temporary)
        if is_on(model.get(name, "read_only")) and not (held and held[0].writable):
            message = f"{name}: it cannot write to {temporary}, and needs to"
            yield error(project.at(name, "tmpfs"), "tmp", f'{message}; write tmpfs: ["/tmp:size=64m,mode=1777"]')


# --- What the files refer to, and what exists already -----------------------------------------------------------------


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


def newest(files: list[str]) -> tuple[float, str]:
    """Return when the newest of these files, and of the files in these folders, was written, and its name."""
    found = [(0.0, "")]
    for path in (ROOT / file for file in files):
        inside = [Path(where, name) for where, _, names in os.walk(path) for name in names]
        for one in [path, *inside]:
            with contextlib.suppress(OSError, ValueError):
                generated = {"bin", "obj", "node_modules"} & set(one.parts[len(ROOT.parts) :])
                if not generated and (path.name == "publish" or not one.is_dir()):
                    found.append((one.stat().st_mtime, relative(str(one))))
    return max(found)


def timestamp(value: Value) -> float:
    """Return a time of Docker's, such as 2026-11-22T16:21:53.051525743Z, in seconds."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text(value))
    with contextlib.suppress(ValueError, OverflowError):
        if match:
            whole = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
            return whole.timestamp() + float(match[2] or 0)
    return 0.0


# --- What several checks ask ------------------------------------------------------------------------------------------


def socket_volume(project: Project, model: Model) -> str:
    """Return the name of the volume that carries the socket: H2O's upstream is in it, or both services mount it."""
    held = [model.holder(H2O, up.socket) for up in project.upstreams]
    mounts = [one[0] for one in held if one] + model.mounts(APP) + model.mounts(H2O)
    shared = {mount.source for mount in model.mounts(APP)} & {mount.source for mount in model.mounts(H2O)}
    return next((mount.source for mount in mounts if mount.kind == "volume" and mount.source in shared), "")


def app_socket(project: Project, model: Model) -> tuple[str, Place] | None:
    """Return the path that the code hands to ListenUnixSocket, a literal or a setting. None: it cannot be told."""
    broken = any(doc.problems for doc in project.settings)
    for match, place in project.in_code(r"ListenUnixSocket\(\s*([^,)]*)") if not broken else ():
        argument, code = match[1].strip(), project.code[place[0]]
        constant = re.search(rf'const\s+string\s+{re.escape(argument)}\s*=\s*(@?"[^"]*")', code)
        literal = re.fullmatch(r'@?"([^"]*)"', constant[1] if constant else argument)
        if literal:
            return literal[1], place
        named = r'(?:\[|GetValue<string>\()\s*"([\w:]+)"'
        keys = re.findall(named, argument) or re.findall(named, code)
        key = "Socket:Path" if "Socket:Path" in keys else keys[0] if len(keys) == 1 else ""
        return project.setting(model, key) or (("", place) if key == "Socket:Path" else None)
    return None


def app_upstreams(project: Project, model: Model) -> list[Upstream]:
    """Return the paths of h2o.conf that lead to the app, or all that lead to a socket where none does."""
    listens = app_socket(project, model)
    app = model.place_of(APP, listens[0]) if listens else None
    return [up for up in project.upstreams if app and model.place_of(H2O, up.socket) == app] or project.upstreams


def identity(project: Project, model: Model, service: str) -> tuple[int, list[int]] | None:
    """Return the uid and the gids that a service runs with: compose.yaml's, or its Dockerfile's. None: unknown."""
    user = model.text(service, "user")
    if not user and model.get(service, "build"):
        last_stage = re.split(r"(?mi)^FROM\s", project.dockerfile_of(model, service)[1])[-1]
        user = ["", *re.findall(r"(?mi)^USER\s+(\S+)", last_stage)][-1]
    name, _, group = user.partition(":")
    uid = OFFICIAL_USERS.get(name, number(name))
    gid = OFFICIAL_USERS.get(group, number(group)) if group else 1654 if uid == 1654 else 0
    added = [number(extra) for extra in items(model.get(service, "group_add"))]
    return None if uid is None or gid is None else (uid, [gid, *(extra for extra in added if extra is not None)])


# --- The project ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Upstream:
    """A path of h2o.conf that leads to a Unix socket."""

    url: str
    socket: str  # empty where the URL names none
    place: Place
    commands: dict[str, tuple[str, Place]]  # what holds there, whichever level says it
    unset: set[str]  # the headers that it takes off


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


def relative(path: str) -> str:
    """Return a path of this folder as the report shows it."""
    path = os.path.normpath(ROOT / path)
    return os.path.relpath(path, ROOT).replace(os.sep, "/") if path.startswith(str(ROOT)) else path


def folder(path: str) -> str:
    """Return the directory of a path in a container."""
    return posixpath.dirname(posixpath.normpath(path))


# --- What Compose makes of its files ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mount:
    """Something from outside in a container's file system."""

    kind: str  # volume, bind, tmpfs
    source: str
    target: str
    writable: bool
    made: bool  # Docker makes the host's folder where it is missing

    def as_option(self) -> str:
        """Return it as a value of `docker run --mount`, read-only: a row of CSV, since a path may hold a comma."""
        fields = (f"type={self.kind}", f"source={self.source}", f"target={self.target}", "readonly")
        return ",".join('"{}"'.format(field.replace('"', '""')) for field in fields)


class Model:
    """Services, volumes and networks in Compose's long forms."""

    def __init__(self, data: Value, label: str = "") -> None:
        self.label = label  # which file was left out
        self.services = {name: mapping(service) for name, service in mapping(data, "services").items()}
        self.volumes, self.networks = mapping(data, "volumes"), mapping(data, "networks")
        self.name = text(mapping(data).get("name"))

    def get(self, service: str, key: str) -> Value:
        """Return what the model says of a service."""
        return self.services.get(service, {}).get(key)

    def text(self, service: str, key: str) -> str:
        """Return a scalar that the model says of a service."""
        return text(self.get(service, key))

    def build_context(self, service: str) -> str:
        """Return the folder from which a service's image is built."""
        return text(mapping(self.get(service, "build")).get("context")) or "."

    def texts(self, service: str, path: str) -> list[str]:
        """Return the scalars, or the words of a command, at a path such as healthcheck.test."""
        *above, key = path.split(".")
        return [text(value) for value in items(mapping(self.services.get(service), *above).get(key))]

    def image(self, service: str) -> str:
        """Return the image of a service, which Compose names if compose.yaml does not."""
        return self.text(service, "image") or (f"{self.name}-{service}" if self.get(service, "build") else "")

    def mounts(self, service: str) -> list[Mount]:
        """Return all that a service mounts."""
        temporary = (text(entry).split(":")[0] for entry in items(self.get(service, "tmpfs")))
        found = [Mount("tmpfs", "", target, True, True) for target in temporary]
        for entry in map(mapping, items(self.get(service, "volumes"))):
            kind, source, target = (text(entry.get(key)) for key in ("type", "source", "target"))
            made = is_on(mapping(entry, "bind").get("create_host_path"))
            found.append(Mount(kind, source, target, not is_on(entry.get("read_only")), made))
        return [mount for mount in found if mount.target.startswith("/")]

    def holder(self, service: str, path: str) -> tuple[Mount, str] | None:
        """Return the mount that holds a path of a service's container, and the path's name in it."""
        path, held = posixpath.normpath(path), []
        for mount in self.mounts(service) if path.startswith("/") else ():
            target = posixpath.normpath(mount.target)
            if (path + "/").startswith(target.rstrip("/") + "/"):
                held.append((len(target), mount, posixpath.relpath(path, target)))
        return max(held, key=lambda one: one[0])[1:] if held else None

    def place_of(self, service: str, path: str) -> tuple[str, str] | None:
        """Return a volume, or a folder of the host, and the name that a path of the container has in it."""
        held = self.holder(service, path)
        return (held[0].source, held[1]) if held and held[0].kind in ("volume", "bind") and held[1] != "." else None


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


# --- Files ------------------------------------------------------------------------------------------------------------


class Doc:
    """A YAML or JSON file as plain values, and the line of each of them.

    A scalar stays the text in the file, because Compose, H2O and PyYAML read `ON`, `no` and `0710` each in its own way.
    """

    def __init__(self, file: str, content: str, may_repeat: Callable[[str], bool] = lambda key: False) -> None:
        self.file, self.content = file, content
        self.data: Value = None
        self.values: dict[Keys, Value] = {}
        self.lines: dict[Keys, int] = {}
        self.problems: list[Finding] = []
        self.includes_others = False  # H2O's `!file`
        self._may_repeat = may_repeat
        # PyYAML alone refuses tabs that indent nothing.
        content = re.sub(r"\S.*", lambda match: match[0].replace("\t", " "), content)
        try:
            root = yaml.compose(content, Loader=yaml.SafeLoader)
            self.data = self._value(root, ()) if root else {}
        except yaml.MarkedYAMLError as e:
            mark = e.problem_mark or e.context_mark
            self._refuse(mark.line + 1 if mark else 1, e.problem or "it cannot be parsed")
        except yaml.reader.ReaderError as e:
            self._refuse(content.count("\n", 0, e.position) + 1, f"the character {e.character!r} is not allowed")
        except RecursionError:
            self._refuse(1, "it is nested too deeply, or contains itself")
        except (yaml.YAMLError, ValueError, OverflowError) as e:
            self._refuse(1, str(e).splitlines()[0])
        if not isinstance(self.data, dict) and not self.problems:
            self._refuse(1, "it is not a mapping, lines of `name: value`")

    def find(self, path: Keys, holding: str = "", key: str = "") -> tuple[int, Place]:
        """Return how much of a path is here, and its line; of a list, that of the item with a text, or of its key."""
        rows = self.values.get(path) if holding else None
        for i, row in enumerate(rows if isinstance(rows, list) else []):
            parts = row if isinstance(row, dict) else {i: row}
            named = [name for name, value in parts.items() if holding in text(value)]
            if named:
                path += (i, *([key] if key in parts else named)[: len(parts) if isinstance(row, dict) else 0])
                break
        while path and path not in self.lines:
            path = path[:-1]
        return len(path), (self.file, self.lines.get(path, 1))

    def commands(self, *path: str) -> list[tuple[str, Value, Place]]:
        """Return H2O's commands at a level: those of a mapping, or of a list of mappings."""
        blocks: list[Keys] = [path, *((*path, i) for i, _ in enumerate(items(self.values.get(path))))]
        return [
            (name.split(" (")[0], value, self.find((*block, name))[1])
            for block in blocks
            for name, value in mapping(self.values.get(block)).items()
        ]

    def _refuse(self, line: int, why: str) -> None:
        self.data, self.values = None, {}
        self.problems.append(error((self.file, line), "syntax", f"{why}; mend it, for nothing reads the file as it is"))

    def _value(self, node: yaml.Node, path: Keys) -> Value:
        if len(self.values) > MAX_VALUES:
            raise ValueError("its anchors expand to too much")
        self.includes_others |= node.tag in ("!file", "!env")
        self.lines.setdefault(path, node.start_mark.line + 1)
        value: Value = None if node.tag in ("tag:yaml.org,2002:null", "!reset") else node.value
        self.values[path] = value
        if isinstance(node, yaml.SequenceNode):
            value = [self._value(child, (*path, i)) for i, child in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            value = {}
            for key, child in self._pairs(node, report=True):
                name = text(key.value)
                while name in value:  # of commands that H2O repeats
                    name = f"{text(key.value)} ({len(value)})"
                here = (*path, name)
                self.lines[here] = key.start_mark.line + 1
                value[name] = self._value(child, here)
        self.values[path] = value
        return value

    def _pairs(self, node: yaml.Node, report: bool) -> list[tuple[yaml.Node, yaml.Node]]:
        """Return a mapping's keys and values, its own before those that `<<` brings."""
        own: list[tuple[yaml.Node, yaml.Node]] = []
        merged: list[tuple[yaml.Node, yaml.Node]] = []
        first: dict[str, int] = {}
        for key, child in node.value if isinstance(node, yaml.MappingNode) else []:
            name, line = text(key.value), key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                for other in child.value if isinstance(child, yaml.SequenceNode) else [child]:
                    merged += self._pairs(other, report=False)
            elif name not in first or self._may_repeat(name):
                own.append((key, child))
                first.setdefault(name, line)
            elif report:
                message = f"`{name}` stands here a second time, after line {first[name]}; keep one of the two"
                self.problems.append(error((self.file, line), "duplicate-key", message))
        for key, child in merged:
            if text(key.value) not in first:
                own.append((key, child))
                first[text(key.value)] = 0
        return own


STRINGS_AND_COMMENTS = r'"""[\s\S]*?"""|@"(?:[^"]|"")*"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//.*|/\*[\s\S]*?\*/'


def without_comments(code: str) -> str:
    """Blank the comments of C# or JSON; every line stays where it is."""
    return re.sub(STRINGS_AND_COMMENTS, lambda m: re.sub(r".", " ", m[0]) if m[0][0] == "/" else m[0], code)


def json_doc(file: str, content: str) -> Doc:
    """Read JSON as .NET does, with comments and trailing commas; the parser of YAML then finds the lines."""
    tokens = r'"(?:\\.|[^"\\\n])*"|,(?=\s*[}\]])|\t'
    plain = re.sub(tokens, lambda m: m[0] if m[0][0] == '"' else " ", without_comments(content))
    try:
        json.loads(plain)
    except json.JSONDecodeError as e:
        doc = Doc(file, "")
        doc._refuse(e.lineno, f"not JSON: {e.msg}")
        return doc
    except (ValueError, RecursionError):
        pass  # Doc says the same with a line
    return Doc(file, plain)


# --- Programs ---------------------------------------------------------------------------------------------------------


class Program:
    """A program that was started and is waited for later, so that several take the time of the slowest one."""

    running: list[Program] = []  # noqa: RUF012 - all of them, to be ended with this one
    limit = 20.0

    def __init__(self, *command: str) -> None:
        """Start it in the project's folder. Without a command it is one that was not run."""
        self.command, self.failure = " ".join(command[:3]), "" if command else "was not run"
        self.code, self.out, self.err = -1, "", ""
        self.deadline = time.monotonic() + Program.limit
        if not command:
            return
        try:
            self.process = subprocess.Popen(  # noqa: S603 - no shell; a session of its own, to end all of it
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            Program.running.append(self)
        except (OSError, ValueError) as e:
            self.failure = f"could not be started ({e})"

    def wait(self) -> Program:
        """Wait for its end, or end it at its time limit; `failure` then says so."""
        if self.code == -1 and not self.failure:
            try:
                self.out, self.err = self.process.communicate(timeout=max(0.5, self.deadline - time.monotonic()))
                self.code = self.process.returncode
            except subprocess.TimeoutExpired:
                self.failure = f"did not end within {Program.limit:g} s"
                self.kill()
        return self

    def json(self) -> Value:
        """Return what it printed, if it ended well and that is JSON."""
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(self.out) if self.wait().code == 0 else None
        return None

    def complaint(self) -> str:
        """Return the last line of its errors."""
        return (self.err.strip().splitlines() or ["it does not say why"])[-1][:300]

    def kill(self) -> None:
        """End it, and what it started."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGKILL)


# --- Values -----------------------------------------------------------------------------------------------------------


def text(value: Value) -> str:
    """Return a scalar as text, and anything else as nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def items(value: Value) -> list[Value]:
    """Return a list as it is, and a single value as a list of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def mapping(value: Value, *keys: str) -> dict[str, Value]:
    """Return the mapping below these keys, or an empty one."""
    for key in keys:
        value = mapping(value).get(key)
    return value if isinstance(value, dict) else {}


def is_on(value: Value) -> bool:
    """Whether Compose takes this for true."""
    return text(value).lower() in ("true", "yes", "on", "y")


def number(value: Value, base: int = 10) -> int | None:
    """Return a number of at most nine digits, or None for anything else."""
    return int(text(value), base) if re.fullmatch(r"[0-7]{1,9}" if base == 8 else r"[0-9]{1,9}", text(value)) else None


def seconds_of(duration: str) -> float | None:
    """Return the seconds of a duration of Compose, such as 1m30s."""
    if not re.fullmatch(r"(\d{1,9}(\.\d{1,9})?(us|ms|s|m|h))+", duration):
        return None
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
    return sum(float(amount) * unit[name] for amount, name in re.findall(r"([\d.]+)([a-z]+)", duration))


def seconds_of_timespan(value: str) -> float | None:
    """Return the seconds of a TimeSpan of .NET: 00:00:05, 1.12:00:00, and 5, which is five days."""
    match = re.fullmatch(r"\s*(?:(?:(\d{1,8})\.)?(\d\d?):(\d\d?)(?::(\d\d?(?:\.\d{1,7})?))?|(\d{1,8}))\s*", value)
    if not match:
        return None
    days, hours, minutes, seconds, only_days = (float(part or 0) for part in match.groups())
    return (days + only_days) * 86400 + hours * 3600 + minutes * 60 + seconds


# --- The report -------------------------------------------------------------------------------------------------------


def findings() -> list[Finding]:
    """Run every check, and sort what they find."""
    project = Project()
    found = [one for function in PROJECT_CHECKS for one in run(function, project)]
    for check in MODEL_CHECKS:
        first: list[Finding] = []
        for model in project.models:
            new = [one for one in run(check, project, model) if one not in first]
            found += [replace(one, message=one.message + model.label) for one in new]
            first += new
    found += project.problems  # of files that the checks have read, too
    lines = {(one.file, one.line) for one in found if one.level == "error" and "-refuses" not in one.code}
    return sorted({accepted(one) for one in found if "-refuses" not in one.code or (one.file, one.line) not in lines})


def run(function: Callable[..., Iterator[Finding]], project: Project, *more: Model) -> list[Finding]:
    """Run one check. If it cannot cope with what a file holds, it says so, and the others go on."""
    try:
        return list(function(project, *more))
    except Exception as e:
        message = f"the check {function.__name__} failed: {type(e).__name__}: {str(e)[:200]}; please report it"
        return [warning((project.main, 1), "check-failed", message)]


def accepted(finding: Finding) -> Finding:
    """Return a finding as a note where a comment on its line accepts it, with a reason."""
    if finding.level == "info" or finding.code in ("syntax", "duplicate-key", "unreadable"):
        return finding
    with contextlib.suppress(OSError, IndexError):
        lines = (ROOT / finding.file).read_text("utf-8-sig", errors="replace").splitlines()
        comment = re.search(r"(?:#|//)\s*check:\s*allow\b[\s:]*(.*?)\s*$", lines[finding.line - 1])
        if comment and comment[1]:
            return replace(finding, level="info", message=f"{finding.message} (allowed: {comment[1]})", remedy="")
        if comment:
            return replace(finding, remedy="give the reason: # check: allow <reason>")
    return finding


def main() -> int:
    """Print the findings, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="a list of {file, line, level, code, message, remedy}")
    parser.add_argument("--time-limit", type=float, default=Program.limit, metavar="SECONDS", help="for docker and h2o")
    options = parser.parse_args()
    Program.limit = options.time_limit
    found = findings()
    errors, warnings = (sum(one.level == level for one in found) for level in ("error", "warning"))
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
        return 1 if errors else 0
    for one in found:
        level = {"error": "", "warning": "warning: ", "info": "note: "}[one.level]
        print(f"{one.file}:{one.line}: {level}{one.message}" + (f"; {one.remedy}" if one.remedy else ""))
    print(f"errors: {errors}, warnings: {warnings}" if errors or warnings else "This project is whole.")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    finally:
        for program in Program.running:
            program.kill()
    sys.exit(code)
