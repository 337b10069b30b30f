"""Read and validate the Caddyfile through Caddy itself, and check what Caddy alone has."""

from __future__ import annotations

import re

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.proxy import Ask, Proxy, Syntax, Unread, Version
from uds_stack.check.question import Answer
from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.values import Place, Value, items, mapping, number, seconds_of_duration, text
from uds_stack.proxies.caddy.config import CaddyConfig, handlers, has_tls, line_of, read, seconds, servers

ADAPTER = ("--adapter", "caddyfile")
DEFAULT_ADMIN = "localhost:2019"
DEFAULT_GRACE = "10s"  # of Docker


class Caddy(Proxy):
    """Caddy 2.11 or newer."""

    service = "caddy"
    name = "Caddy"
    config_path = "/etc/caddy/Caddyfile"
    config_option = "--config"
    validator = "caddy validate"
    stop_signals = r"(SIG)?TERM|(SIG)?INT|15|2"
    version = Version((2, 11), ("caddy", "version"), "does not reload at SIGUSR1, which a reload sends")
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

    def parse(self, file: str, text: str, path: str, ask: Ask) -> CaddyConfig:
        """Return what the Caddyfile says, as Caddy adapts it; nothing where Caddy cannot be asked."""
        answer = ask(["caddy", "adapt", "--config", path, *ADAPTER])
        data = answer.json if answer else None
        if isinstance(data, dict):
            return read(file, text, data)
        rejected = bool(answer and self.explain(answer))
        problem = "Caddy did not read the file: its ports, socket, headers, timeouts and certificates were not checked"
        remedy = "run `docker compose build caddy`, then check again" if answer else "check with Docker"
        unread = Unread((file, 1), problem, remedy)
        return CaddyConfig(file=file, routes_place=(file, 1), unread=() if rejected else (unread,), text=text)

    def validate(self, path: str) -> list[str]:
        """Return `caddy validate` for a file."""
        return ["caddy", "validate", "--config", path, *ADAPTER]

    def explain(self, answer: Answer) -> tuple[int, str] | None:
        """Return the line and the message of what Caddy rejects."""
        found = re.search(r"(?m)^Error: (.*)$", answer.result.err)
        if answer.result.code != 1 or not found:
            return None
        line = re.search(r"Caddyfile:(\d+)", found[1])
        message = re.sub(r"^adapting config using caddyfile: |/\S+/(?=Caddyfile)", "", found[1])
        return int(line[1]) if line else 1, message[:300]

    def duration(self, seconds: float) -> str:
        """Return seconds as the Caddyfile writes them."""
        return f"{seconds:g}s"


def _data(project: Project) -> Value:
    config = project.config
    return config.data if isinstance(config, CaddyConfig) else None


def _at(project: Project, pattern: str) -> Place:
    return line_of(project.config.file, project.config_file.text, pattern)


def _tls_servers(project: Project) -> list[dict[str, Value]]:
    """Return the servers of HTTPS."""
    data = _data(project)
    return [one for one in servers(data) if has_tls(data, one)]


@rule("caddy-capability", ERROR, "The kernel starts no program whose file has a capability that the container lacks")
def remove_capability(project: Project, model: Model) -> Violations:
    """The official image's file has cap_net_bind_service."""
    dropped = any(text(one).lower() == "all" for one in items(model.get(Caddy.service, "cap_drop")))
    dockerfile = project.dockerfile(model, Caddy.service)
    base = re.search(r"(?mi)^FROM\s+(\S+/)?caddy[:@\s]", dockerfile.text + "\n")
    official = re.match(r"(\S+/)?caddy([:@]|$)", model.text(Caddy.service, "image"))
    if not dropped or not (base or official) or re.search(r"setcap\s+-r\s", dockerfile.text):
        return
    place = line_of(dockerfile.name, dockerfile.text, r"(?i)^FROM\s") if base else project.at(Caddy.service, "image")
    problem = "the program caddy keeps cap_net_bind_service, and does not start under cap_drop: [ALL]"
    yield place, problem, "write RUN setcap -r /usr/bin/caddy into its Dockerfile"


@rule("caddy-admin", ERROR, "Whoever reaches the admin endpoint replaces the configuration; a reload needs it")
def keep_admin_inside(project: Project, model: Model) -> Violations:
    """A socket on the tmpfs is reached by the container's own user alone."""
    admin = mapping(_data(project), "admin")
    listen, place = text(admin.get("listen")) or DEFAULT_ADMIN, _at(project, r"^\s*admin\b")
    path = listen.partition("|")[0].removeprefix("unix/")
    held = model.mount_of(Caddy.service, path) if listen.startswith("unix/") else None
    remedy = "write admin unix//tmp/caddy-admin.sock"
    if not project.config.complete:
        return
    if admin.get("disabled"):
        yield place, "the admin endpoint is off, and no reload works", remedy
    elif listen.startswith("unix/"):
        if not held or not held[0].writable:
            yield place, f"the admin endpoint {path} is in a folder that is read-only", remedy
    elif not re.match(r"(localhost|127\.|\[::1\])", listen):
        yield place, f"the admin endpoint {listen} is reached from other containers", remedy


@rule("caddy-grace-period", ERROR, "Without a limit that ends before Docker's, requests under way are cut by SIGKILL")
def order_grace_period_of_proxy(project: Project, model: Model) -> Violations:
    """Caddy waits for ever by default."""
    own = seconds(mapping(_data(project), "apps", "http").get("grace_period"))
    docker = seconds_of_duration(model.text(Caddy.service, "stop_grace_period") or DEFAULT_GRACE)
    if project.config.complete and docker is not None and (not own or own >= docker):
        held = f"is {own:g}s" if own else "is not set"
        problem = f"grace_period {held}, and must be shorter than stop_grace_period of {Caddy.service} ({docker:g} s)"
        yield _at(project, r"^\s*grace_period\b"), problem, f"write grace_period {max(docker - 1, 0.5):g}s"


@rule("caddy-streams", WARNING, "A reload closes every websocket at once")
def keep_streams_at_reload(project: Project, model: Model) -> Violations:
    """stream_close_delay keeps them."""
    for proxy in _site_proxies(project):
        if not proxy.get("stream_close_delay"):
            place = _at(project, rf"\breverse_proxy\b.*{re.escape(_dial(proxy))}")
            yield place, "stream_close_delay is not set, and a reload closes websockets", "write stream_close_delay 1h"


@rule("caddy-compression", WARNING, "The app compresses for Caddy what the visitor did not ask for")
def ask_for_no_compression(project: Project, model: Model) -> Violations:
    """Caddy adds `Accept-Encoding: gzip` to requests without it."""
    for proxy in _site_proxies(project):
        if mapping(proxy, "transport").get("compression") is not False:
            place = _at(project, rf"\breverse_proxy\b.*{re.escape(_dial(proxy))}")
            yield place, "Caddy asks the app for gzip by itself", "write compression off in transport http"


def _site_proxies(project: Project) -> list[dict[str, Value]]:
    """Return the handlers that lead visitors to a socket, without that of a health check alone."""
    only = {upstream.address for upstream in project.config.upstreams if not upstream.only_path}
    found = [one for server in servers(_data(project)) for one in handlers(server.get("routes"), "reverse_proxy")]
    health = [one for one in found if mapping(one, "headers", "request", "set").get("Host") == ["localhost"]]
    return [one for one in found if _dial(one) in only and one not in health]


def _dial(proxy: dict[str, Value]) -> str:
    return next((text(mapping(one).get("dial")) for one in items(proxy.get("upstreams"))), "")


@rule("caddy-body-size", WARNING, "Without a limit of the proxy only the app ends an upload")
def limit_body(project: Project, model: Model) -> Violations:
    """Kestrel's own limit is 30 MB."""
    for server in servers(_data(project)):
        limits = [number(one.get("max_size")) for one in handlers(server.get("routes"), "request_body")]
        if any(handlers(server.get("routes"), "encode")) and not any(limits):
            place = _at(project, r"\breverse_proxy\b")
            yield place, "no request_body has a max_size", "write request_body, max_size 10MB"


@rule("caddy-redirect", WARNING, "Caddy's own redirect forgets a published port other than 443")
def redirect_to_port(project: Project, model: Model) -> Violations:
    """The Caddyfile has a redirect of its own."""
    for server in _tls_servers(project):
        automatic = mapping(server, "automatic_https")
        if not automatic.get("disable") and not automatic.get("disable_redirects"):
            place = _at(project, r"^\s*auto_https\b|^\s*https_port\b")
            yield place, "Caddy redirects by itself, without the published port", "write auto_https disable_redirects"


@rule("caddy-data", ERROR, "The certificates of an authority, which limits new ones, end with the container")
def keep_certificates(project: Project, model: Model) -> Violations:
    """Where Caddy gets them itself."""
    automatic = _tls_servers(project) and not project.config.certificates
    held = model.mount_of(Caddy.service, "/data")
    if automatic and not (held and held[0].kind in ("volume", "bind") and held[0].writable):
        place = project.at(Caddy.service, "volumes")
        yield place, "nothing that lasts is mounted at /data, where Caddy keeps certificates", "mount a volume there"


PROXY = Caddy()
