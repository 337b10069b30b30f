"""Read the JSON that Caddy makes of its Caddyfile into the interface of uds_stack.check.proxy_interface."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from uds_stack.check.folder import Place
from uds_stack.check.parsed_file import Problem
from uds_stack.check.proxy_interface import Certificate, Listener, Proxy, ProxyConfig, Run, Syntax, Upstream
from uds_stack.check.query import Query
from uds_stack.check.yaml_values import Value, items, mapping, number, text

NANOSECONDS = 1e9
ADAPTER = ("--adapter", "caddyfile")
KEEPALIVE = 120.0  # seconds, the default
SITE_HOSTS = re.compile(r"\{(http\.request\.|\.)?host(port)?\}")


@dataclass(frozen=True)
class CaddyConfig(ProxyConfig):
    """What the Caddyfile says, as Caddy's JSON."""

    data: Value = field(default=None)

    def line(self, pattern: str) -> Place:
        """Return the first line of the Caddyfile that matches; the JSON has no lines."""
        return line_of(self.file, self.text, pattern)


def line_of(file: str, content: str, pattern: str) -> Place:
    """Return the first line that matches a pattern and is no comment, or else the first line of the file."""
    rows = (re.sub(r"(^|\s)#.*", "", row) for row in content.split("\n"))
    return file, next((i for i, row in enumerate(rows, 1) if re.search(pattern, row)), 1)


def seconds(value: Value) -> float | None:
    """Return a time of the JSON, in nanoseconds, as seconds; None where it is absent."""
    return float(value) / NANOSECONDS if isinstance(value, (int, float)) else None


def handlers(value: Value, name: str) -> Iterator[dict[str, Value]]:
    """Return the handlers of a kind at any depth."""
    for one in value if isinstance(value, list) else ():
        yield from handlers(one, name)
    if isinstance(value, dict):
        if value.get("handler") == name:
            yield value
        for one in value.values():
            yield from handlers(one, name)


def servers(data: Value) -> list[dict[str, Value]]:
    """Return the servers of HTTP."""
    return [mapping(one) for one in mapping(data, "apps", "http", "servers").values()]


def has_tls(data: Value, server: dict[str, Value]) -> bool:
    """Return whether a server speaks HTTPS. Caddy adds the policies of the port for HTTPS only when it starts."""
    port = mapping(data, "apps", "http").get("https_port", 443)
    automatic = not mapping(server, "automatic_https").get("disable")
    at_port = any(text(listen).endswith(f":{port}") for listen in items(server.get("listen")))
    return bool(server.get("tls_connection_policies")) or (automatic and at_port)


def read(file: str, content: str, data: Value) -> CaddyConfig:
    """Return what Caddy's JSON says of this Caddyfile."""
    return CaddyConfig(
        file=file,
        listeners=tuple(_listeners(data, file, content)),
        upstreams=tuple(_upstreams(data, file, content)),
        routes=("",),  # a matcher may be more than a path
        routes_place=line_of(file, content, r"^\S*:\d+\s*\{|^\S+\s*\{$"),
        complete=bool(mapping(data)),
        served_files=tuple(_error_pages(data, file, content)),
        certificates=tuple(_certificates(data, file, content)),
        compressed_types=tuple(_compressed(data, file, content)),
        data=data,
        text=content,
    )


def _listeners(data: Value, file: str, content: str) -> Iterator[Listener]:
    for server in servers(data):
        for listen in map(text, items(server.get("listen"))):
            address, _, port = listen.rpartition("/")[2].rpartition(":")
            place = line_of(file, content, rf"\bbind\s.*{re.escape(address)}" if address else rf":{port}\b")
            if not listen.startswith("unix"):
                yield Listener(number(port), address.strip("[]"), place)
            protocols = server.get("protocols", ["h1", "h2", "h3"])
            if has_tls(data, server) and "h3" in items(protocols):
                yield Listener(number(port), address.strip("[]"), place, "udp")


def _routes(routes: Value, before: list[Value], path: str = "") -> Iterator[tuple[dict[str, Value], list[Value], str]]:
    """Return each reverse_proxy, with the handlers that come before it, and the one path that leads to it."""
    before = list(before)
    for route in map(mapping, items(routes)):
        matches = items(route.get("match"))
        paths = [text(one) for match in matches for one in items(mapping(match).get("path"))]
        own = paths[0] if len(paths) == len(matches) == 1 and "*" not in paths[0] else path
        chain = list(before)
        for handler in map(mapping, items(route.get("handle"))):
            if handler.get("handler") == "reverse_proxy":
                yield handler, chain, own
            elif handler.get("handler") == "subroute":
                yield from _routes(handler.get("routes"), chain, own)
            chain.append(handler)
        if not matches:
            before = chain


def _upstreams(data: Value, file: str, content: str) -> Iterator[Upstream]:
    for server in servers(data):
        for proxy, before, path in _routes(server.get("routes"), []):
            for upstream in map(mapping, items(proxy.get("upstreams"))):
                address = text(upstream.get("dial"))
                if address.startswith("unix"):
                    yield _upstream(address, proxy, before, path, bool(server.get("trusted_proxies")), file, content)


def _upstream(
    address: str, proxy: Value, before: list[Value], path: str, trusts: bool, file: str, content: str
) -> Upstream:
    deleted, given = _headers([*before, proxy])
    transport = mapping(proxy, "transport")
    pool = mapping(transport, "keep_alive")
    kept = 0.0 if pool.get("enabled") is False else seconds(pool.get("idle_timeout")) or KEEPALIVE
    match = re.fullmatch(r"unix(?:\+h2c)?/(/[^|]*)(?:\|.*)?", address)
    place = line_of(file, content, rf"\breverse_proxy\b.*{re.escape(address)}|\bto\s+{re.escape(address)}")
    host = given.get("host", "{host}")
    changed = {name for name in ("x-forwarded-for", "x-forwarded-proto") if name in given or name in deleted}
    patterns = {name: rf"(?i)\b{name}\b" for name in ("x-forwarded-for", "x-forwarded-proto")}
    patterns |= {"preserves_host": r"(?i)\bheader(_up)?\s+-?host\b", "keepalive": r"^\s*keepalive\b"}
    if trusts:
        patterns |= dict.fromkeys(("x-forwarded-for", "x-forwarded-proto"), r"\btrusted_proxies\b")
    found = {name: line_of(file, content, pattern) for name, pattern in patterns.items()}
    return Upstream(
        address=address,
        socket=match[1] if match else "",
        place=place,
        preserves_host=bool(SITE_HOSTS.fullmatch(host)) and "host" not in deleted,
        keepalive=kept,
        stripped_headers=frozenset(deleted | {name for name, value in given.items() if not value}),
        set_headers=frozenset() if trusts else frozenset({"x-forwarded-for", "x-forwarded-proto"} - changed),
        places={name: at for name, at in found.items() if at[1] > 1 and (name != "keepalive" or pool)},
        only_path=path,
    )


def _headers(chain: list[Value]) -> tuple[set[str], dict[str, str]]:
    """Return the request's headers that these handlers delete, and those that they set, in small letters."""
    deleted: set[str] = set()
    given: dict[str, str] = {}
    for handler in map(mapping, chain):
        request = {}
        if handler.get("handler") == "headers":
            request = mapping(handler, "request")
        elif handler.get("handler") == "reverse_proxy":
            request = mapping(handler, "headers", "request")
        deleted |= {text(name).lower() for name in items(request.get("delete"))}
        for name, value in mapping(request, "set").items():
            given[name.lower()] = text((items(value) or [""])[0])
    return deleted, given


def _error_pages(data: Value, file: str, content: str) -> Iterator[tuple[str, Place]]:
    """Return the files that a route for errors rewrites to."""
    for server in servers(data):
        routes = mapping(server, "errors").get("routes")
        roots = [text(one.get("root")) for one in handlers(routes, "vars") if one.get("root")]
        for uri in (text(one.get("uri")) for one in handlers(routes, "rewrite")):
            if roots and uri.startswith("/") and "{" not in uri:
                place = line_of(file, content, rf"\brewrite\b.*{re.escape(uri)}")
                yield posixpath.join(roots[0], uri.lstrip("/")), place


def _certificates(data: Value, file: str, content: str) -> Iterator[Certificate]:
    for one in map(mapping, items(mapping(data, "apps", "tls", "certificates").get("load_files"))):
        certificate, key = text(one.get("certificate")), text(one.get("key"))
        yield Certificate(certificate, key, line_of(file, content, rf"\btls\s+{re.escape(certificate)}"))


def _compressed(data: Value, file: str, content: str) -> Iterator[tuple[str, Place]]:
    for server in servers(data):
        for encode in handlers(server.get("routes"), "encode"):
            types = mapping(encode, "match", "headers").get("Content-Type")
            for pattern in items(types) if types else ("text/*",):  # the default has it
                escaped = re.escape(text(pattern))
                place = line_of(file, content, rf"Content-Type\s.*{escaped}" if types else r"\bencode\b")
                yield text(pattern), place


class Caddy(Proxy):
    """Caddy 2.11 or newer."""

    service = "caddy"
    name = "Caddy"
    config_path = "/etc/caddy/Caddyfile"
    config_option = "--config"
    validator = "caddy validate"
    stop_signals = r"(SIG)?TERM|(SIG)?INT|15|2"
    syntax = Syntax(
        listen="remove `bind`",
        upstream="write reverse_proxy unix/{socket}",
        preserve_host="remove the line that changes Host",
        strip_header="write header_up -{header} in reverse_proxy",
        keepalive="keepalive",
        set_header=dict.fromkeys(
            ("X-Forwarded-For", "X-Forwarded-Proto"), "remove this line: Caddy sets the header of the connection itself"
        ),
        serve_all="name the types to compress, without text/event-stream",
    )

    def parse(self, file: str, text: str, path: str, run: Run) -> CaddyConfig:
        """Return what the Caddyfile says, as Caddy adapts it; nothing where Caddy cannot be asked."""
        answer = run(["caddy", "adapt", "--config", path, *ADAPTER])
        data = answer.json if answer else None
        if isinstance(data, dict):
            return read(file, text, data)
        rejected = bool(answer and self.explain(answer))
        problem = "Caddy did not read the file: its ports, socket, headers, timeouts and certificates were not checked"
        remedy = "run `docker compose build caddy`, then check again" if answer else "check with Docker"
        unread = Problem((file, 1), problem, remedy)
        return CaddyConfig(file=file, routes_place=(file, 1), unread=() if rejected else (unread,), text=text)

    def validate(self, path: str) -> list[str]:
        """Return `caddy validate` for a file."""
        return ["caddy", "validate", "--config", path, *ADAPTER]

    def explain(self, rejection: Query) -> tuple[int, str] | None:
        """Return the line and the message of what Caddy rejects."""
        found = re.search(r"(?m)^Error: (.*)$", rejection.result.err)
        if rejection.result.code != 1 or not found:
            return None
        line = re.search(r"Caddyfile:(\d+)", found[1])
        message = re.sub(r"^adapting config using caddyfile: |/\S+/(?=Caddyfile)", "", found[1])
        return int(line[1]) if line else 0, message[:300]

    def duration(self, seconds: float) -> str:
        """Return seconds as the Caddyfile writes them."""
        return f"{seconds:g}s"
