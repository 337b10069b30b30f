"""The proxy's certificates are valid, and do not expire within days."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from uds_stack.check.folder import Place
from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.stack import Stack

RENEW = 7  # days before a certificate expires: an automatic renewal happens long before
# The two times of a certificate's validity: tag, length and digits of each, in DER.
VALIDITY = re.compile(rb"\x30.(?:\x17\x0d|\x18\x0f)\d{10,14}Z(?:\x17\x0d|\x18\x0f)(\d{10,14})Z", re.DOTALL)


@rule(ERROR, "Browsers show a warning instead of the site, and no program says so")
def certificate_ends(stack: Stack) -> Violations:
    """Report certificates that have expired and, as a warning, those that are about to."""
    now = datetime.now(timezone.utc)
    for name, end, place in _ends(stack):
        remedy = "renew it, then run `uds-stack reload`"
        if end <= now:
            yield place, f"the certificate {name} expired on {end:%Y-%m-%d}", remedy
        elif (end - now).days < RENEW:
            yield place, f"the certificate {name} expires on {end:%Y-%m-%d}", remedy, WARNING


def _ends(stack: Stack) -> Iterator[tuple[str, datetime, Place]]:
    """Return when each certificate that this process can read expires."""
    import ssl  # takes a while, and is seldom needed

    for one in stack.config.certificates:
        held = stack.model.mount_of(stack.proxy.service, one.file)
        host = Path(held[0].source, held[1]) if held and held[0].kind == "bind" else None
        with contextlib.suppress(ValueError, OSError):
            content = host.read_text() if host else ""
            first = re.search(r"-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----", content)
            found = VALIDITY.search(ssl.PEM_cert_to_DER_cert(first[0])) if first else None
            if host and found:
                digits = found[1].decode()
                century = "" if len(digits) == 14 else "20" if digits < "50" else "19"
                moment = datetime.strptime(century + digits, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
                yield stack.folder.relative(str(host)), moment, one.place


RULES = [certificate_ends]
