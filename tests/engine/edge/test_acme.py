"""Public certificates, from an authority in the stack's network: by README's recipe for nginx, and by Caddy itself."""

import json
import os
import re
import shlex
import shutil
import ssl
from pathlib import Path

import pytest

from tests.engine.edge.secure import SecureSite, make_site
from tests.testkit.bake import edit
from tests.testkit.certificates import make_certificate
from tests.testkit.command import UDS_STACK
from tests.testkit.load import Visitors
from tests.testkit.process import cannot_run, eventually, run
from tests.testkit.stack import free_port

pytestmark = [pytest.mark.engine, pytest.mark.test_all]

DOMAIN = "shop.example.org"
COMPOSE_FILE = """
services:
  authority:
    image: nginx:1.30 # any with the C library that pebble needs
    entrypoint: [/pebble, -config, /authority/pebble.json]
    environment: {{PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0"}}
    ports: ["127.0.0.1:{port}:14000"]
    volumes: ["{pebble}:/pebble:ro", "{folder}:/authority:ro"]
  {proxy}:
    networks: {{default: {{aliases: [{domain}]}}}} # what public DNS says to the authority
"""
SETTINGS = {
    "listenAddress": "0.0.0.0:14000",
    "certificate": "/authority/cert.pem",
    "privateKey": "/authority/key.pem",
    "httpPort": 8080,  # the proxy's, in its container
    "tlsPort": 8443,
}


def add_authority(site: SecureSite, folder: Path, port: int) -> SecureSite:
    """Give the site's stack an ACME server, with its files in `folder`, and on this port of the host."""
    pebble = shutil.which("pebble") or cannot_run("pebble, a small ACME server, is not installed")
    make_certificate(folder, hosts=("authority", "localhost"))
    (folder / "pebble.json").write_text(json.dumps({"pebble": SETTINGS}))
    added = folder / "compose.yaml"
    added.write_text(COMPOSE_FILE.format(pebble=pebble, folder=folder, proxy=site.proxy, domain=DOMAIN, port=port))
    return site.with_environment(COMPOSE_FILE=f"compose.yaml:{added}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the authority, readable in its container."""
    folder = tmp_path / "authority"
    folder.mkdir()
    return folder


def issuer(site: SecureSite) -> str:
    """Return who issued the certificate that a visitor of DOMAIN gets; nothing where there is none."""
    try:
        served = site.served_certificate(DOMAIN)
    except OSError:
        return ""
    certificate = site.project.root / "served.pem"
    certificate.write_text(ssl.DER_cert_to_PEM_cert(served))
    return run("openssl", "x509", "-noout", "-issuer", "-ext", "subjectAltName", "-in", certificate).stdout


def certbot(site: SecureSite, authority: Path, port: int, *command: str) -> None:
    """Run certbot in the project's folder, with its own files beside the authority's."""
    folders = [f"--{kind}-dir={authority.parent / kind}" for kind in ("config", "work", "logs")]
    server = f"--server=https://localhost:{port}/dir"
    environment = {**site.project.environment, "REQUESTS_CA_BUNDLE": str(authority / "cert.pem")}
    run("certbot", *command, *folders, server, "--non-interactive", cwd=site.project.root, env=environment)


def recipe(site: SecureSite, programs: Path) -> list[str]:
    """Return the options of certbot in the project's README.md, as a shell reads them; the command is in `programs`."""
    command = programs / "uds-stack"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(UDS_STACK)} "$@"\n')
    command.chmod(0o755)
    block = re.search(r"^sudo certbot (.*?)^```", (site.project.root / "README.md").read_text(), re.M | re.S)
    assert block
    environment = {"PWD": str(site.project.root), "PATH": f"{programs}:{os.environ['PATH']}"}
    printed = run("sh", "-c", f"printf '%s\\0' {block[1]}", cwd=site.project.root, env=environment)
    return printed.stdout.replace("example.org", DOMAIN).split("\0")[:-1]


def test_certbot_gets_and_renews_a_certificate_without_a_lost_request(
    publish: Path, folder: Path, tmp_path: Path
) -> None:
    port = free_port()
    site = add_authority(make_site(publish, tmp_path / "nginx", "nginx", "uds-stack-acme-nginx"), folder, port)
    if not shutil.which("certbot"):
        cannot_run("certbot is not installed")
    try:
        site.project.up()
        with Visitors(site.port, tls=True) as visitors:
            eventually(lambda: visitors.started, "an answer on each connection")
            certbot(site, folder, port, *recipe(site, tmp_path), "--agree-tos", "--register-unsafely-without-email")
            first = site.served_certificate(DOMAIN)
            # Without a terminal, it sleeps for up to eight minutes to spread the load on the authority.
            certbot(site, folder, port, "renew", "--force-renewal", "--no-random-sleep-on-renew")

        assert "Pebble" in issuer(site)
        assert DOMAIN in issuer(site)
        assert site.served_certificate(DOMAIN) != first
        assert not visitors.bad
    finally:
        site.project.remove()


def test_caddy_gets_a_certificate_by_itself_and_keeps_it(publish: Path, folder: Path, tmp_path: Path) -> None:
    site = add_authority(make_site(publish, tmp_path / "caddy", "caddy", "uds-stack-acme-caddy"), folder, free_port())
    caddy = site.project.root / "caddy"
    shutil.copy(folder / "cert.pem", caddy / "authority.pem")
    ours = "{\n\tacme_ca https://authority:14000/dir\n\tacme_ca_root /etc/caddy/authority.pem\n"
    edit(caddy / "Caddyfile", "{\n\tadmin ", f"{ours}\tadmin ")
    site = site.with_environment(DOMAIN=DOMAIN)
    try:
        site.project.up()
        eventually(lambda: "Pebble" in issuer(site), "a certificate of the authority", within=60)
        assert DOMAIN in issuer(site)
        first = site.served_certificate(DOMAIN)

        site.project.compose("down")
        site.project.up()

        eventually(lambda: issuer(site), "a certificate")
        assert site.served_certificate(DOMAIN) == first
    finally:
        site.project.remove()
