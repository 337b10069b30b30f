"""Rules on a stack of a few lines, without a folder: the values on both sides of each line that they draw."""

import fnmatch
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from uds_stack.check.files import Files
from uds_stack.check.folder import Folder, TextFile
from uds_stack.check.gather import gather
from uds_stack.check.query import Queries
from uds_stack.check.rule import Rule
from uds_stack.check.rules.network import port, tcp
from uds_stack.check.rules.shutdown import grace_period, keepalive, stop_signal
from uds_stack.check.rules.socket import service, socket_code, socket_reach
from uds_stack.check.rules.volume import volume_access
from uds_stack.check.stack import Stack
from uds_stack.proxies.nginx.rules import nginx_https_port

NOWHERE = Path("/nowhere")
NGINX = "services: {{app: {{build: ., user: '1654:1654', {app}}}, nginx: {{image: nginx:1.30, {proxy}}}}}\n"


class TextsInMemory(Folder):
    """Files that are on no disk."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(NOWHERE)
        self._texts = texts

    def _read_now(self, name: str) -> TextFile:
        return TextFile(name, self._texts[name]) if name in self._texts else TextFile(name, problem="is missing")

    def glob(self, pattern: str) -> list[str]:
        return sorted(name for name in self._texts if fnmatch.fnmatchcase(name, pattern.replace("**/", "*")))

    def exists(self, name: str) -> bool:
        return any(PurePosixPath(one).is_relative_to(self.relative(name)) for one in self._texts)


def stack_of(**texts: str) -> Stack:
    """Return the stack of these files: `compose`, `nginx`, `program` and `settings`."""
    names = {
        "compose": "compose.yaml",
        "nginx": "nginx/nginx.conf",
        "program": "src/shop/Program.cs",
        "settings": "src/shop/appsettings.json",
    }
    files = {names[key]: text for key, text in texts.items()} | {"src/shop/shop.csproj": "Microsoft.NET.Sdk.Web"}
    return gather(Files(TextsInMemory(files)), Queries(NOWHERE, 1, files_only=True))


def problems(rule: Rule, stack: Stack) -> list[str]:
    """What a rule finds."""
    return [violation[1] for violation in rule.check(stack)]


def nginx(app: str = "", proxy: str = "", rest: str = "", **texts: str) -> Stack:
    """Return a stack with nginx, with these keys of its services."""
    return stack_of(compose=NGINX.format(app=app, proxy=proxy) + rest, **texts)


@pytest.mark.parametrize("signal", ["SIGTERM", "INT", "SIGQUIT", "15", "3"])
def test_signals_at_which_the_app_finishes(signal: str) -> None:
    assert problems(stop_signal, nginx(app=f"stop_signal: {signal}")) == []


@pytest.mark.parametrize("signal", ["SIGKILL", "9", "HUP", "SIGTERMINATE"])
def test_other_signals_of_the_app(signal: str) -> None:
    assert problems(stop_signal, nginx(app=f"stop_signal: {signal}")) != []


def test_signal_that_is_right_for_the_app_alone() -> None:
    stack = nginx(app="stop_signal: SIGTERM", proxy="stop_signal: SIGTERM")
    assert problems(stop_signal, stack) == [
        "nginx: stop_signal is SIGTERM, at which nginx does not finish its requests"
    ]


@pytest.mark.parametrize(("period", "count"), [("31s", 0), ("1m", 0), ("30s", 1), ("500ms", 1), ("soon", 0)])
def test_grace_period_is_longer_than_the_hosts_timeout(period: str, count: int) -> None:
    assert len(problems(grace_period, nginx(app=f"stop_grace_period: {period}"))) == count


@pytest.mark.parametrize(("drain", "count"), [("00:00:05", 0), ("00:00:02", 1), ("00:00:02.5", 0), ("x", 0)])
def test_drain_is_longer_than_idle_connections(drain: str, count: int) -> None:
    settings = f'{{"Socket": {{"DrainTimeout": "{drain}"}}}}'
    config = (
        "http { upstream a { server unix:/s; keepalive_timeout 2s; } server { location / { proxy_pass http://a; } } }"
    )
    assert len(problems(keepalive, nginx(settings=settings, nginx=config))) == count


MOUNTS = "volumes: [{type: volume, source: socket, target: /tmp/shop}]"
PROGRAM = 'kestrel.ListenUnixSocket("/tmp/shop/a.sock");'


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("uid=1654,gid=1654,mode=0710,nosuid,nodev,noexec", []),
        ("gid=1654,mode=0770,nosuid,nodev,noexec", []),
        ("uid=1654,gid=1654,mode=u+rwx", []),  # the kernel rejects it
        ("uid=1654,gid=1654,mode=0710", ["the volume lacks the options nosuid,nodev,noexec"]),
        ("uid=1654,gid=1654,mode=0711,nosuid,nodev,noexec", ["mode 0711 opens the volume to all users"]),
        (
            "uid=1654,gid=1654,mode=0700,nosuid,nodev,noexec",
            ["nginx: its user may not pass through the volume, which is 1654:1654 with mode 0700"],
        ),
    ],
)
def test_owner_and_mode_of_the_volume(options: str, found: list[str]) -> None:
    volume = f"volumes: {{socket: {{driver_opts: {{type: tmpfs, device: tmpfs, o: '{options}'}}}}}}"
    proxy = f"user: '1655:1655', group_add: ['1654'], {MOUNTS}"
    assert problems(volume_access, nginx(app=MOUNTS, proxy=proxy, rest=volume)) == found


def test_volume_without_options_is_roots() -> None:
    stack = nginx(app=MOUNTS, proxy=MOUNTS, rest="volumes: {socket: }")
    assert problems(volume_access, stack) == ["the volume of the socket has no driver_opts"]


@pytest.mark.parametrize(
    ("upstream", "found"),
    [
        ("unix:/tmp/shop/a.sock", []),
        ("unix:/tmp/shop/b.sock", ["nginx connects to /tmp/shop/b.sock, but the app listens on /tmp/shop/a.sock"]),
        ("unix:/run/a.sock", ["nginx: no volume is mounted at the folder of the socket /run/a.sock"]),
        ("127.0.0.1:5000", ["no route leads to the app's socket"]),
    ],
)
def test_upstream_is_the_apps_socket(upstream: str, found: list[str]) -> None:
    config = f"http {{ upstream a {{ server {upstream}; }} server {{ location / {{ proxy_pass http://a; }} }} }}"
    assert problems(socket_reach, nginx(app=MOUNTS, proxy=MOUNTS, program=PROGRAM, nginx=config)) == found


@pytest.mark.parametrize("path", ["a.sock", ""])
def test_path_that_is_not_absolute(path: str) -> None:
    stack = nginx(app=MOUNTS, proxy=MOUNTS, program=f'kestrel.ListenUnixSocket("{path}");')
    assert problems(socket_reach, stack) == [f"the path of the socket is {path!r}, not an absolute path"]


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("kestrel.ListenUnixSocket(path); builder.AddUnixSocketDefaults();", []),
        ("kestrel.ListenUnixSocket(path); // builder.AddUnixSocketDefaults();", ["AddUnixSocketDefaults"]),
        ("builder.AddUnixSocketDefaults();", ["ListenUnixSocket"]),
    ],
)
def test_calls_of_the_app(program: str, found: list[str]) -> None:
    stack = nginx(program=program, settings='{"Socket": {"Path": "/tmp/shop/a.sock"}}')
    assert [problem.split()[3].strip(",") for problem in problems(socket_code, stack) if "no code" in problem] == found


@pytest.mark.parametrize(("compose", "found"), [("services: {}", 2), ("{}", 2), ("include: [a.yaml]", 0), ("- a", 0)])
def test_services_are_missing_only_where_the_model_is_known(compose: str, found: int) -> None:
    assert len(problems(service, stack_of(compose=compose))) == found


@pytest.mark.parametrize("variable", ["ASPNETCORE_URLS", "DOTNET_HTTP_PORTS", "Kestrel__Endpoints__Web__Url"])
def test_variables_that_name_a_tcp_port(variable: str) -> None:
    assert problems(tcp, nginx(app=f"environment: {{{variable}: '8080'}}")) != []
    assert problems(tcp, nginx(app=f"environment: {{{variable}: 'http://unix:/tmp/a.sock'}}")) == []


@pytest.mark.parametrize(("networks", "count"), [("[a]", 1), ("[a, b]", 0), ("[b]", 0)])
def test_port_on_internal_networks(networks: str, count: int) -> None:
    proxy = f"ports: ['127.0.0.1:80:8080'], networks: {networks}"
    stack = nginx(proxy=proxy, rest="networks: {a: {internal: true}, b: }", nginx="http { server { listen 8080; } }")
    assert len(problems(port, stack)) == count


@pytest.mark.parametrize(
    ("http", "https", "found"),
    [
        (8080, 8443, []),
        (80, 443, []),
        (8080, 9443, ["8443", "8443"]),
        (80, 8443, ["443"]),
        (8080, 443, ["8443"]),  # a request over HTTPS names no port then
    ],
)
def test_port_to_which_visitors_are_sent(http: int, https: int, found: list[str]) -> None:
    config = """http {
        map $request_port $https_port { "" 443; default 8443; }
        server { listen 8080; return 308 https://$host:$https_port$request_uri; }
        server { listen 8443 ssl; add_header Alt-Svc 'h3=":$https_port"; ma=86400' always; }
    }"""
    proxy = f"ports: ['127.0.0.1:{http}:8080', '127.0.0.1:{https}:8443', '127.0.0.1:{https}:8443/udp']"
    found_ports = [
        problem.split()[5].strip(",") for problem in problems(nginx_https_port, nginx(proxy=proxy, nginx=config))
    ]
    assert found_ports == found


@pytest.mark.parametrize("separator", ["", "COMPOSE_PATH_SEPARATOR=;\n"])
def test_compose_files_are_those_that_compose_reads(separator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR"):
        monkeypatch.delenv(name, raising=False)
    between = ";" if separator else os.pathsep
    env = f"{separator}COMPOSE_FILE=compose.yaml{between}live.yaml\n"

    assert Files(TextsInMemory({".env": env})).compose.names == ["compose.yaml", "live.yaml"]
