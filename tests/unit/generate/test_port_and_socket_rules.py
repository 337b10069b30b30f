"""The rules for http_port and socket_path, held against those of YAML, JSON and the kernel."""

import json
import socket
import tempfile
from pathlib import PurePosixPath

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.testkit.hostile import HOSTILE
from tests.unit.generate.rules import many, refused
from uds_stack.generate import answers

PORTS = {str(number) for number in range(1, 65536)}


@pytest.mark.parametrize("port", ["1", "80", "8080", "65535"])
def test_port_fault_accepts_ports(port: str) -> None:
    assert refused(http_port=port) == []


def test_port_of_https_is_refused_for_http() -> None:
    assert refused(http_port="8443") == []
    assert refused(http_port="8443", proxy="nginx", https="yes") == [
        'http_port: "8443" is where https is published; use another, such as 8080'
    ]


@many
@given(st.one_of(HOSTILE, st.integers(-9, 99999).map(str), st.from_regex(r"[\d.e+_ -]{1,6}", fullmatch=True)))
def test_port_fault_accepts_nothing_but_ports(port: str) -> None:
    assert bool(refused(http_port=port)) != (port in PORTS)


@pytest.mark.parametrize(
    "path",
    ["/tmp/a/b", "/run/a/b.sock", "/tmp/my_app-1.x/deep/er/kestrel.sock", "/run/userland/x", "/tmp/a/" + "b" * 91],
)
def test_socket_fault_accepts_a_path_in_its_own_directory(path: str) -> None:
    assert refused(socket_path=path) == []


@pytest.mark.parametrize(
    "path",
    [
        "kestrel.sock",
        "tmp/myapp/kestrel.sock",
        "/tmp/kestrel.sock",
        "/run/kestrel.sock",
        "/tmp/myapp/",
        "/tmp/../etc/x/y",
        "/tmp/a/../b/c",
        "/tmp/./a/b",
        "/tmp//a/b",
        "//tmp/a/b",
        "/var/run/a/b",
        "/tmpx/a/b",
        "/tmp/.dotnet/x",
        "/tmp/-a/b",
        "/tmp/a b/c",
        "/tmp/a/b\n",
        "/tmp/\u00e9/b",
        "/run/secrets/x",
        "/run/user/1000/x",
        "/tmp/a/" + "b" * 92,
        r"C:\tmp\myapp\kestrel.sock",
        "",
    ],
)
def test_socket_fault_refuses_other_paths(path: str) -> None:
    [line] = refused(socket_path=path)

    assert line.startswith(f"socket_path: {answers.shown(path)} ")
    assert line.endswith("/kestrel.sock")


@many
@given(st.one_of(HOSTILE, HOSTILE.map(lambda text: f"/tmp/{text}/s"), st.from_regex(r"/run(/[a-z.]{1,3}){1,4}/?")))
def test_socket_fault_accepts_only_paths_that_every_parser_keeps(path: str) -> None:
    if refused(socket_path=path):
        return

    pure = PurePosixPath(path)
    assert str(pure) == path
    assert len(pure.parts) >= 4
    assert pure.parts[:2] in {("/", "tmp"), ("/", "run")}
    assert ".." not in pure.parts
    assert yaml.safe_load(f"{{target: {path}}}") == {"target": path}
    assert json.loads(f'"{path}"') == path
    assert len(path.encode()) + len(".1a2b3c4d") <= 107


def test_socket_path_length_is_the_limit_of_the_kernel() -> None:
    with tempfile.TemporaryDirectory() as folder:
        longest = f"{folder}/{'x' * (answers.SOCKET_PATH_LENGTH - len(folder) - 1)}.1a2b3c4d"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(longest)
        with socket.socket(socket.AF_UNIX) as listener, pytest.raises(OSError, match="too long"):
            listener.bind(longest + "x")
