"""A project with endpoints for faults, and signals to the processes of its stack."""

import json
import shutil
import signal
from pathlib import Path

from tests.testkit.bake import copy_project, edit
from tests.testkit.process import run
from tests.testkit.stack import Project

IMAGE = "mcr.microsoft.com/dotnet/aspnet:10.0"


def add_pages(source: Path, root: Path) -> Path:
    """Copy a generated project, give its app the endpoints for tests, and publish it."""
    copy_project(source, root)
    add_endpoints(root)
    app = root / "src" / root.name
    run("dotnet", "publish", app, "--configuration", "Release", "--output", root / "publish", cwd=root)
    return root


def add_endpoints(project: Path) -> None:
    """Give a project's app the pages of the *Endpoints.cs beside this file, and what its settings can change.

    `Page` is the text of its page, `Fault` what is wrong with it, `Faults:Twice` a second use of the defaults, and
    `Faults:OwnHealth` its own /healthz. Its command `sleep` takes seconds.
    """
    app = project / "src" / project.name
    for pages in Path(__file__).parent.glob("*Endpoints.cs"):
        shutil.copy(pages, app)
    program = app / "Program.cs"
    edit(program, "var builder = ", "FaultEndpoints.Sleep(args);\n\nvar builder = ")
    edit(
        program,
        "var app = builder.Build();\n",
        'if (builder.Configuration.GetValue<bool>("Faults:Twice"))\n{\n    builder.AddUnixSocketDefaults();\n}\n\n'
        "builder.AddFault();\nvar app = builder.Build();\n",
    )
    edit(program, '"Hello World!"', '(app.Configuration["Page"] ?? "Hello World!")')
    edit(
        program,
        "\napp.Run();",
        "\napp.UseWebSockets();\napp.MapFaults();\napp.MapRequests();\napp.MapRecording();\napp.Run();",
    )


def state(stack: Project, service: str) -> dict[str, object]:
    """Return `docker inspect` of a service's container, even of a stopped one."""
    container = stack.compose("ps", "--all", "--quiet", service).stdout.split()[0]
    found: list[dict[str, object]] = json.loads(run("docker", "inspect", container).stdout)
    return found[0]


def status(stack: Project, service: str) -> str:
    """Return the container's status: running, restarting or exited."""
    return str(state(stack, service)["State"]["Status"])  # type: ignore[index]


def restarts(stack: Project, service: str) -> int:
    """Return how often the engine has restarted a service's container."""
    return int(str(state(stack, service)["RestartCount"]))


def main_process(stack: Project, service: str) -> int:
    """Return the host's pid of process 1 in a service's container: the app, or H2O's master."""
    return int(state(stack, service)["State"]["Pid"])  # type: ignore[index]


def workers(stack: Project, service: str = "h2o") -> list[int]:
    """Return the host's pids of a proxy's workers, the children of its master."""
    container = str(state(stack, service)["Id"])
    rows = run("docker", "top", container, "-eo", "pid,ppid").stdout.splitlines()[1:]
    master = main_process(stack, service)
    return [int(pid) for pid, parent in map(str.split, rows) if int(parent) == master]


def send(signal_: signal.Signals, *processes: int) -> None:
    """Send a signal to processes of containers at once, without the engine: it would not restart what it killed."""
    # From another container with the host's pids, so that it needs no privileges on this host.
    rights = ("--pid=host", "--network=none", "--user=0", "--cap-drop=ALL", "--cap-add=KILL", "--entrypoint=/bin/sh")
    kill = f"kill -{signal_.name[3:]} {' '.join(map(str, processes))}"
    run("docker", "run", "--rm", *rights, IMAGE, "-c", kill)
