"""A running project with https."""

import socket
import ssl
from dataclasses import dataclass, replace
from pathlib import Path

from tests.testkit import combinations
from tests.testkit.bake import copy_project
from tests.testkit.certificates import make_certificate
from tests.testkit.process import run
from tests.testkit.stack import Project, free_port, name_https_port
from uds_stack.generate import certificate

CURL = "nginx:1.30"  # an image with a curl that knows HTTP/3


@dataclass(frozen=True)
class SecureSite:
    """A running project with https."""

    project: Project
    proxy: str

    @property
    def port(self) -> int:
        """The port for https."""
        return int(self.project.environment["HTTPS_PORT"])

    @property
    def live(self) -> Path:
        """The folder of the certificate."""
        return self.project.root / "tls/live"

    def with_environment(self, **more: str) -> "SecureSite":
        """Return it with more environment variables for Compose and the scripts."""
        return replace(self, project=replace(self.project, environment={**self.project.environment, **more}))

    def fetch(self, path: str, *options: str) -> str:
        """Return what curl prints for a path, the certificate checked."""
        volume = f"--volume={self.live}:/live:ro"
        curl = ("curl", "-sS", "--cacert", "/live/cert.pem", *options, f"https://localhost:{self.port}{path}")
        return run("docker", "run", "--rm", "--network=host", "--entrypoint=", volume, CURL, *curl).stdout

    def served_certificate(self, name: str | None = None) -> bytes:
        """Return the certificate that the proxy sends to a visitor of this host name."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        with plain, context.wrap_socket(plain, server_hostname=name) as secured:
            return secured.getpeercert(binary_form=True) or b""

    def renew_certificate(self) -> bytes:
        """Replace the certificate by a new one, as a renewal does, and return it."""
        make_certificate(self.live)
        return ssl.PEM_cert_to_DER_cert((self.live / "cert.pem").read_text())


def make_site(publish: Path, folder: Path, proxy: str, name: str) -> SecureSite:
    """Bake a project with https in `folder`, whose app is a copy of `publish`, under a Compose name and free ports.

    Its certificate is the hook's.
    """
    root = combinations.bake(proxy + combinations.HTTPS, folder)
    copy_project(publish, root / "publish")
    assert certificate.make_certificate(root) is None
    ports = {"HTTP_PORT": str(free_port()), "HTTPS_PORT": str(free_port())}
    name_https_port(root, ports["HTTPS_PORT"])
    return SecureSite(Project(root, {"COMPOSE_PROJECT_NAME": name, **ports}), proxy)
