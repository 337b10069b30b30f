"""How the check is called, what it reports, and how a finding is suppressed."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.testkit.bake import REPO, copy_project, edit
from tests.testkit.command import UDS_STACK
from tests.testkit.process import run
from tests.unit.check.corpus import check, codes
from uds_stack.check import catalogue
from uds_stack.check.report import report as find_all
from uds_stack.check.rule import Violations
from uds_stack.check.rules.forwarding import preserve_host
from uds_stack.socket_path import INSTANCE_SUFFIX_BYTES


def test_fresh_project_has_no_problems(project: Path) -> None:
    report = check(project, docker=False)
    assert report.code == 0
    *notes, last = report.text.splitlines()
    assert last == "No problems found."
    assert [line.split("note: ")[0] for line in notes] == ["compose.yaml:1: "]
    assert not report.errors


def test_files_alone(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("docker", "kubectl"):
        (tmp_path / program).write_text("#!/bin/sh\ntouch started\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_all(project, files_only=True) == []
    assert not list(project.glob("started"))


def test_findings_are_reported_at_once_and_sorted(project: Path) -> None:
    edit(project / "compose.yaml", "network_mode: none", "network_mode: host")
    edit(project / "h2o/h2o.conf", "listen: 8080", "listen: 8081")
    edit(project / "src/shop/appsettings.json", "/tmp/shop/kestrel.sock", "kestrel.sock")
    report = check(project, "--json", docker=False)
    assert {one["file"] for one in report.of("error")} == {"compose.yaml", "src/shop/appsettings.json"}
    assert report.findings == sorted(report.findings, key=lambda one: (one["file"], one["line"]))
    assert all(list(one) == ["file", "line", "level", "code", "message", "remedy"] for one in report.findings)
    plain = check(project, docker=False)
    for one in report.of("error"):
        assert f"{one['file']}:{one['line']}: {one['message']}; {one['remedy']}" in plain.text.splitlines()
    assert plain.text.splitlines()[-1] == f"errors: {len(report.of('error'))}, warnings: 0"
    assert plain.code == report.code == 1


def test_suppressed_finding_is_a_note_with_the_reason(project: Path) -> None:
    comment = "# check: allow[network-mode] a trial until May"
    edit(project / "compose.yaml", "network_mode: none #", f"network_mode: host {comment} #")
    report = check(project, docker=False)
    note = "note: app: `network_mode: host` joins the network of others (allowed: a trial until May"
    assert note in report.text
    assert report.code == 0


def test_suppression_silences_its_code_alone(project: Path) -> None:
    edit(project / "compose.yaml", "  h2o:\n", "  h2o:\n    cap_add: [NET_ADMIN] # check: allow[privileged] a trial\n")
    both = "pids_limit: 0 # check: allow[cap-add, pids-limit] a trial"
    edit(project / "compose.yaml", "pids_limit: 200", both)
    report = check(project, "--json", docker=False)
    assert codes(report, "error") == ["cap-add"]
    assert codes(report, "warning") == []


def test_suppression_without_a_code_is_told_the_code(project: Path) -> None:
    edit(project / "compose.yaml", "network_mode: none #", "network_mode: host # check: allow a trial until May #")
    report = check(project, docker=False)
    warning = "warning: the suppression names no code; write # check: allow[network-mode] reason"
    assert warning in report.text
    assert report.code == 1


def test_duplicate_key_cannot_be_suppressed(project: Path) -> None:
    twice = "num-threads: 2\nnum-threads: 3 # check: allow[unreadable-file] me"
    edit(project / "h2o/h2o.conf", "num-threads: 2", twice)
    assert codes(check(project, "--json", docker=False), "error") == ["unreadable-file"]


def test_list_names_each_code_once(project: Path) -> None:
    report = check(project, "--list", docker=False)
    rows = [line.split(maxsplit=2) for line in report.text.splitlines()]
    assert report.code == 0
    assert len({row[0] for row in rows}) == len(rows)
    assert {row[1] for row in rows} == {"error", "warning", "info"}
    assert all(row[2] for row in rows)
    assert [row[0] for row in rows if row[0] == "preserve-host"]


def test_service_is_named_after_a_proxy(project: Path) -> None:
    edit(project / "compose.yaml", "  h2o:\n", "  web:\n")
    report = check(project, "--json", docker=False)
    assert [(one["code"], one["remedy"]) for one in report.of("error")] == [("service", "name the service h2o")]


def test_rule_that_fails(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_stack: object) -> Violations:
        raise ZeroDivisionError

    monkeypatch.setattr(catalogue, "GENERAL", [preserve_host._replace(check=fail)])
    found = find_all(project, files_only=True)
    assert [one.code for one in found] == ["check-failed"]
    assert "the rule preserve-host failed: ZeroDivisionError" in found[0].message


@pytest.mark.parametrize("options", [["--jsn"], ["compose.yaml"], ["--time-limit", "soon"]])
def test_usage_error(project: Path, options: list[str]) -> None:
    report = check(project, *options, docker=False)
    assert report.code == 2
    assert "usage:" in report.errors


def test_any_working_directory(project: Path, tmp_path: Path) -> None:
    for cwd in (Path("/"), project, project / "src"):
        assert check(project, docker=False, cwd=cwd).code == 0
    link = tmp_path / "link"
    link.symlink_to(project)
    assert check(link, docker=False).code == 0


def test_folder_with_spaces(shop: Path, tmp_path: Path) -> None:
    assert check(copy_project(shop, tmp_path / "my shop (1)"), docker=False).code == 0


def test_closed_stdout_is_not_an_error(project: Path) -> None:
    (project / "compose.yaml").unlink()
    command = f"{shlex.join(UDS_STACK)} check {project} | true"
    done = run("bash", "-c", command, env={"PATH": "/usr/bin:/bin"})
    assert not done.stderr


def test_instance_suffix_is_as_long_as_in_the_app(shop: Path) -> None:
    sources = "".join(file.read_text() for file in shop.glob("src/**/*.cs"))
    length = re.search(r"int IdLength = (\d+);", sources)
    assert length, "no source sets the length of an instance's id"
    assert len(".") + int(length[1]) == INSTANCE_SUFFIX_BYTES


def test_report_within_another_process_and_thread(project: Path, tmp_path: Path) -> None:
    edit(project / "h2o/h2o.conf", "proxy.preserve-host: ON", "proxy.preserve-host: OFF")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, threading\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(REPO)!r})\n"
        "from uds_stack.check import report\n"
        "def check():\n"
        "    found = report.report(Path(sys.argv[1]))\n"
        "    print(report.failed(found), *report.lines(found), sep='\\n')\n"
        "thread = threading.Thread(target=check)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    done = run(sys.executable, "-B", program, project, cwd=tmp_path, env={"PATH": str(project)})
    assert done.stdout.splitlines()[0] == "True"
    assert "the Host header of the request is not forwarded; write proxy.preserve-host: ON here" in done.stdout
    assert not list(project.rglob("__pycache__"))
