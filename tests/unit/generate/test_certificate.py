"""The certificate for development that the hook makes for a project with https, or its owner by README.md."""

import re
import shutil
import ssl
from pathlib import Path

import pytest

from tests.testkit import combinations
from tests.testkit.process import cannot_run, run
from uds_stack.generate import certificate

LIVE = "tls/live"


@pytest.mark.parametrize("tool", ["dotnet", "openssl"])
def test_certificate_is_made_and_out_of_reach(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = shutil.which(tool)
    if not program:
        cannot_run(f"needs {tool}")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / tool).symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))

    assert certificate.make_certificate(tmp_path) is None

    live = tmp_path / LIVE
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(live / "cert.pem", live / "key.pem")  # they match
    modes = [path.stat().st_mode & 0o777 for path in (live.parent, live, live / "cert.pem", live / "key.pem")]
    assert modes == [0o700, 0o755, 0o644, 0o644]


@pytest.mark.sdk
def test_readme_makes_a_certificate_where_no_hook_ran(tmp_path: Path) -> None:
    project = combinations.bake("nginx-https", tmp_path / "baked")
    block = re.search(r"```bash\n(mkdir .*?)```", (project / "README.md").read_text(), re.DOTALL)
    assert block

    run("sh", "-ec", f"umask 077\n{block[1]}", cwd=project)

    live = project / LIVE
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(live / "cert.pem", live / "key.pem")
    modes = [path.stat().st_mode & 0o777 for path in (live.parent, live, live / "cert.pem", live / "key.pem")]
    assert modes == [0o700, 0o755, 0o644, 0o644]


def test_certificate_that_is_there_is_kept(tmp_path: Path) -> None:
    live = tmp_path / LIVE
    live.mkdir(parents=True)
    (live / "cert.pem").write_text("the user's own")

    assert certificate.make_certificate(tmp_path) is None
    assert [path.name for path in live.iterdir()] == ["cert.pem"]
    assert (live / "cert.pem").read_text() == "the user's own"


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "tls").touch()

    assert certificate.make_certificate(tmp_path) == f"Not a directory: {tmp_path / LIVE}"


def test_missing_tools_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert certificate.make_certificate(tmp_path) == "neither `dotnet dev-certs` nor `openssl` made one"
    assert "Put a certificate into tls/live/cert.pem" in certificate.explain(tmp_path)[0]
