"""The rules, by subject. Importing this registers them."""

from uds_stack.check.rules import files, hardening, health, network, proxy, shutdown, socket, syntax, tls, tools, volume

__all__ = ["files", "hardening", "health", "network", "proxy", "shutdown", "socket", "syntax", "tls", "tools", "volume"]
