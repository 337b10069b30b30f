"""What the check is composed of: the proxies, the options, and the rules of each."""

from __future__ import annotations

from collections.abc import Collection

from uds_stack.check.folder import Folder
from uds_stack.check.option_interface import Option
from uds_stack.check.proxy_interface import Proxy
from uds_stack.check.rule import Rule
from uds_stack.check.rules import (
    certificates,
    forwarding,
    hardening,
    health,
    mounts,
    network,
    shutdown,
    socket,
    validation,
    volume,
)
from uds_stack.check.stack import Stack
from uds_stack.options.kubernetes import rules as kubernetes_rules
from uds_stack.options.kubernetes.manifests import Kubernetes
from uds_stack.proxies.caddy import rules as caddy_rules
from uds_stack.proxies.caddy.reader import Caddy
from uds_stack.proxies.h2o import rules as h2o_rules
from uds_stack.proxies.h2o.reader import H2o
from uds_stack.proxies.nginx import rules as nginx_rules
from uds_stack.proxies.nginx.reader import Nginx

PROXIES: dict[Proxy, list[Rule]] = {
    H2o(): h2o_rules.RULES,
    Nginx(): nginx_rules.RULES,
    Caddy(): caddy_rules.RULES,
}
OPTIONS: dict[type[Option], list[Rule]] = {Kubernetes: kubernetes_rules.RULES}
MARKS: dict[str, type[Option]] = {"kustomization.yaml": Kubernetes}  # the file that an option is recognised by
GENERAL = [
    *validation.RULES,
    *socket.RULES,
    *volume.RULES,
    *mounts.RULES,
    *network.RULES,
    *health.RULES,
    *forwarding.RULES,
    *certificates.RULES,
    *shutdown.RULES,
    *hardening.RULES,
]


def find_proxy(services: Collection[str]) -> Proxy:
    """Return the proxy that one of these services is named after, or else the first."""
    return next((proxy for proxy in PROXIES if proxy.service in services), next(iter(PROXIES)))


def find_options(folder: Folder) -> list[type[Option]]:
    """Return the options that the project in a folder has."""
    return [option for mark, option in MARKS.items() if folder.exists(mark)]


def rules_of(stack: Stack) -> list[Rule]:
    """Return the rules that apply to a project: the general ones, those of its proxy, and those of its options."""
    of_options = [rule for option in stack.options for rule in OPTIONS[type(option)]]
    return [*GENERAL, *PROXIES[stack.proxy], *of_options]
