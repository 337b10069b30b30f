"""Wrong answers, given to the real Cookiecutter: what it prints, and what is on the disk after it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Environment, StrictUndefined

from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.process import run

BRACE = "contains {, which a name may not; use letters, digits, spaces and any of .,-_+'’()!&/:;@%=?"
# Neither dotnet nor docker: a right answer costs no publish here.
NO_TOOLS = {"PATH": "/nowhere"}


@pytest.fixture
def output_dir(tmp_path: Path) -> Path:
    """An empty folder to bake into, with a space in its name."""
    folder = tmp_path / "some where"
    folder.mkdir()
    return folder


def bake(
    output_dir: Path, *arguments: str | Path, cwd: Path | None = None, settings: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run Cookiecutter with options that the testkit's function does not take, and a user's settings, as YAML."""
    config = output_dir.parent / "config.yaml"
    config.write_text(f"replay_dir: {output_dir.parent / 'replay'}\n{settings}")
    options = ["--config-file", str(config), "--output-dir", str(output_dir)]
    env = {**NO_TOOLS, "PWD": "/"}
    return run(sys.executable, "-m", "cookiecutter", *options, *arguments, cwd=cwd, env=env, check=False)


def refusals(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that the hook printed: all before Cookiecutter's own."""
    assert done.returncode == 1, done.stderr
    ours, _, _ = done.stderr.partition("ERROR: Stopping generation because pre_gen_project")
    assert "Traceback" not in ours
    return ours.splitlines()


def test_pre_gen_refuses_all_invalid_answers_and_leaves_nothing(output_dir: Path) -> None:
    wrong = ["project_name=a{b", "project_slug=nul", "http_port=80a", "socket_path=/tmp/x.sock"]

    done = cookiecutter(REPO, output_dir, *wrong, check=False)

    assert refusals(done) == [
        f'project_name: "a{{b" {BRACE}',
        'project_slug: "nul" is a device on Windows; use another, such as nul-app',
        'http_port: "80a" is not a port; use 1 to 65535, such as 8080',
        'socket_path: "/tmp/x.sock" is not a file in a directory of its own below /tmp or /run; use letters, digits '
        "and . _ - between the /, such as /tmp/myapp/kestrel.sock",
    ]
    assert list(output_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("project_name=" + "x" * 300, ["project_name"]),
        ("project_name=🚀", ["project_name"]),
        ("project_name=Con", ["project_slug"]),
        ("http_port=8080\n", ["http_port"]),
        ("https=yes", ["https"]),  # with H2O
    ],
)
def test_pre_gen_names_each_invalid_answer_and_no_other(answer: str, named: list[str], output_dir: Path) -> None:
    done = cookiecutter(REPO, output_dir, answer, check=False)

    assert [line.split(":")[0] for line in refusals(done)] == named
    assert list(output_dir.iterdir()) == []


@pytest.mark.parametrize("answer", ["proxy=apache", "proxy=../h2o", "https=maybe", "kubernetes=k3s"])
def test_answer_that_is_no_choice_is_refused(answer: str, output_dir: Path) -> None:
    # By Cookiecutter itself, before any hook; but 2.6 knows the choices of a list alone.
    done = cookiecutter(REPO, output_dir, answer, check=False)

    name, _, value = answer.partition("=")
    assert done.returncode == 1
    assert re.search(rf"{value} provided for (choice )?variable {name}\b|^{name}: \"{value}\" is ", done.stderr, re.M)
    assert list(output_dir.iterdir()) == []


@pytest.mark.parametrize("word", ["yes", "Y", "true", "on", "1"])
def test_each_word_for_yes_is_accepted(word: str, output_dir: Path) -> None:
    cookiecutter(REPO, output_dir, "--accept-hooks=no", "proxy=nginx", f"https={word}")

    record = json.loads((output_dir / "myapp/.uds-stack.json").read_text())
    assert record["answers"]["https"] is True
    assert "8443" in (output_dir / "myapp/compose.yaml").read_text()


def test_refusal_is_shown_on_an_ascii_terminal(output_dir: Path) -> None:
    done = cookiecutter(REPO, output_dir, "project_name=é{", env={"PYTHONIOENCODING": "ascii"}, check=False)

    assert refusals(done) == [f'project_name: "\\xe9{{" {BRACE}'.replace("’", "\\u2019")]


def test_user_defaults_that_are_not_text_are_refused(output_dir: Path) -> None:
    defaults = "default_context: {project_name: no, project_slug: 1e3, http_port: 0x50}"

    done = bake(output_dir, "--no-input", REPO, settings=defaults)

    assert refusals(done) == [
        'project_name: "no" is not text; put it between quotes',
        'project_slug: "1e3" is not a name for an image and an assembly; use a to z, 0 to 9 and single - or _ between '
        "them, a letter first, such as my-app",
    ]


def test_user_default_port_may_be_a_number(output_dir: Path) -> None:
    done = bake(output_dir, "--no-input", REPO, settings="default_context: {http_port: 8081}")

    assert done.returncode == 0, done.stderr
    assert "HTTP_PORT=8081\n" in (output_dir / "myapp/.env").read_text()


def test_existing_folder_is_unchanged(output_dir: Path) -> None:
    mine = output_dir / "myapp" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")

    done = cookiecutter(REPO, output_dir, env=NO_TOOLS, check=False)

    assert done.returncode == 1
    assert f'Error: "{mine.parent}" directory already exists' in done.stdout
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]
    assert mine.read_text() == "mine"


def test_refusal_leaves_an_older_project_unchanged(output_dir: Path) -> None:
    cookiecutter(REPO, output_dir, env=NO_TOOLS)
    before = contents(output_dir)

    done = bake(output_dir, "--no-input", "--overwrite-if-exists", REPO, "http_port=0")

    assert refusals(done) == ['http_port: "0" is not a port; use 1 to 65535, such as 8080']
    assert contents(output_dir) == before


def contents(folder: Path) -> dict[Path, bytes]:
    """All files in a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_replayed_answers_are_validated(output_dir: Path) -> None:
    cookiecutter(REPO, output_dir, "http_port=8099", env=NO_TOOLS)
    first = contents(output_dir)
    [replay] = (output_dir.parent / "replay").iterdir()
    again = output_dir.parent / "again"
    again.mkdir()

    assert bake(again, "--replay-file", replay, REPO).returncode == 0
    assert {path.relative_to(again): text for path, text in contents(again).items()} == {
        path.relative_to(output_dir): text for path, text in first.items()
    }

    saved = json.loads(replay.read_text())
    saved["cookiecutter"]["http_port"] = "99999"
    saved["cookiecutter"]["project_slug"] = "another"
    replay.write_text(json.dumps(saved))
    done = bake(again, "--replay-file", replay, REPO)
    assert refusals(done) == ['http_port: "99999" is not a port; use 1 to 65535, such as 8080']
    assert [path.name for path in again.iterdir()] == ["myapp"]


@pytest.mark.parametrize("template", [".", "./", REPO.name, str(REPO)])
def test_hooks_are_found_by_each_form_of_the_template_path(template: str, output_dir: Path) -> None:
    here = REPO.parent if template == REPO.name else REPO

    done = bake(output_dir, "--no-input", template, "http_port=0", cwd=here)

    assert refusals(done) == ['http_port: "0" is not a port; use 1 to 65535, such as 8080']


def test_git_url_works_and_its_clone_stays_clean(output_dir: Path) -> None:
    env = {"PATH": os.defpath, "UDS_STACK_PUBLISH_SECONDS": "0"}

    cookiecutter(f"git+file://{REPO}", output_dir, env=env)
    done = cookiecutter(f"git+file://{REPO}", output_dir, "project_slug=nul", env=env, check=False)

    assert refusals(done) == ['project_slug: "nul" is a device on Windows; use another, such as nul-app']
    [clone] = (output_dir.parent / "cookiecutters").iterdir()
    assert run("git", "status", "--porcelain", "--ignored", cwd=clone).stdout == ""
    assert [path.name for path in output_dir.iterdir()] == ["myapp"]


def test_hooks_import_no_module_from_the_temporary_folder(output_dir: Path, tmp_path: Path) -> None:
    # Cookiecutter runs the hooks from that folder, where everybody may write.
    for module in ("json", "re", "pathlib", "subprocess", "answers", "yaml"):
        (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')")

    cookiecutter(REPO, output_dir, env={**NO_TOOLS, "TMPDIR": str(tmp_path)})

    assert not (tmp_path / "trace").exists()


def test_pre_gen_names_the_version_that_an_old_cookiecutter_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What such a version does differently, as far as it matters: derived answers stay unrendered, some are missing.
    context = {"project_name": "MyApp", "project_slug": "myapp", "__namespace": "{{ cookiecutter.project_name }}"}
    monkeypatch.chdir(REPO)
    hook = Environment(undefined=StrictUndefined).from_string(Path("hooks/pre_gen_project.py").read_text())
    (tmp_path / "hook.py").write_text(hook.render(cookiecutter=context))
    old = tmp_path / "old" / "cookiecutter"
    old.mkdir(parents=True)
    (old / "__init__.py").write_text("__version__ = '1.7.3'\n")

    done = run(sys.executable, tmp_path / "hook.py", env={"PYTHONPATH": str(old.parent)}, check=False)

    assert done.returncode == 1
    assert done.stderr == 'Cookiecutter 1.7.3 is too old; 2.6 or newer is needed: pipx install "cookiecutter>=2.6"\n'
