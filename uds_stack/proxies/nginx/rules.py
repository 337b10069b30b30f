"""Rules for nginx alone."""

from __future__ import annotations

import re

from uds_stack.check.folder import Place
from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import items, mapping, number
from uds_stack.proxies.nginx.directives import Directive, seconds
from uds_stack.proxies.nginx.reader import Nginx, NginxConfig, error_pages

UPGRADE = "proxy_set_header Upgrade $http_upgrade;"
CONNECTION = "proxy_set_header Connection $connection_upgrade;, and the map of that name"
ONE_FILE = "with `internal` and `root /etc/nginx`"


def _root(stack: Stack) -> Directive:
    config = stack.config
    root = config.root if isinstance(config, NginxConfig) else None
    return root or Directive("", [], (config.file, 1))


def _http(stack: Stack) -> Directive | None:
    """Return the block `http` of a file that was read in full."""
    return next(iter(_root(stack).children("http")), None) if stack.config.complete else None


@rule(ERROR, "The container exits when nginx leaves the foreground; nginx rejects a second `daemon`")
def nginx_daemon(stack: Stack) -> Violations:
    """Compare the file with the command of the container, which `nginx -t` does not see."""
    words = " ".join(stack.model.texts(Nginx.service, "command") + stack.model.texts(Nginx.service, "entrypoint"))
    command = words or stack.dockerfile(Nginx.service).text
    of_command = re.search(r"daemon\s+off", command)
    written = _root(stack).children("daemon")
    for one in written:
        if of_command:
            yield one.place, "daemon is set here and in the command of the container", "remove this line"
    known = "nginx" in words or re.search(r"(?m)^(CMD|ENTRYPOINT).*nginx", command)
    if known and not of_command and not written and stack.config.complete:
        key = "entrypoint" if stack.model.texts(Nginx.service, "entrypoint") else "command"
        remedy = f'write {key}: [nginx, -g, "daemon off;"]'
        yield stack.at(Nginx.service, key), "nginx runs in the background, so the container exits", remedy


@rule(WARNING, "A websocket fails without both headers; a fixed Connection ends idle connections")
def nginx_upgrade(stack: Stack) -> Violations:
    """Require both on each route for visitors; nginx forwards neither by default."""
    for proxied in _site_passes(stack):
        headers = {one.value.lower(): one for one in (proxied.parent or proxied).inherited("proxy_set_header")}
        values = {name: one.arg(1) for name, one in headers.items()}
        place = next(iter(headers.values()), proxied).place
        if values.get("upgrade") != "$http_upgrade":
            problem = "the header Upgrade is not forwarded, so websockets fail"
            yield headers["upgrade"].place if "upgrade" in headers else place, problem, f"write {UPGRADE}"
        if not values.get("connection", "").startswith("$"):
            problem = "the header Connection does not follow Upgrade"
            yield headers["connection"].place if "connection" in headers else place, problem, f"write {CONNECTION}"


def _site_passes(stack: Stack) -> list[Directive]:
    """Return each proxy_pass of HTTP, without those of a single path."""
    found = _root(stack).descendants("proxy_pass") if stack.config.complete else ()
    return [one for one in found if one.parent and "=" not in one.parent.args[:1]]


@rule(WARNING, "A reload closes idle connections under a visitor's next request")
def nginx_reload(stack: Stack) -> Violations:
    """Require that a reload leaves idle connections open for a while."""
    http = _http(stack)
    kept = http.setting("keepalive_min_timeout") if http else None
    if http and not (kept and seconds(kept.value)):
        problem = "keepalive_min_timeout is 0, so a reload loses requests"
        yield kept.place if kept else http.start, problem, "write keepalive_min_timeout 5s;"


@rule(WARNING, "nginx requests the error page from the app that is down")
def nginx_error_page(stack: Stack) -> Violations:
    """Require that the page has a location of its own."""
    for page, uri, location in error_pages(_root(stack)) if stack.config.complete else ():
        if location.children("proxy_pass") or not location.inherited("root"):
            yield page.place, f"no location serves {uri} from a file", f"add location = {uri} {ONE_FILE}"


@rule(ERROR, "nginx sends visitors to a port on which nothing is published")
def nginx_https_port(stack: Stack) -> Violations:
    """Compare the port in redirects and Alt-Svc with the one on which HTTPS is published, HTTPS_PORT in .env."""
    published, root = _published(stack), _root(stack)
    of_https = {number(one.value) for one in root.descendants("listen") if "ssl" in one.args}
    https = {host for port, host in published.items() if port in of_https}
    http = {host for port, host in published.items() if port not in of_https}
    places = (("return", r"https://[^/:\s]+:(\$?\w+)", http, 80), ("add_header", r'h3=":(\$?\w+)"', https, 443))
    for name, pattern, asked, default in places if len(https) == 1 else ():
        for one in root.descendants(name):
            for written in re.findall(pattern, " ".join(one.args)):
                port, place = _value(root, written, asked == {default}) or (written, one.place)
                if number(port) not in (None, *https):
                    problem = f"visitors are sent to port {port}, but HTTPS is published on {min(https)}"
                    yield place, problem, f"write {min(https)}, or set HTTPS_PORT={port} in .env"


def _published(stack: Stack) -> dict[int, int]:
    """Return the port of the host for each port of the container that Docker publishes over TCP."""
    entries = [mapping(entry) for entry in items(stack.model.get(Nginx.service, "ports"))]
    pairs = [
        (number(one.get("target")), number(one.get("published"))) for one in entries if one.get("protocol") != "udp"
    ]
    return {inside: host for inside, host in pairs if inside and host}


def _value(root: Directive, variable: str, is_default: bool) -> tuple[str, Place] | None:
    """Return what a map makes of the port of a request, which is empty where it is the default of its scheme."""
    for one in root.descendants("map"):
        if one.arg(1) == variable:
            key = "" if is_default and one.value == "$request_port" else "default"
            return next(((entry.value, entry.place) for entry in one.block if entry.name == key), None)
    return None


RULES = [nginx_daemon, nginx_upgrade, nginx_reload, nginx_error_page, nginx_https_port]
