"""Read nginx.conf into the interface of uds_stack.check.proxy_interface."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from uds_stack.check.folder import Place
from uds_stack.check.parsed_file import Problem
from uds_stack.check.proxy_interface import Certificate, Listener, Proxy, ProxyConfig, Run, Syntax, Upstream
from uds_stack.check.query import Query
from uds_stack.check.yaml_values import number
from uds_stack.proxies.nginx.directives import Directive, dumped, includes, parse, resolve, seconds

KEEPALIVE = 60.0  # seconds, the default
REJECTED = 1  # the exit code of `nginx -t`
HOST = re.compile(r"\$(http_)?host\b")
OF_CONNECTION = {"x-forwarded-for": ("$remote_addr",), "x-forwarded-proto": ("$scheme", "https")}


@dataclass(frozen=True)
class NginxConfig(ProxyConfig):
    """What nginx.conf says, with its directives."""

    root: Directive | None = None


def read(root: Directive, problem: Problem | None, missing: list[Directive]) -> NginxConfig:
    """Return what the directives say; a syntax error ended them, or includes are missing, where these are given."""
    file = root.place[0]
    return NginxConfig(
        file=file,
        listeners=tuple(_listeners(root)),
        upstreams=tuple(_upstreams(root)),
        routes=tuple(_routes(root)),
        routes_place=next((one.place for one in root.descendants("server") if one.block), (file, 1)),
        complete=not problem and not missing and bool(root.block),
        problems=(problem,) if problem else (),
        unread=tuple(_unread(include) for include in missing),
        served_files=tuple(_error_pages(root)),
        certificates=tuple(_certificates(root)),
        compressed_types=tuple(_compressed(root)),
        root=root,
    )


def _unread(include: Directive) -> Problem:
    return Problem(
        include.place, f"{include.value} was not read, because nginx could not be asked", "check with Docker"
    )


def servers(root: Directive) -> list[Directive]:
    """Return the servers of HTTP."""
    return [server for http in root.children("http") for server in http.children("server")]


def _listeners(root: Directive) -> Iterator[Listener]:
    for server in servers(root):
        for listen in server.children("listen"):
            address, _, port = listen.value.rpartition(":")
            if not port.isdigit() and not address:  # an address alone
                address, port = port, "80"
            if not listen.value.startswith("unix:"):
                protocol = "udp" if "quic" in listen.args else "tcp"
                yield Listener(number(port), "" if address == "*" else address.strip("[]"), listen.place, protocol)
        if not server.children("listen"):
            yield Listener(8000, "", server.place)  # the default of nginx without root's rights


def _locations(root: Directive) -> Iterator[Directive]:
    """Return the locations, and the servers, which answer what no location does."""
    for server in servers(root):
        yield from server.descendants("location")


def _routes(root: Directive) -> Iterator[str]:
    for location in _locations(root):
        kind, path = location.args[0] if len(location.args) > 1 else "", (location.args or [""])[-1]
        if not path.startswith("@"):
            yield "" if kind.startswith("~") else path  # a regular expression may match anything


def _upstreams(root: Directive) -> Iterator[Upstream]:
    named = {up.value: up for http in root.children("http") for up in http.children("upstream")}
    for server in servers(root):
        for proxied in server.descendants("proxy_pass"):
            scheme, _, target = proxied.value.partition("://")
            upstream = named.get(target.partition("/")[0])
            if target.startswith("unix:"):
                yield _upstream(target, target[len("unix:") :].partition(":")[0], proxied, proxied.place, None)
            for one in upstream.children("server") if upstream and scheme else ():
                if one.value.startswith("unix:"):
                    yield _upstream(one.value, one.value[len("unix:") :], proxied, one.place, upstream)


def _upstream(address: str, socket: str, proxied: Directive, place: Place, pool: Directive | None) -> Upstream:
    location = proxied.parent or proxied
    headers = {one.value.lower(): one for one in location.inherited("proxy_set_header")}
    values = {name: one.arg(1) for name, one in headers.items()}
    kept = pool.setting("keepalive_timeout") if pool and pool.children("keepalive_timeout") else None
    places = {name: one.place for name, one in headers.items()}
    first = next(iter(headers.values()), proxied).place
    places |= {"preserves_host": places.get("host", first), "stripped_headers": first}
    places |= {name: first for name in OF_CONNECTION if name not in places}
    return Upstream(
        address=address,
        socket=socket if socket.startswith("/") else "",
        place=place,
        preserves_host=bool(HOST.match(values.get("host", ""))),
        keepalive=(seconds(kept.value) or 0 if kept else KEEPALIVE) if pool else 0,
        stripped_headers=frozenset(name for name, value in values.items() if name in headers and not value),
        set_headers=frozenset(name for name, allowed in OF_CONNECTION.items() if values.get(name) in allowed),
        places=places | ({"keepalive": kept.place} if kept else {}),
        only_path=location.args[-1] if location.name == "location" and location.value == "=" else "",
    )


def _location_of(server: Directive, uri: str) -> Directive | None:
    """Return the location of a server that answers a path, without regular expressions."""
    locations = [(one.args[:-1], one.args[-1], one) for one in server.children("location") if one.args]
    exact = [one for kind, path, one in locations if kind == ["="] and path == uri]
    prefixes = [(len(path), one) for kind, path, one in locations if kind != ["="] and uri.startswith(path)]
    return exact[0] if exact else max(prefixes, key=lambda found: found[0])[1] if prefixes else None


def error_pages(root: Directive) -> Iterator[tuple[Directive, str, Directive]]:
    """Return each `error_page` that names a path, with that path and the location, or the server, that answers it."""
    for server in servers(root):
        for one in server.inherited("error_page"):
            uri = (one.args or [""])[-1]
            if uri.startswith("/"):
                yield one, uri, _location_of(server, uri) or server


def _error_pages(root: Directive) -> Iterator[tuple[str, Place]]:
    for _, uri, location in error_pages(root):
        folder = location.setting("alias" if location.children("alias") else "root")
        if folder and not location.children("proxy_pass", "return"):
            path = folder.value if folder.name == "alias" else folder.value + uri
            yield path, folder.place


def _certificates(root: Directive) -> Iterator[Certificate]:
    for server in servers(root):
        if any({"ssl", "quic"} & set(listen.args) for listen in server.children("listen")):
            files, keys = server.inherited("ssl_certificate"), server.inherited("ssl_certificate_key")
            for file, key in zip(files, keys, strict=False):
                yield Certificate(file.value, key.value, file.place)


def _compressed(root: Directive) -> Iterator[tuple[str, Place]]:
    for one in root.descendants("gzip_types"):
        yield from ((pattern, one.place) for pattern in one.args)


class Nginx(Proxy):
    """nginx 1.30 or newer."""

    service = "nginx"
    name = "nginx"
    config_path = "/etc/nginx/nginx.conf"
    config_option = "-c"
    validator = "nginx -t"
    stop_signals = r"(SIG)?QUIT|3"
    syntax = Syntax(
        listen="write the port alone",
        upstream="write server unix:{socket};",
        preserve_host="write proxy_set_header Host $host$is_request_port$request_port;",
        strip_header='write proxy_set_header {header} "";',
        keepalive="keepalive_timeout",
        set_header={
            "X-Forwarded-For": "write proxy_set_header X-Forwarded-For $remote_addr;",
            "X-Forwarded-Proto": "write proxy_set_header X-Forwarded-Proto $scheme;",
        },
        serve_all="leave text/event-stream out of gzip_types",
    )

    def parse(self, file: str, text: str, path: str, run: Run) -> NginxConfig:
        """Return what nginx.conf says; for files that it includes, nginx is asked."""
        root, problem = parse(file, text)
        missing = []
        if includes(root):
            answer = run(["nginx", "-T", "-q", "-c", path])
            files = dumped(answer.result.out) if answer and answer.result.code == 0 else {}
            missing = resolve(root, posixpath.dirname(path), files)
        return read(root, problem, missing)

    def validate(self, path: str) -> list[str]:
        """Return `nginx -t` for a file."""
        return ["nginx", "-t", "-c", path]

    def explain(self, rejection: Query) -> tuple[int, str] | None:
        """Return the line and the message of what `nginx -t` rejects."""
        found = re.search(r"(?m)^(?:nginx:|\S+ \S+) \[emerg\] (?:\d+#\d+: )?(.*)$", rejection.result.err)
        if rejection.result.code != REJECTED or not found:
            return None
        line = re.search(r" in /[^ ]*:(\d+)$", found[1])
        return int(line[1]) if line else 0, re.sub(r" in /[^ ]*:\d+$", "", found[1])[:300]

    def duration(self, seconds: float) -> str:
        """Return seconds as nginx writes them."""
        return f"{seconds:g}s"
