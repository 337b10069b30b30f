"""Make a certificate for development, so that a new project with https starts at once.

The proxy mounts tls/live. The folder tls itself keeps other users of this host out, and git ignores it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from uds_stack.generate import signals
from uds_stack.process import Program

LIMIT = 60.0  # seconds
NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
DAYS = "365"


def make_certificate(project: Path) -> str | None:
    """Make tls/live/cert.pem and key.pem, unless they are there; return what went wrong, or None."""
    try:
        return _make(project / "tls" / "live")
    except OSError as error:  # such as a folder of another user, of an older project
        return f"{error.strerror}: {error.filename}"


def _make(live: Path) -> str | None:
    if any((live / name).exists() for name in ("cert.pem", "key.pem")):
        return None
    live.mkdir(parents=True, exist_ok=True)
    live.parent.chmod(0o700)
    live.chmod(0o755)
    if not (shutil.which("dotnet") and _with_dotnet(live)) and not (shutil.which("openssl") and _with_openssl(live)):
        return "neither `dotnet dev-certs` nor `openssl` made one"
    for name in ("cert.pem", "key.pem"):
        (live / name).chmod(0o644)
    return None


def explain(project: Path) -> list[str]:
    """Return the lines that say how to trust the certificate."""
    if not (project / "tls" / "live" / "cert.pem").is_file():
        return ["Put a certificate into tls/live/cert.pem and its key into tls/live/key.pem first."]
    return [
        "The certificate in tls/live is for this computer only. To trust it: dotnet dev-certs https --trust,",
        "or add tls/live/cert.pem to your browser. README.md says how to use a public one.",
    ]


def _with_dotnet(live: Path) -> bool:
    """Export the certificate that `dotnet run` uses, too; return whether that succeeded."""
    exported = live / "cert.pem"
    options = ["--export-path", str(exported), "--format", "Pem", "--no-password"]
    done = _run(["dotnet", "dev-certs", "https", *options], live)
    key = live / "cert.key"
    if key.is_file():
        key.replace(live / "key.pem")
    return done and exported.is_file() and (live / "key.pem").is_file()


def _with_openssl(live: Path) -> bool:
    """Make a self-signed certificate; return whether that succeeded."""
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    subject = ["-subj", "/CN=localhost", "-addext", NAMES, "-addext", "extendedKeyUsage=serverAuth"]
    return _run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, *files, *subject], live)


def _run(command: list[str], folder: Path) -> bool:
    """Run a program for at most a minute; return whether it succeeded."""
    try:
        with signals.deferred():
            program = Program(command, folder, merge=True)
    except OSError:
        return False
    try:
        return program.wait(LIMIT) and not program.result().problem
    finally:
        program.end(at_once=True)
