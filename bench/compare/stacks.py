"""The stacks of the variants: baked, built, started once, asked in turn, removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.compare.load import Generator
from bench.compare.variants import DEFAULT, Variant
from bench.compare.workloads import Workload
from tests.testkit.bake import REPO, cookiecutter, copy_project, edit
from tests.testkit.process import eventually, run
from tests.testkit.stack import Project, free_port

HERE = Path(__file__).parent
AT_A_TIME = 2 * (os.cpu_count() or 1)  # stacks that start or stop: much of it is waiting


@dataclass(frozen=True)
class Stack:
    """A running variant."""

    variant: Variant
    project: Project
    generator: Generator


def bake(folder: Path, variants: Sequence[Variant]) -> dict[str, Path]:
    """Bake the projects of the variants in an empty folder; return each variant's own copy by its name."""
    baked: dict[tuple[str, bool], Path] = {}
    for proxy, native in dict.fromkeys([(DEFAULT, False), *((one.bakes, one.native) for one in variants)]):
        target = folder / "baked" / f"{proxy}{'-aot' if native else ''}"
        target.mkdir(parents=True)
        answers = [f"proxy={proxy}", *(["native_aot=yes"] if native else [])]
        cookiecutter(REPO, target, "project_name=Bench", *answers, "--accept-hooks=no")
        baked[proxy, native] = target / "bench"
        add_endpoints(target / "bench")
    projects = {}
    for variant in variants:
        (folder / variant.name).mkdir()
        projects[variant.name] = copy_project(baked[variant.bakes, variant.native], folder / variant.name / "bench")
        change(projects[variant.name], variant)
    return projects


def add_endpoints(project: Path) -> None:
    """Give a project's app what the benchmark asks for, and its containers less frequent health checks."""
    app = project / "src" / "bench"
    shutil.copy(HERE / "app" / "BenchEndpoints.cs", app)
    edit(app / "Program.cs", "\napp.Run();", "\napp.MapBench();\napp.Run();")
    # All stacks run at once, and each check starts a process.
    edit(project / "compose.yaml", "interval: 30s", "interval: 1h")


def change(project: Path, variant: Variant) -> None:
    """Make a project what its variant says."""
    for name in ("stack.yaml", *variant.files):
        if (folder := HERE / name).parent != HERE:
            copy_project(folder.parent, project / folder.parent.name)
        else:
            shutil.copy(HERE / name, project)
    for file, old, new in variant.edits:
        edit(project / file, old, new)


def environment(variant: Variant, prefix: str) -> dict[str, str]:
    """Return the variables for Compose."""
    return {
        "COMPOSE_PROJECT_NAME": f"{prefix}-{variant.name}",
        "COMPOSE_FILE": ":".join(("compose.yaml", "stack.yaml", *variant.files)),
        "HTTP_PORT": str(free_port()),
        "APP_IMAGE": app_image(variant, prefix),
        "LOAD_IMAGE": load_image(prefix),
        "LOAD_NETWORK": variant.network,
    }


def app_image(variant: Variant, prefix: str) -> str:
    """Return the name of the app's image. Variants share one, so that all ask the same bits."""
    return f"{prefix}-app-{'aot' if variant.native else 'jit'}"


def load_image(prefix: str) -> str:
    """Return the name of the load generator's image."""
    return f"{prefix}-load"


def build_images(projects: dict[str, Path], variants: Sequence[Variant], prefix: str) -> None:
    """Build the images that stacks share: the load generator's, and the app's from a project's own Dockerfile."""
    folders = {load_image(prefix): HERE / "loadgen"}
    for variant in variants:
        folders.setdefault(app_image(variant, prefix), projects[variant.name])
    for image, folder in folders.items():
        run("docker", "build", "--quiet", "--tag", image, folder, timeout=1200)


def remove_images(variants: Sequence[Variant], prefix: str) -> None:
    """Remove what build_images built; the layers stay in the builder's cache."""
    images = {load_image(prefix), *(app_image(variant, prefix) for variant in variants)}
    run("docker", "image", "rm", "--force", *sorted(images), check=False)


def start(variant: Variant, project: Project) -> Stack:
    """Start a stack and its generator."""
    services = [*variant.services, "load"]
    done = project.compose("up", "--build", "--detach", "--wait", *services, check=False)
    if done.returncode:
        raise SystemExit(f"{variant.title} does not start: {done.stderr}{project.compose('logs').stdout}")
    ids = {service: project.compose("ps", "--quiet", service).stdout.strip() for service in services}
    watched = {"app": ids["app"]} | ({"proxy": ids[variant.proxy]} if variant.proxy else {})
    return Stack(variant, project, Generator(ids["load"], variant.address, watched))


@contextmanager
def running(
    folder: Path, variants: Sequence[Variant], prefix: str, say: Callable[[str], None]
) -> Iterator[list[Stack]]:
    """Run the stacks of the variants, in an empty folder, until the end of the block; then remove all of them."""
    say(f"baking {len(variants)} variants")
    roots = bake(folder, variants)
    projects = {variant: Project(roots[variant.name], environment(variant, prefix)) for variant in variants}
    stacks: list[Stack] = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        try:
            say("building the images that they share")
            build_images(roots, variants, prefix)
            say("starting them")
            stacks += pool.map(start, projects, projects.values())
            yield stacks
        finally:
            say("removing them")
            for stack in stacks:
                stack.generator.close()
            list(pool.map(Project.remove, projects.values()))
            remove_images(variants, prefix)


def check_answers(stack: Stack, workloads: Sequence[Workload]) -> None:
    """Wait until a stack answers, and stop where one of its answers is not what it should be."""
    asked = [workload for workload in workloads if not workload.websocket]
    eventually(lambda: not stack.generator.fetch(asked[0]), f"the first answer of {stack.variant.title}")
    for workload in asked:
        if fault := stack.generator.fetch(workload):
            raise SystemExit(f"{stack.variant.title}: {fault}")
