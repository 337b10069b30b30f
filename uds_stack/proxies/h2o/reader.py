"""Read h2o.conf into the interface of uds_stack.check.proxy_interface."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from uds_stack.check.folder import Place
from uds_stack.check.parsed_file import Keys, ParsedFile
from uds_stack.check.proxy_interface import Listener, Proxy, ProxyConfig, Run, Syntax, Upstream
from uds_stack.check.query import Query
from uds_stack.check.yaml_values import Value, items, mapping, number, text

REJECTED = 78  # the exit code of `h2o -t`
ADDS_UP = re.compile(r"listen|access-log|(proxy\.)?header\..*")  # commands that may be repeated
KEEPALIVE_MS = 2000  # the default of proxy.timeout.keepalive

Command = tuple[str, Value, Place]


class Commands:
    """The commands of h2o.conf, by level."""

    def __init__(self, parsed: ParsedFile) -> None:
        """Take the parsed file."""
        self.parsed = parsed

    def at(self, *path: str) -> list[Command]:
        """Return the commands of a level: those of a mapping, or of a list of mappings."""
        values = self.parsed.values
        blocks: list[Keys] = [path, *((*path, i) for i, _ in enumerate(items(values.get(path))))]
        return [
            (name.split(" (")[0], value, self.parsed.find((*block, name))[1])
            for block in blocks
            for name, value in mapping(values.get(block)).items()
        ]

    def last(self, name: str) -> tuple[str, Place] | None:
        """Return the value and the line of a command of the top level."""
        found = [(text(value), place) for other, value, place in self.at() if other == name]
        return found[-1] if found else None


@dataclass(frozen=True)
class H2oConfig(ProxyConfig):
    """What h2o.conf says, with its commands."""

    commands: Commands | None = None


class H2o(Proxy):
    """H2O 2.2."""

    service = "h2o"
    name = "H2O"
    config_path = "/etc/h2o/h2o.conf"
    config_option = "-c"
    validator = "h2o -t"
    syntax = Syntax(
        listen="remove `host`",
        upstream='write proxy.reverse.url: "http://[unix:{socket}]/"',
        preserve_host="write proxy.preserve-host: ON here",
        strip_header="write proxy.header.unset: {header} here",
        keepalive="proxy.timeout.keepalive",
    )

    def parse(self, file: str, text: str, path: str, run: Run) -> H2oConfig:
        """Return what h2o.conf says; it is YAML, so H2O need not be asked."""
        parsed = ParsedFile(file, text, may_repeat=lambda key: bool(ADDS_UP.fullmatch(key)))
        commands = Commands(parsed)
        return H2oConfig(
            file=file,
            listeners=tuple(_listeners(commands)),
            upstreams=tuple(_upstreams(commands)),
            routes=tuple(path for host in _hosts(parsed) for path in mapping(parsed.data, "hosts", host, "paths")),
            routes_place=parsed.find(("hosts",))[1],
            complete=bool(parsed.data) and not parsed.tags & {"!file", "!env"},
            problems=tuple(parsed.problems),
            served_files=tuple(_served_files(parsed)),
            commands=commands,
        )

    def validate(self, path: str) -> list[str]:
        """Return `h2o -t` for a file."""
        return ["h2o", "-t", "-c", path]

    def explain(self, rejection: Query) -> tuple[int, str] | None:
        """Return the line and the message of what `h2o -t` rejects."""
        if rejection.result.code != REJECTED:
            return None
        line = re.search(r":(\d+)\] |line (\d+): ", rejection.complaint)
        message = re.sub(r"^\[[^]]*\] |^failed to parse configuration file \S+ ", "", rejection.complaint)
        return int(line[1] or line[2]) if line else 0, message

    def duration(self, seconds: float) -> str:
        """Return milliseconds, the unit of H2O's timeouts."""
        return f"{seconds * 1000:g} ms"


def _hosts(parsed: ParsedFile) -> list[str]:
    return list(mapping(parsed.data, "hosts"))


def _listeners(commands: Commands) -> Iterator[Listener]:
    levels: list[tuple[str, ...]] = [(), *(("hosts", host) for host in _hosts(commands.parsed))]
    for name, value, place in (command for level in levels for command in commands.at(*level)):
        for entry in items(value) if name == "listen" else ():
            port, address = mapping(entry).get("port", entry), text(mapping(entry).get("host"))
            yield Listener(number(port), address, place)


def _upstreams(commands: Commands) -> Iterator[Upstream]:
    for host in _hosts(commands.parsed):
        for path in mapping(commands.parsed.data, "hosts", host, "paths"):
            own = commands.at("hosts", host, "paths", path)
            inherited = commands.at() + commands.at("hosts", host)
            for name, value, place in own:
                for entry in items(value) if name == "proxy.reverse.url" else ():
                    url = text(entry) or text(mapping(entry).get("url"))  # H2O 2.3 takes mappings too
                    if "unix:" in url:
                        yield _upstream(url, place, inherited + own)


def _upstream(url: str, place: Place, commands: list[Command]) -> Upstream:
    known = {name: (text(value), at) for name, value, at in commands}
    match = re.fullmatch(r"https?://\[unix:([^]]*)\](/.*)?", url)
    kept = number(known["proxy.timeout.keepalive"][0]) if "proxy.timeout.keepalive" in known else KEEPALIVE_MS
    names = {"preserves_host": "proxy.preserve-host", "keepalive": "proxy.timeout.keepalive"}
    return Upstream(
        address=url,
        socket=match[1] if match else "",
        place=place,
        preserves_host=known.get("proxy.preserve-host", ("OFF",))[0].upper() == "ON",
        keepalive=(kept or 0) / 1000,
        stripped_headers=frozenset(text(value).lower() for name, value, _ in commands if name == "proxy.header.unset"),
        set_headers=frozenset({"x-forwarded-for", "x-forwarded-proto"}),  # always
        places={setting: known[name][1] for setting, name in names.items() if name in known},
    )


def _served_files(parsed: ParsedFile) -> Iterator[tuple[str, Place]]:
    for path, value in parsed.values.items():
        if path and text(path[-1]) in ("file.file", "file.dir", "key-file", "certificate-file"):
            yield text(value), parsed.find(path)[1]
