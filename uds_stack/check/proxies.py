"""The proxies of the template, each found by the name of its service."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module

from uds_stack.check.proxy import Proxy

NAMES = ("h2o", "nginx", "caddy")


def find(services: Collection[str]) -> Proxy:
    """Return the proxy that one of these services is named after, or else the first."""
    name = next((name for name in NAMES if name in services), NAMES[0])
    proxy: Proxy = import_module(f"uds_stack.proxies.{name}.rules").PROXY
    return proxy
