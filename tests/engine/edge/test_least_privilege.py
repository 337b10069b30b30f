"""Least privilege, read in the namespaces of the running containers."""

import pytest

from tests.testkit.stack import ROOT, Project

pytestmark = pytest.mark.engine


@pytest.fixture(params=["app", "proxy"])
def service(request: pytest.FixtureRequest, proxy: str) -> str:
    """Return the name of each service: the app's and the proxy's."""
    return proxy if request.param == "proxy" else "app"


def status_of_every_process(stack: Project, service: str) -> list[dict[str, str]]:
    """/proc/PID/status of all processes in a container, as dictionaries."""
    script = "for status in /proc/[0-9]*/status; do echo ==; cat $status; done"
    processes = stack.beside(service, "sh", "-c", script).stdout.split("==\n")[1:]
    return [dict(line.split(":\t", 1) for line in process.splitlines() if ":\t" in line) for process in processes]


@pytest.mark.native
def test_processes_run_as_their_user_in_no_further_group(stack: Project, service: str) -> None:
    uid, groups = ("1654", {"1654"}) if service == "app" else ("1655", {"1654", "1655"})

    processes = status_of_every_process(stack, service)

    assert {process["Uid"] for process in processes} == {"\t".join([uid] * 4)}
    assert {group for process in processes for group in process["Groups"].split()} <= groups


@pytest.mark.native
def test_processes_have_no_capability_and_cannot_gain_one(stack: Project, service: str) -> None:
    for process in status_of_every_process(stack, service):
        assert {process[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert process["NoNewPrivs"] == "1"


@pytest.mark.native
def test_root_file_system_is_read_only(stack: Project, service: str) -> None:
    for directory in ("/", "/app" if service == "app" else f"/etc/{service}", "/usr"):
        refused = stack.beside(service, "touch", f"{ROOT}{directory}/x", check=False)
        assert refused.returncode != 0
        assert "Read-only file system" in refused.stderr


@pytest.mark.native
def test_containers_limit_memory_processes_and_logs(stack: Project, service: str) -> None:
    limits = stack.inspect(service)["HostConfig"]

    assert isinstance(limits, dict)
    assert 0 < limits["Memory"] <= 512 * 1024 * 1024
    assert 0 < limits["PidsLimit"] <= 512
    assert limits["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert limits["RestartPolicy"]["Name"] == "always"


@pytest.mark.native
def test_app_has_no_network_interface_but_loopback(stack: Project) -> None:
    assert stack.beside("app", "ls", "/sys/class/net").stdout.split() == ["lo"]


@pytest.mark.native
def test_app_has_no_tcp_socket(stack: Project) -> None:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        heading, *sockets = stack.beside("app", "cat", table).stdout.splitlines()
        assert "local_address" in heading
        assert sockets == []


@pytest.mark.native
def test_volume_is_owned_by_the_app_and_entered_by_its_group(stack: Project) -> None:
    assert stack.beside("app", "stat", "-c", "%u:%g %a", f"{ROOT}/tmp/myapp").stdout.strip() == "1654:1654 710"
    assert stack.beside("app", "stat", "-f", "-c", "%T", f"{ROOT}/tmp/myapp").stdout.strip() == "tmpfs"
    mount = next(
        line for line in stack.beside("app", "cat", "/proc/1/mounts").stdout.splitlines() if " /tmp/myapp " in line
    )
    assert {"nosuid", "nodev", "noexec"} <= set(mount.split()[3].split(","))


@pytest.mark.native
def test_socket_is_accessible_to_owner_and_group_only(stack: Project) -> None:
    listing = stack.beside("app", "stat", "-c", "%F %u:%g %a", "-L", f"{ROOT}/tmp/myapp/kestrel.sock").stdout.strip()

    assert listing == "socket 1654:1654 660"


@pytest.mark.native
def test_proxy_connects_but_cannot_list_or_write_the_socket_directory(stack: Project, proxy: str) -> None:
    assert stack.get().text == "Hello World!"
    assert "Permission denied" in stack.inside(proxy, "ls", "/tmp/myapp", check=False).stderr
    for command in (["touch", "/tmp/myapp/x"], ["rm", "-f", "/tmp/myapp/kestrel.sock"]):
        refused = stack.inside(proxy, *command, check=False)
        assert refused.returncode != 0
        assert "Read-only file system" in refused.stderr or "Permission denied" in refused.stderr


def test_proxy_is_published_on_loopback_only(stack: Project, proxy: str, port: int) -> None:
    assert stack.compose("port", proxy, "8080").stdout.split() == [f"127.0.0.1:{port}"]
