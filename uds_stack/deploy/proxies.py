"""The proxies that can be reloaded, each by the name of its service."""

from __future__ import annotations

from uds_stack.deploy.proxy import Proxy
from uds_stack.proxies.caddy.reload import Caddy
from uds_stack.proxies.h2o.reload import H2O
from uds_stack.proxies.nginx.reload import Nginx

PROXIES: dict[str, Proxy] = {"h2o": H2O(), "nginx": Nginx(), "caddy": Caddy()}
