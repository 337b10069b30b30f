"""Hostile answers, given to the real Cookiecutter: a project that carries them unharmed, or a refusal. Nothing runs."""

import io
import json
import os
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from hypothesis import HealthCheck, Phase, event, example, given, settings
from hypothesis import strategies as st

from tests.testkit.bake import REPO
from tests.testkit.hostile import HOSTILE

NAMES = ("project_name", "project_slug", "http_port", "socket_path")
QUESTIONS = [name for name in json.loads((REPO / "cookiecutter.json").read_text()) if not name.startswith("_")]
RIGHT = {"project_name": "My App", "project_slug": "my-app", "http_port": "8080", "socket_path": "/tmp/my-app/k.sock"}

# Each would leave a file where something runs it. The folder's name is put in for TRACE.
COMMANDS = [
    "$(touch TRACE)",
    "`touch TRACE`",
    '"; touch TRACE; "',
    "'; touch TRACE; '",
    "| touch TRACE",
    "${IFS}$(touch${IFS}TRACE)",
    "''' + __import__('os').system('touch TRACE') + r'''",
    '""" + __import__("os").system("touch TRACE") + """',
    "\\'''); __import__('os').system('touch TRACE') #",
    '@(System.IO.File.Create("TRACE"))',
    "$([System.IO.File]::WriteAllText('TRACE', ''))",
    '!!python/object/apply:os.system ["touch TRACE"]',
    "-->\n<Exec Command='touch TRACE' />",
    "x\nRUN touch TRACE",
]
# Cookiecutter itself renders answers that are not typed: what Jinja does there comes before any hook.
JINJA = ["{{ lipsum.__globals__.os.system('touch TRACE') }}", "{% for x in [1] %}{{ x }}", "{# #}", "{{ 7 * 7 }}", "{%"]
ORDINARY = {
    "project_name": st.sampled_from(
        ["MyApp", "Café Zürich's", "Ann’s Shop (2), v1.0!", "中文 App", "שלום", "e\u0301te\u0301"]
    ),
    "project_slug": st.from_regex(r"[a-z][a-z0-9]{0,8}([-_][a-z0-9]{1,8}){0,2}", fullmatch=True),
    "http_port": st.integers(1, 65535).map(str),
    "socket_path": st.from_regex(r"/(tmp|run)(/[a-z][A-Za-z0-9._-]{0,9}){2,4}", fullmatch=True),
}
WORDS = st.sampled_from(
    [
        "x" * 300,
        "no",
        "1e3",
        "08",
        "class",
        "System",
        "Microsoft",
        "xunit",
        "nul",
        "app.",
        "app ",
        "3d",
        "a\u202eb",
        "-f",
    ]
)


def answers_from(commands: list[str], hostile: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    """Four answers, of which one or two are hostile: more at once, and hardly a project would come out."""
    bad = st.one_of(st.sampled_from(commands), WORDS, hostile)
    some = st.dictionaries(st.sampled_from(NAMES), bad, min_size=1, max_size=2)
    return st.builds(lambda right, wrong: {**right, **wrong}, st.fixed_dictionaries(ORDINARY), some)


Deliver = Callable[[dict[str, str]], dict[str, Any]]


def judge(answers: dict[str, str], deliver: Deliver, capfd: pytest.CaptureFixture[str]) -> bool:
    """Bake with these answers and hold what comes out against them; return whether it was a project.

    Cookiecutter runs in this process, because an example would cost twice as much. Its hooks run in their own.
    """
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        trace, out = folder / "trace", folder / "out"
        out.mkdir()
        answers = {key: text.replace("TRACE", str(trace)) for key, text in answers.items()}
        (folder / "config.yaml").write_text(f"replay_dir: {folder / 'replay'}\n")
        patch.chdir(folder)
        patch.setenv("PATH", "/nowhere")  # neither dotnet nor docker
        patch.setenv("PYTHONIOENCODING", "utf-8")
        typed = deliver(answers)
        patch.setattr(sys, "stdin", io.StringIO(typed.pop("typed", "")))
        refusal: Exception | None = None
        try:
            cookiecutter(str(REPO), output_dir=str(out), config_file=str(folder / "config.yaml"), **typed)
        except Exception as error:
            refusal = error
        ours = capfd.readouterr().err
        made = [str(path.relative_to(out)) for path in out.glob("*")]

        assert not trace.exists(), f"a command ran out of {answers}"
        if refusal is None:
            assert made == [answers["project_slug"]], ours
            assert "uds-stack check does not accept" not in ours, ours
            holds(out / answers["project_slug"], answers)
            return True
        if "/" in answers["project_slug"]:
            # Cookiecutter makes all folders of such a path before any hook, and removes the last one alone.
            assert not [path for path in out.rglob("*") if not path.is_dir()]
        else:
            assert made == [], ours
        if isinstance(refusal, FailedHookException):
            assert "Traceback" not in ours, ours
            lines = ours.partition("Stopping generation")[0].splitlines()
            assert lines
            assert all(line.startswith(tuple(f"{name}: " for name in NAMES)) for line in lines), ours
        else:  # Cookiecutter's own, before any hook: it cannot make the folder
            assert ours == "", (ours, refusal)
        return False


def holds(project: Path, answers: dict[str, str]) -> None:
    """Check that a project's files parse, and that what the parsers read is what was answered."""

    class Loader(yaml.SafeLoader):
        """YAML with Compose's own tag."""

    Loader.add_constructor("!reset", lambda loader, node: None)
    parsers: dict[str, Callable[[str], object]] = {
        ".json": json.loads,
        ".yaml": lambda text: yaml.load(text, Loader),
        ".yml": yaml.safe_load,
        ".conf": yaml.safe_load,
        ".csproj": ElementTree.fromstring,
        ".props": ElementTree.fromstring,
        ".slnx": ElementTree.fromstring,
    }
    texts = {path: path.read_text(encoding="utf-8") for path in project.rglob("*") if path.is_file()}
    for path, text in texts.items():
        parsers.get(path.suffix, str)(text)

    name, slug, port, socket = (answers[key] for key in NAMES)
    compose = yaml.safe_load(texts[project / "compose.yaml"])
    assert compose["name"] == slug
    assert compose["services"]["h2o"]["ports"] == [f"${{HTTP_BIND:-127.0.0.1}}:${{HTTP_PORT:-{port}}}:8080"]
    assert compose["services"]["h2o"]["volumes"][-1]["target"] == socket.rpartition("/")[0]
    assert f"[unix:{socket}]" in json.dumps(yaml.safe_load(texts[project / "h2o/h2o.conf"]))
    assert json.loads(texts[project / f"src/{slug}/appsettings.json"])["Socket"]["Path"] == socket
    assert f"HTTP_PORT={port}" in texts[project / ".env"].splitlines()
    assert any(name in text for text in texts.values())
    assert (project / f"src/{slug}/{slug}.csproj").is_file()


def as_arguments(answers: dict[str, str]) -> dict[str, Any]:
    """Give the answers as the command line does."""
    return {"no_input": True, "extra_context": answers}


def as_typed(answers: dict[str, str]) -> dict[str, Any]:
    """Give the answers at Cookiecutter's prompts, one after the other; Enter at those for the options."""
    return {"typed": "".join(f"{answers[name]}\n" for name in NAMES) + "\n" * (len(QUESTIONS) - len(NAMES))}


# An example costs up to half a second: no shrinking.
run = settings(
    max_examples=int(os.environ.get('UDS_STACK_HOSTILE_EXAMPLES', '60')),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

no_jinja = HOSTILE.map(lambda text: text.replace("\0", "").replace("{", "").encode("utf-8", "ignore").decode())
one_line = HOSTILE.map(lambda text: "".join(text.replace("\0", "").split()).encode("utf-8", "ignore").decode())


@pytest.mark.parametrize("answers", [{**RIGHT, "project_name": "a\nb"}, {**RIGHT, "http_port": "8080\n"}])
def test_second_line_in_an_argument_is_refused(answers: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    assert not judge(answers, as_arguments, capfd)


@pytest.mark.parametrize("name", ["project_name", "socket_path"])
def test_jinja_at_a_prompt_runs_nothing(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    judge({**RIGHT, name: JINJA[0]}, as_typed, capfd)


@pytest.mark.test_all
@run
@given(answers=answers_from(COMMANDS, no_jinja))
def test_hostile_arguments_are_kept_intact_or_refused(
    capfd: pytest.CaptureFixture[str], answers: dict[str, str]
) -> None:
    event("a project" if judge(answers, as_arguments, capfd) else "a refusal")


@pytest.mark.test_all
@run
@given(answers=answers_from([command for command in COMMANDS if "\n" not in command] + JINJA, one_line))
@example(answers={**RIGHT, "project_slug": "app "})
def test_hostile_answers_at_prompts_are_kept_intact_or_refused(
    capfd: pytest.CaptureFixture[str], answers: dict[str, str]
) -> None:
    # The prompt takes spaces off both ends, and where nothing is left it takes the default.
    answers = {name: text.strip() or RIGHT[name] for name, text in answers.items()}

    event("a project" if judge(answers, as_typed, capfd) else "a refusal")


@pytest.mark.parametrize(
    "answers",
    [
        RIGHT,
        {**RIGHT, "project_name": "Ann’s Café & Co".replace("&", "+"), "http_port": "65535"},
        {**RIGHT, "project_name": "שלום 中文", "project_slug": "a_b-c", "socket_path": "/run/a.b/c-d/e_f.G"},
        {**RIGHT, "project_name": "x" * 60, "project_slug": "a" * 40, "socket_path": "/tmp/a/" + "b" * 91},
    ],
)
@pytest.mark.parametrize("deliver", [as_arguments, as_typed])
def test_answers_at_the_limits_make_a_project(
    answers: dict[str, str], deliver: Deliver, capfd: pytest.CaptureFixture[str]
) -> None:
    assert judge(answers, deliver, capfd)
