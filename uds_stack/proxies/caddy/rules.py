"""Rules for Caddy alone."""

from __future__ import annotations

import re

from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import Value, items, mapping, seconds_of_duration, text
from uds_stack.proxies.caddy.reader import Caddy, CaddyConfig, handlers, has_tls, seconds, servers

DEFAULT_ADMIN = "localhost:2019"
DEFAULT_GRACE = "10s"  # of Docker


def _config(stack: Stack) -> CaddyConfig:
    return stack.config if isinstance(stack.config, CaddyConfig) else CaddyConfig(stack.config.file)


def _tls_servers(stack: Stack) -> list[dict[str, Value]]:
    """Return the servers of HTTPS."""
    data = _config(stack).data
    return [one for one in servers(data) if has_tls(data, one)]


@rule(ERROR, "Whoever reaches the admin endpoint can replace the configuration; without one no reload works")
def caddy_admin(stack: Stack) -> Violations:
    """Require one on a socket below /tmp, which the container's own user alone reaches, or on the loopback address."""
    admin = mapping(_config(stack).data, "admin")
    listen, place = text(admin.get("listen")) or DEFAULT_ADMIN, _config(stack).line(r"^\s*admin\b")
    path = listen.partition("|")[0].removeprefix("unix/")
    held = stack.model.mount_of(Caddy.service, path) if listen.startswith("unix/") else None
    remedy = "write admin unix//tmp/caddy-admin.sock"
    if not stack.config.complete:
        return
    if admin.get("disabled"):
        yield place, "the admin endpoint is off, so no reload works", remedy
    elif listen.startswith("unix/"):
        if not held or not held[0].writable:
            yield place, f"the admin endpoint {path} is in a read-only folder", remedy
    elif not re.match(r"(localhost|127\.|\[::1\])", listen):
        yield place, f"the admin endpoint {listen} can be reached from other containers", remedy


@rule(ERROR, "Without a limit that ends before Docker's, requests under way are cut by SIGKILL")
def caddy_grace_period(stack: Stack) -> Violations:
    """Require a limit; by default Caddy has none."""
    own = seconds(mapping(_config(stack).data, "apps", "http").get("grace_period"))
    docker = seconds_of_duration(stack.model.text(Caddy.service, "stop_grace_period") or DEFAULT_GRACE)
    if stack.services and stack.config.complete and docker is not None and (not own or own >= docker):
        held = f"is {own:g}s" if own else "is not set"
        problem = f"grace_period {held}, but must be shorter than stop_grace_period of {Caddy.service} ({docker:g} s)"
        yield _config(stack).line(r"^\s*grace_period\b"), problem, f"write grace_period {max(docker - 1, 0.5):g}s"


@rule(WARNING, "A reload closes every websocket at once")
def caddy_streams(stack: Stack) -> Violations:
    """Require stream_close_delay on each route for visitors."""
    for proxy in _site_proxies(stack):
        if not proxy.get("stream_close_delay"):
            place = _config(stack).line(rf"\breverse_proxy\b.*{re.escape(_dial(proxy))}")
            yield place, "stream_close_delay is not set, so a reload closes websockets", "write stream_close_delay 1h"


def _site_proxies(stack: Stack) -> list[dict[str, Value]]:
    """Return the handlers that lead visitors to a socket, without that of a health check alone."""
    only = {upstream.address for upstream in stack.config.upstreams if not upstream.only_path}
    found = [one for server in servers(_config(stack).data) for one in handlers(server.get("routes"), "reverse_proxy")]
    health = [one for one in found if mapping(one, "headers", "request", "set").get("Host") == ["localhost"]]
    return [one for one in found if _dial(one) in only and one not in health]


def _dial(proxy: dict[str, Value]) -> str:
    return next((text(mapping(one).get("dial")) for one in items(proxy.get("upstreams"))), "")


@rule(ERROR, "The container's end deletes its certificates, and the authority limits new ones")
def caddy_data(stack: Stack) -> Violations:
    """Require a volume where Caddy gets certificates itself."""
    automatic = _tls_servers(stack) and not stack.config.certificates
    held = stack.model.mount_of(Caddy.service, "/data")
    if stack.services and automatic and not (held and held[0].kind in ("volume", "bind") and held[0].writable):
        place = stack.at(Caddy.service, "volumes")
        yield place, "no volume is mounted at /data, where Caddy keeps certificates", "mount a volume there"


RULES = [caddy_admin, caddy_grace_period, caddy_streams, caddy_data]
