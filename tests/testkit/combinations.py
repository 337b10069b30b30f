"""The combinations of answers that make different files. Tests and dev/lint bake each of them.

python -m tests.testkit.combinations FOLDER    bakes each into a folder of its name
"""

import sys
from pathlib import Path

from tests.testkit.bake import REPO, cookiecutter, edit
from tests.testkit.certificates import make_certificate

WITH_JIT = {
    "h2o": ["proxy=h2o"],
    "nginx": ["proxy=nginx"],
    "nginx-https": ["proxy=nginx", "https=yes"],
    "caddy": ["proxy=caddy"],
    "caddy-https": ["proxy=caddy", "https=yes"],
}
NATIVE = "-native"  # ends the name of a combination whose app is compiled ahead of time
# The two ways to compile an app, and how the names of their combinations end.
JIT, AOT = "jit", "aot"
ENDINGS = {JIT: "", AOT: NATIVE}
WITH_AOT = {f"{name}{NATIVE}": [*answers, "native_aot=yes"] for name, answers in WITH_JIT.items()}
ON_COMPOSE = {**WITH_JIT, **WITH_AOT}
ON_KUBERNETES = {f"{name}-kubernetes": [*answers, "kubernetes=yes"] for name, answers in ON_COMPOSE.items()}
# The name of each, and its answers.
COMBINATIONS = {**ON_COMPOSE, **ON_KUBERNETES}
HTTPS = "-https"  # ends the name of a combination with https
PROXIES = tuple(name for name in WITH_JIT if not name.endswith(HTTPS))
HTTPS_PROXIES = tuple(name.removesuffix(HTTPS) for name in WITH_JIT if name.endswith(HTTPS))


def bake(name: str, output_dir: Path, *answers: str) -> Path:
    """Bake a combination, with more answers, into an empty folder; return the project. The hooks do not run."""
    output_dir.mkdir(parents=True, exist_ok=True)
    cookiecutter(REPO, output_dir, "--accept-hooks=no", *COMBINATIONS[name], *answers)
    return next(output_dir.iterdir())


def finish(project: Path) -> None:
    """Add what the hook and the owner would: ./publish, here without the app, a certificate, a registry's name."""
    (project / "publish").mkdir()
    native = (project / f"src/{project.name}/AppJsonContext.cs").exists()
    (project / "publish" / (project.name if native else f"{project.name}.dll")).touch()
    if "tls/live" in (project / "compose.yaml").read_text():
        make_certificate(project / "tls/live")
    if (kustomization := project / "kustomization.yaml").exists():
        edit(kustomization, "registry.example.com", "registry.test")


if __name__ == "__main__":
    for combination in COMBINATIONS:
        bake(combination, Path(sys.argv[1], combination))
