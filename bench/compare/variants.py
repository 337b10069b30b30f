"""What is compared. Another variant is one more entry here, and its files beside this one where it has any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.soak.proxies import PROXIES

SOCKET = "/tmp/bench/kestrel.sock"  # noqa: S108, in the containers; as the template makes it of the project's name
BY_TCP = "-tcp"  # in the name of a variant on TCP
DEFAULT = "h2o"  # the template's answer where nobody is asked


@dataclass(frozen=True)
class Variant:
    """A generated project, changed as far as its name says.

    `bakes` is the answer for `proxy`. `proxy` is the service that is asked, None for the app. `files` are Compose files
    beside this module; where one is in a folder, all of the folder is copied. `edits` replace text in files of the
    project: file, old text, new text.
    """

    name: str
    title: str
    bakes: str = DEFAULT
    proxy: str | None = None
    tcp: bool = False  # from the proxy, or from the visitor where there is none, to the app
    native: bool = False  # the app is compiled ahead of time
    files: Sequence[str] = ()
    edits: Sequence[tuple[str, str, str]] = ()

    @property
    def services(self) -> list[str]:
        """The services that are compared."""
        return ["app", *([self.proxy] if self.proxy else [])]

    @property
    def on_socket(self) -> str:
        """The name of the same variant on the socket."""
        return self.name.replace(BY_TCP, "")

    @property
    def network(self) -> str:
        """The load generator's network: that of what it asks."""
        return f"service:{self.services[-1]}" if self.proxy or self.tcp else "none"

    @property
    def address(self) -> str:
        """What the load generator asks."""
        return "127.0.0.1:8080" if self.proxy or self.tcp else f"unix:{SOCKET}"


# The upstream's address in each proxy's configuration: the socket, and the app on TCP.
UPSTREAMS = {
    "h2o": ("h2o/h2o.conf", f"http://[unix:{SOCKET}]/", "http://app:8080/"),
    "nginx": ("nginx/nginx.conf", f"server unix:{SOCKET};", "server app:8080;"),
    "caddy": ("caddy/Caddyfile", f"reverse_proxy unix/{SOCKET} {{", "reverse_proxy app:8080 {"),
}
TITLES = {name: proxy.title for name, proxy in PROXIES.items()} | {"haproxy": "HAProxy", "yarp": "YARP"}
# Commands that print a version, in the proxy's container.
VERSIONS = {name: proxy.version for name, proxy in PROXIES.items()} | {
    "haproxy": ("haproxy", "-v"),
    "yarp": ("grep", "-om1", "Yarp.ReverseProxy/[0-9.]*", "/app/yarp.deps.json"),
}


def _shipped(proxy: str, native: bool) -> Variant:
    suffix, how = ("-aot", ", AOT") if native else ("", "")
    return Variant(f"{proxy}{suffix}", f"{TITLES[proxy]}, socket{how}", proxy, proxy, native=native)


def _by_tcp(proxy: str) -> Variant:
    files, edits = ("tcp.yaml",), (UPSTREAMS[proxy],)
    return Variant(f"{proxy}{BY_TCP}", f"{TITLES[proxy]}, TCP", proxy, proxy, tcp=True, files=files, edits=edits)


def _foreign(proxy: str) -> Variant:
    return Variant(proxy, f"{TITLES[proxy]}, socket", proxy=proxy, files=(f"{proxy}/compose.yaml",))


# HAProxy and YARP write no access log: these show what H2O's costs, and the socket against TCP without it.
WITHOUT_LOG = "-null-log"  # ends the name of such a variant
LOG_TO_NULL = ("h2o/h2o.conf", "  path: /dev/stdout\n", "  path: /dev/null\n")


def _without_log(variant: Variant) -> Variant:
    return replace(
        variant,
        name=f"{variant.name}{WITHOUT_LOG}",
        title=f"{variant.title}, log to /dev/null",
        edits=(*variant.edits, LOG_TO_NULL),
    )


VARIANTS = (
    *(_shipped(proxy, native=False) for proxy in PROXIES),
    *(_shipped(proxy, native=True) for proxy in PROXIES),
    *map(_by_tcp, PROXIES),
    *map(_foreign, ("haproxy", "yarp")),
    *map(_without_log, (_shipped(DEFAULT, native=False), _by_tcp(DEFAULT))),
    Variant("kestrel-tcp", "Kestrel alone, TCP", tcp=True, files=("tcp.yaml", "published.yaml")),
    Variant("kestrel", "Kestrel alone, socket"),
    Variant("kestrel-aot", "Kestrel alone, socket, AOT", native=True),
)
