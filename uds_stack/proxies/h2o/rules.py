"""Rules for H2O alone."""

from __future__ import annotations

from uds_stack.check.parsed_file import ParsedFile
from uds_stack.check.rule import ERROR, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.proxies.h2o.reader import Commands, H2oConfig


def _commands(stack: Stack) -> Commands:
    config = stack.config
    return config.commands if isinstance(config, H2oConfig) and config.commands else Commands(ParsedFile("", ""))


@rule(ERROR, "H2O cannot change its user in a container that does not start as root: it exits at once")
def h2o_user(stack: Stack) -> Violations:
    """Forbid `user`, which `h2o -t` accepts."""
    if found := _commands(stack).last("user"):
        yield found[1], f"`user: {found[0]}` changes the user that compose.yaml sets", "remove this line"


@rule(ERROR, "HTTP/2 in H2O 2.2.5 is open to CVE-2023-44487 and CVE-2025-8671")
def h2o_http2(stack: Stack) -> Violations:
    """Require that cleartext HTTP/2, which is on by default, is off."""
    commands = _commands(stack)
    value, place = commands.last("http1-upgrade-to-http2") or ("", (stack.config.file, 1))
    if value.upper() != "OFF" and commands.parsed.data:
        yield place, "HTTP/2 is enabled, and unpatched in H2O 2.2.5", "write http1-upgrade-to-http2: OFF"


RULES = [h2o_user, h2o_http2]
