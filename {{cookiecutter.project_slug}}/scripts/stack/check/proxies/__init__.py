"""The proxies: one module for each, named after its service in compose.yaml."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from pathlib import Path

from stack.check.proxy import Proxy


def known() -> list[str]:
    """Return the names of the proxies' modules, which are names of services. Another part of a proxy has a `_`."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if "_" not in path.stem)


def find(services: Collection[str]) -> Proxy:
    """Return the proxy that one of these services is named after, or else the first. Raises LookupError without any."""
    names = known()
    if not names:
        raise LookupError("scripts/stack/check/proxies has no module for a proxy; restore it")
    name = next((name for name in names if name in services), names[0])
    proxy: Proxy = import_module(f"{__name__}.{name}").PROXY
    return proxy
