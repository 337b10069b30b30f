"""The interface of a proxy: what its configuration says, how it validates that, and how it writes a remedy.

The reader in each folder of uds_stack/proxies implements it for the proxy that the folder is named after.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from uds_stack.check.folder import Place
from uds_stack.check.parsed_file import Problem
from uds_stack.check.query import Query

Run = Callable[[list[str]], "Query | None"]  # a command in the proxy's image; None where that cannot be


class Listener(NamedTuple):
    """An address and a port that the proxy listens on."""

    port: int | None  # None where it cannot be read
    address: str  # empty for all addresses
    place: Place
    protocol: str = "tcp"  # or udp, for HTTP/3


class Certificate(NamedTuple):
    """A certificate that the proxy reads at its start."""

    file: str  # with its chain; the path in the proxy's container
    key: str
    place: Place


class Upstream(NamedTuple):
    """A route that leads to a Unix socket."""

    address: str  # as the configuration writes it
    socket: str  # the path in the proxy's container; empty where the address is malformed
    place: Place
    preserves_host: bool
    keepalive: float  # seconds for which an idle connection is kept
    stripped_headers: frozenset[str]  # in small letters
    set_headers: frozenset[str]  # those that the proxy sets from the connection, in small letters
    places: Mapping[str, Place]  # of the settings that are written, by the names above
    only_path: str = ""  # the one path that leads here, such as that of a health check

    def at(self, setting: str) -> Place:
        """Return the line of a setting, or that of the route where its default holds."""
        return self.places.get(setting, self.place)


@dataclass(frozen=True)
class ProxyConfig:
    """What a proxy's configuration says."""

    file: str
    path: str = ""  # in the proxy's container
    text: str = ""
    listeners: tuple[Listener, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    routes: tuple[str, ...] = ()  # prefixes of paths that are answered
    routes_place: Place = ("", 1)  # where a route would be added
    complete: bool = False  # false where something was not read: nothing can be concluded from what is absent
    problems: tuple[Problem, ...] = ()
    unread: tuple[Problem, ...] = ()
    served_files: tuple[tuple[str, Place], ...] = ()  # in the container
    certificates: tuple[Certificate, ...] = ()
    compressed_types: tuple[tuple[str, Place], ...] = ()  # patterns of media types


class Syntax(NamedTuple):
    """How this proxy's configuration writes each remedy; a name in braces is filled in."""

    listen: str
    upstream: str  # {socket}
    preserve_host: str
    strip_header: str  # {header}
    keepalive: str  # the name of the setting
    set_header: Mapping[str, str] = {}  # by header
    serve_all: str = ""  # how to leave a media type uncompressed


class Proxy(ABC):
    """A proxy in front of the app. Its service and its folder bear the same name."""

    service: str
    name: str  # as people write it
    config_path: str  # in the container, where the command names no other
    config_option: str  # the option of its command that names the configuration
    validator: str  # the command that validates, as the report names it
    syntax: Syntax
    stop_signals = r"(SIG)?TERM|15"  # those at which it finishes its requests first

    @property
    def config_file(self) -> str:
        """The configuration's usual name in the project's folder."""
        return f"{self.service}/{self.config_path.rpartition('/')[2]}"

    @abstractmethod
    def parse(self, file: str, text: str, path: str, run: Run) -> ProxyConfig:
        """Return what a configuration says, which has this path in the container. Raises nothing, whatever the text."""

    @abstractmethod
    def validate(self, path: str) -> list[str]:
        """Return the command that validates the configuration at a path of the container."""

    @abstractmethod
    def explain(self, rejection: Query) -> tuple[int, str] | None:
        """Return the line of a rejection, 0 where it names none, and its message; None for another failure."""

    @abstractmethod
    def duration(self, seconds: float) -> str:
        """Return a time as the configuration writes it."""
