"""What soak tests have to know of each proxy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Proxy:
    """A proxy, the service of which has its name."""

    name: str
    title: str
    config: str  # its configuration file
    pool: tuple[str, str]  # the setting that keeps connections to the app open, and the one that keeps none
    version: tuple[str, ...]  # the command that prints it
    rate: int = 5000  # requests a second at most, so that a new version can be built at the same time
    has_workers: bool = True
    reload_is_lossless: bool = True


PROXIES = {
    "h2o": Proxy(
        "h2o", "H2O", "h2o.conf", ("proxy.timeout.keepalive: 2000", "proxy.timeout.keepalive: 0"), ("h2o", "--version")
    ),
    "nginx": Proxy("nginx", "nginx", "nginx.conf", ("keepalive 256;", "keepalive 0;"), ("nginx", "-v")),
    "caddy": Proxy(
        "caddy",
        "Caddy",
        "Caddyfile",
        ("keepalive 2s", "keepalive off"),
        ("caddy", "version"),
        rate=1500,  # of about 2,200 that it serves where the others serve 6,000
        has_workers=False,
        reload_is_lossless=False,
    ),
}
