"""https with nginx and Caddy: redirect, protocols, the scheme that the app sees, and a renewed certificate."""

import json
import shutil
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.edge.secure import SecureSite, make_site
from tests.testkit.combinations import HTTPS_PROXIES
from tests.testkit.command import UDS_STACK
from tests.testkit.process import cannot_run, run
from tests.testkit.raw import exchange, head
from tests.testkit.stack import HEADLESS

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def sites(publish: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SecureSite]]:
    """Return the running projects by proxy, with the certificates that the hook makes."""
    found: dict[str, SecureSite] = {}
    try:
        for proxy in HTTPS_PROXIES:
            found[proxy] = make_site(
                publish, tmp_path_factory.mktemp(f"https-{proxy}"), proxy, f"uds-stack-https-{proxy}"
            )
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda site: site.project.up(), found.values()))
        yield found
    finally:
        for site in found.values():
            site.project.remove()


@pytest.fixture(params=HTTPS_PROXIES)
def site(sites: dict[str, SecureSite], request: pytest.FixtureRequest) -> SecureSite:
    """Return the running project of each proxy with https."""
    return sites[str(request.param)]


def test_http_redirects_to_the_published_https_port(site: SecureSite) -> None:
    port = int(site.project.environment["HTTP_PORT"])

    response = exchange(port, head("/a/b?c=d", host=f"localhost:{port}"))

    assert response.status == 308
    assert response.headers["location"] == f"https://localhost:{site.port}/a/b?c=d"


@pytest.mark.parametrize(
    ("option", "version"), [("--http1.1", "1.1"), ("--http2", "2"), ("--http3-only", "3")], ids=["h1", "h2", "h3"]
)
def test_page_comes_over_each_version_of_http(site: SecureSite, option: str, version: str) -> None:
    assert site.fetch("/", option, "-w", " %{http_version}") == f"Hello World! {version}"


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
    ids=["1.1", "1.2", "1.3"],
)
def test_tls_version_is_current(site: SecureSite, version: ssl.TLSVersion, accepted: bool) -> None:
    context = ssl.create_default_context(cafile=site.live / "cert.pem")
    context.set_ciphers("DEFAULT@SECLEVEL=0")  # or this side would refuse 1.1 itself
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", site.port)) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="localhost"):
                connected = True
        except ssl.SSLError:
            connected = False

    assert connected is accepted


@pytest.mark.parametrize("option", ["--http2", "--http3-only"], ids=["h2", "h3"])
def test_app_sees_https_and_the_host_with_its_port(site: SecureSite, option: str) -> None:
    request = json.loads(site.fetch("/request/", option, "-H", "X-Forwarded-Proto: http"))

    assert (request["scheme"], request["host"]) == ("https", f"localhost:{site.port}")


def test_http3_is_advertised_at_the_published_port_and_hsts_is_off(site: SecureSite) -> None:
    headers = site.fetch("/", "--http2", "-o", "/dev/null", "-D", "-").lower()

    assert f'alt-svc: h3=":{site.port}"; ma=86400' in headers
    assert "strict-transport-security" not in headers


def test_chromium_shows_the_page_once_it_trusts_the_certificate(site: SecureSite, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or cannot_run("needs chromium")
    certutil = shutil.which("certutil") or cannot_run("needs certutil, of libnss3-tools")
    page = (f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"https://localhost:{site.port}/")
    trusted = tmp_path / ".pki/nssdb"
    trusted.mkdir(parents=True)
    run(certutil, "-N", "-d", f"sql:{trusted}", "--empty-password")

    def shown() -> str:
        return run(browser, *HEADLESS, *page, env={"HOME": str(tmp_path)}, check=False, timeout=60).stdout

    assert "Hello World!" not in shown()
    run(certutil, "-A", "-d", f"sql:{trusted}", "-n", "myapp", "-t", "P,,", "-i", site.live / "cert.pem")
    assert "Hello World!" in shown()


def test_key_is_out_of_reach_for_other_users(site: SecureSite) -> None:
    assert site.live.parent.stat().st_mode & 0o777 == 0o700
    assert site.project.inside(site.proxy, "id", "-u").stdout.strip() == "1655"


def test_renewed_certificate_is_loaded_by_a_reload(site: SecureSite) -> None:
    before = site.served_certificate()
    renewed = site.renew_certificate()
    assert site.served_certificate() == before

    run(*UDS_STACK, "reload", cwd=site.project.root, env=site.project.environment)

    assert site.served_certificate() == renewed
