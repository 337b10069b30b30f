"""A second Docker engine, which tests may kill, in a network namespace of its own."""

import ctypes
import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.testkit.process import eventually, run

TESTBED = Path("/var/lib/uds-stack-testbed/engine/usr")  # where `make engine` may have unpacked one
PATH = f"{TESTBED}/sbin:{TESTBED}/bin:{os.environ['PATH']}:/usr/sbin:/sbin"


def missing() -> str:
    """Return why no second engine can be started; empty where it can."""
    if os.geteuid() != 0:
        return "a second Docker engine needs root"
    absent = [program for program in ("dockerd", "ip", "nsenter", "setpriv") if not shutil.which(program, path=PATH)]
    return f"a second Docker engine needs {', '.join(absent)}" if absent else ""


class Engine:
    """An engine that runs until the end of the block; it also ends if this process is killed."""

    def __init__(self, data: Path) -> None:
        self.network = Path(f"/run/netns/uds-stack-{os.getpid()}")
        self._run = Path(f"/run/uds-stack-{os.getpid()}")  # short, for sockets
        self._data = data
        self.host = f"unix://{self._run}/docker.sock"

    def __enter__(self) -> "Engine":
        self._run.mkdir()
        run("ip", "netns", "add", self.network.name)
        run("ip", "netns", "exec", self.network.name, "ip", "link", "set", "lo", "up")
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.end(signal.SIGTERM)
        run("ip", "netns", "delete", self.network.name)
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in reversed(mounts):
            if f"{mount}/".startswith((f"{self._run}/", f"{self._data}/")):
                run("umount", mount)
        shutil.rmtree(self._run)
        shutil.rmtree(self._data)

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        (self._run / "pid").unlink(missing_ok=True)  # stale after SIGKILL
        options = (f"--data-root={self._data}", f"--exec-root={self._run}/exec", f"--pidfile={self._run}/pid")
        # In the mount namespace of this process, so that a second start finds what the first has mounted.
        command = ["nsenter", f"--net={self.network}", "setpriv", "--pdeathsig=TERM", "dockerd", f"--host={self.host}"]
        with (self._run / "log").open("a") as log:
            self._process = subprocess.Popen(
                [*command, *options, "--config-file=/dev/null"],
                env={**os.environ, "PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(lambda: self.answers() or self._process.poll() is not None, "the second engine's start", within=60)
        assert self.answers(), (self._run / "log").read_text()[-2000:]

    def answers(self) -> bool:
        """Return whether the engine answers."""
        return run("docker", "--host", self.host, "version", check=False).returncode == 0

    def end(self, how: signal.Signals) -> None:
        """Send a signal to the engine and wait until it ends."""
        self._process.send_signal(how)
        self._process.wait(timeout=60)

    def copy_images(self, *images: str) -> None:
        """Copy images from the default engine."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "--host", self.host, "load", "--quiet"], stdin=saved.stdout, check=True)


def enter_network(path: Path) -> None:
    """Move this thread into another network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open() as file:
        if libc.setns(file.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
