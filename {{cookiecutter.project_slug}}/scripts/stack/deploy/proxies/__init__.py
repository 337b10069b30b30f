"""The proxies that redeploy.py can reload: a module each, named after the service, with its `PROXY`."""

from __future__ import annotations

import importlib
import pkgutil

from stack.deploy.proxy import Proxy


def names() -> list[str]:
    """Return the names of the proxies that have a module here."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Proxy:
    """Return the proxy of this name."""
    proxy: Proxy = importlib.import_module(f"{__name__}.{name}").PROXY
    return proxy
