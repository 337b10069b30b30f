"""Which modules of uds_stack may import which, and how large they may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.testkit.bake import REPO
from tests.testkit.combinations import PROXIES

STACK = sorted((REPO / "uds_stack").rglob("*.py"))


def module(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(REPO).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """The modules of the package that a module imports when it runs; those for type hints alone are left out."""
    tree = ast.parse(path.read_text())
    typing = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    hints = {inner for node in typing for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in hints and (node.module or "").startswith("uds_stack"):
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES else str(node.module)


MODULES = {module(path) for path in STACK}
IMPORTS = {module(path): set(imports(path)) for path in STACK}

FORBIDDEN = [
    ("uds_stack.deploy", "uds_stack.check"),  # a server runs uds_stack.deploy alone
    ("uds_stack.check", "uds_stack.deploy"),
    ("uds_stack.check", "uds_stack.generate"),
    ("uds_stack.check.rules", "uds_stack.process"),  # rules ask the project
    ("uds_stack.check.rules", "uds_stack.proxies"),  # rules know the interface alone
    ("uds_stack.check.proxy", "uds_stack.check.project"),
    ("uds_stack.check.document", "uds_stack.check.project"),
    ("uds_stack.check.project", "uds_stack.check.rules"),
]


def within(name: str, package: str) -> bool:
    """Return whether a module is this one, or in this package."""
    return f"{name}.".startswith(f"{package}.")


def test_layers_are_kept() -> None:
    broken = [
        (name, one)
        for source, target in FORBIDDEN
        for name, found in IMPORTS.items()
        for one in found
        if within(name, source) and within(one, target)
    ]
    assert not broken


def test_imports_are_acyclic() -> None:
    left = {name: set(found) & set(IMPORTS) - {name} for name, found in IMPORTS.items()}
    while free := [name for name, found in left.items() if not found & set(left)]:
        for name in free:
            del left[name]
    assert not left


def test_modules_are_small() -> None:
    for path in STACK:
        text = path.read_text()
        assert len(text.splitlines()) <= 250, path
        functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
        assert not [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 50], path


def test_only_its_module_names_a_proxy() -> None:
    for path in STACK:
        if not {"proxies", "proxies.py", "answers.py"} & set(path.parts):
            assert not [name for name in PROXIES if name in path.read_text().lower()], path
