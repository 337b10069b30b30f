"""The certificates that the proxy reads exist, fit their keys, and are valid."""

from __future__ import annotations

import contextlib
import re
import stat
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.values import Place

RENEW = 7  # days before a certificate ends: who renews by itself has done it long before
RELOAD = "renew it, then run `uds-stack reload`"
# The two times of a certificate's validity: tag, length and digits of each, in DER.
VALIDITY = re.compile(rb"\x30.(?:\x17\x0d|\x18\x0f)\d{10,14}Z(?:\x17\x0d|\x18\x0f)(\d{10,14})Z", re.DOTALL)

Pair = tuple[Path, Path, Place]


def _files(project: Project, model: Model) -> Iterator[tuple[str, str, Path, Place]]:
    """Return the files of certificates and keys that are mounted: what each is, its name, its path, and its line."""
    for one in project.config.certificates:
        for kind, path in (("certificate", one.file), ("key", one.key)):
            held = model.mount_of(project.proxy.service, path)
            if held and held[0].kind == "bind" and project.folder.exists(held[0].source):
                host = Path(held[0].source, held[1])
                yield kind, project.folder.relative(str(host)), host, one.place


def _pairs(project: Project, model: Model) -> Iterator[Pair]:
    """Return the certificates and keys that this process can read."""
    found = list(_files(project, model))
    for (_, _, certificate, place), (_, _, key, _) in zip(found[::2], found[1::2], strict=False):
        with contextlib.suppress(OSError):
            for file in (certificate, key):
                file.open("rb").close()
            yield certificate, key, place


@rule("certificate-missing", ERROR, "The proxy does not start without its certificate and its key")
def find_certificates(project: Project, model: Model) -> Violations:
    """Git ignores them, so a clone has none. A missing folder has its own finding."""
    for kind, name, host, place in _files(project, model):
        if not project.folder.exists(str(host)):
            yield place, f"the {kind} {name} is missing", "put a PEM file there, of certbot for example"


@rule("certificate-unreadable", ERROR, "The proxy does not start where its user cannot read these files")
def read_certificates(project: Project, model: Model) -> Violations:
    """Docker Desktop hands files over with other owners."""
    user = project.user(model, project.proxy.service)
    for kind, name, host, place in _files(project, model) if user and sys.platform == "linux" else ():
        for path, bit in ((host.parent, stat.S_IXOTH), (host, stat.S_IROTH)):
            if user and not _may(path, bit, *user):
                problem = f"the {kind} {name} cannot be read by user {user[0]} of the container"
                mode = "644" if path == host else "755"
                yield place, problem, f"run `chmod {mode} {project.folder.relative(str(path))}`"
                break


def _may(path: Path, bit: int, uid: int, gids: list[int]) -> bool:
    """Return whether a user has a right, given as the bit of others."""
    try:
        found = path.stat()
    except OSError:
        return True  # missing, or hidden from this process
    shift = 6 if found.st_uid == uid else 3 if found.st_gid in gids else 0
    return uid == 0 or bool(found.st_mode & (bit << shift))


@rule("certificate-key", ERROR, "The proxy does not start where the key is of another certificate, or no PEM file")
def match_keys(project: Project, model: Model) -> Violations:
    """OpenSSL compares them."""
    for certificate, key, place in _pairs(project, model):
        if why := _mismatch(certificate, key):
            names = " and ".join(project.folder.relative(str(file)) for file in (certificate, key))
            yield place, f"{names} {why}", "replace both, in PEM"


def _mismatch(certificate: Path, key: Path) -> str:
    import ssl  # takes a while, and is seldom needed

    unreadable = "cannot be read as certificate and key"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as e:
        return "do not belong together" if e.reason == "KEY_VALUES_MISMATCH" else unreadable
    except (OSError, ValueError):
        return unreadable
    return ""


def _ends(project: Project, model: Model) -> Iterator[tuple[str, datetime, Place]]:
    """Return when each certificate ends."""
    import ssl

    for certificate, _, place in _pairs(project, model):
        with contextlib.suppress(ValueError, OSError):
            first = re.search(r"-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----", certificate.read_text())
            found = VALIDITY.search(ssl.PEM_cert_to_DER_cert(first[0])) if first else None
            if found:
                digits = found[1].decode()
                century = "" if len(digits) == 14 else "20" if digits < "50" else "19"
                moment = datetime.strptime(century + digits, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
                yield project.folder.relative(str(certificate)), moment, place


@rule("certificate-expired", ERROR, "Browsers show a warning in place of the site")
def reject_expired_certificates(project: Project, model: Model) -> Violations:
    """The proxy serves it on."""
    now = datetime.now(timezone.utc)
    for name, end, place in _ends(project, model):
        if end <= now:
            yield place, f"the certificate {name} ended on {end:%Y-%m-%d}", RELOAD.format(project.proxy.service)


@rule("certificate-expires", WARNING, "Browsers show a warning in place of the site from that day on")
def report_ending_certificates(project: Project, model: Model) -> Violations:
    """Whatever renews it did not."""
    now = datetime.now(timezone.utc)
    for name, end, place in _ends(project, model):
        if now < end and (end - now).days < RENEW:
            yield place, f"the certificate {name} ends on {end:%Y-%m-%d}", RELOAD.format(project.proxy.service)
