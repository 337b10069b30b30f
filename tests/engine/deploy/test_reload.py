"""An edited configuration of the proxy is reloaded, and the app is deployed behind it: for H2O, nginx and Caddy."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.deploy.served import Site, get
from tests.testkit import combinations
from tests.testkit.bake import edit
from tests.testkit.faults import main_process, workers
from tests.testkit.load import Visitors
from tests.testkit.once import one_of_each
from tests.testkit.process import run
from tests.testkit.stack import project, running
from tests.testkit.websocket import TEXT, WebSocket

pytestmark = [pytest.mark.engine, pytest.mark.sdk]


@dataclass(frozen=True)
class Edits:
    """What is edited in a proxy's configuration."""

    title: str  # the proxy, as uds-stack names it
    config: str
    anchor: str
    header: str  # replaces `anchor`, and sends the header X-Edited: {}
    mistake: str  # replaces `anchor`, and makes the configuration invalid


EDITS = {
    "h2o": Edits("H2O", "h2o.conf", "hosts:\n", 'header.set: "X-Edited: {}"\nhosts:\n', "hots:\n"),
    "nginx": Edits(
        "nginx", "nginx.conf", "server_tokens off;", 'server_tokens off; add_header X-Edited "{}";', "server_token off;"
    ),
    "caddy": Edits("Caddy", "Caddyfile", "\tencode {", '\theader X-Edited "{}"\n\tencode {{', "\tencod {"),
}


@pytest.fixture(scope="module")
def sites(project_with_pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """A function that gives the running site of a proxy, all with the same app."""

    @contextmanager
    def make(proxy: str) -> Iterator[Site]:
        root = combinations.bake(proxy, tmp_path_factory.mktemp(f"reload-{proxy}"))
        for folder in ("src", "publish"):
            run("cp", "--recursive", "--no-target-directory", project_with_pages / folder, root / folder)
        site = Site(project(root, f"uds-stack-reload-{proxy}"), proxy)
        site.spare_the_compiler()
        site.set("first")
        with running(site.project, site.project.up):
            yield site

    with one_of_each(make) as found:
        yield found


@pytest.fixture(scope="module", params=EDITS)
def proxy(request: pytest.FixtureRequest) -> str:
    """The proxy's name."""
    return str(request.param)


@pytest.fixture(scope="module")
def edits(proxy: str) -> Edits:
    """What is edited in its configuration."""
    return EDITS[proxy]


@pytest.fixture
def site(sites: Callable[[str], Site], proxy: str, edits: Edits) -> Iterator[Site]:
    """The site of `proxy`; its configuration is restored afterwards."""
    found = sites(proxy)
    config = found.root / proxy / edits.config
    text = config.read_text()
    yield found
    if config.read_text() != text:
        config.write_text(text)
        found.uds_stack("reload")


def edit_header(site: Site, edits: Edits, value: str) -> None:
    """Edit the configuration: responses get another header X-Edited."""
    edit(site.root / site.proxy / edits.config, edits.anchor, edits.header.format(value))


def sent_header(site: Site) -> str | None:
    """The header X-Edited of a response."""
    return {name.lower(): value for name, value in site.project.get().headers.items()}.get("x-edited")


def check_load(load: Visitors, proxy: str) -> None:
    """Fail where a request was lost. Caddy closes connections under requests: there no response may be wrong."""
    if proxy == "caddy":
        assert set(load.bad) <= {"IncompleteReadError", "ConnectionResetError"}
        assert not load.failed or load.good_since_fault
    else:
        assert not load.bad


def test_reload_serves_an_edited_configuration(site: Site, proxy: str, edits: Edits) -> None:
    before = site.containers(proxy)
    edit_header(site, edits, "yes")

    with site.loaded() as load:
        done = site.uds_stack("reload")

    assert sent_header(site) == "yes"
    assert f"{edits.config} is reloaded" in done.stdout
    assert site.containers(proxy) == before
    check_load(load, proxy)


def test_reload_serves_an_open_connection(site: Site, proxy: str, edits: Edits) -> None:
    edit_header(site, edits, "while open")
    connection = http.client.HTTPConnection("127.0.0.1", int(site.project.environment["HTTP_PORT"]), timeout=30)
    assert get(connection)

    done = site.uds_stack("reload")

    assert sent_header(site) == "while open"
    if proxy == "caddy":
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            get(connection)
    else:
        assert "open connections stay with the previous one" in done.stdout
        assert get(connection)
    connection.close()


def test_reload_keeps_an_open_websocket(site: Site, proxy: str, edits: Edits) -> None:
    edit_header(site, edits, "beside a websocket")

    with WebSocket(int(site.project.environment["HTTP_PORT"]), "/echo-websocket") as websocket:
        site.uds_stack("reload")
        websocket.send(b"still here")
        received = websocket.receive()

    assert received == (TEXT, b"still here")
    assert sent_header(site) == "beside a websocket"


def test_reload_refuses_an_invalid_configuration(site: Site, proxy: str, edits: Edits) -> None:
    def processes() -> list[int]:
        return [main_process(site.project, proxy), *workers(site.project, proxy)]

    before = processes()
    edit(site.root / proxy / edits.config, edits.anchor, edits.mistake)

    with site.loaded() as load:
        done = site.uds_stack("reload", code=1)

    assert f"{edits.title} rejects {proxy}/{edits.config}" in done.stderr
    assert edits.mistake.split()[0].rstrip(":") in done.stderr
    assert processes() == before
    assert not load.bad


def test_reload_refuses_a_proxy_that_is_not_running(site: Site, proxy: str, edits: Edits) -> None:
    site.project.compose("stop", proxy)
    try:
        done = site.uds_stack("reload", code=1)
    finally:
        site.project.up()

    assert f"{edits.title} is not running: `docker compose up -d` starts it" in done.stderr


def test_reload_reports_an_edited_service(site: Site, proxy: str) -> None:
    compose = site.root / "compose.yaml"
    edit(compose, "pids_limit: 100", "pids_limit: 101")
    try:
        done = site.uds_stack("reload")
    finally:
        edit(compose, "pids_limit: 101", "pids_limit: 100")

    told = f"compose.yaml has changed for {proxy}, too: apply it with `docker compose up -d --timeout 1 {proxy}`"
    assert told in done.stdout
    assert "has changed" not in site.uds_stack("reload").stdout


def test_deploy_of_the_app_loses_no_request(site: Site) -> None:
    before = site.containers()
    site.set("a new version")

    with site.loaded() as load:
        done = site.uds_stack("deploy")

    assert site.project.get().text == "a new version"
    assert done.stdout.splitlines()[-1].endswith("is serving")
    assert not set(before) & set(site.containers())
    assert site.tidy()
    assert load.good > 100
    assert not load.bad
