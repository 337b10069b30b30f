"""The checks, by subject. They run in this order."""

from stack.check.rules import files, hardening, network, proxy, shutdown, socket, syntax, tools

__all__ = ["files", "hardening", "network", "proxy", "shutdown", "socket", "syntax", "tools"]
