"""Which modules of uds_stack may import which, and how large they may be."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.testkit.bake import REPO
from tests.testkit.combinations import PROXIES
from uds_stack.check import catalogue
from uds_stack.check.rule import Rule

PACKAGE = sorted((REPO / "uds_stack").rglob("*.py"))
MAX_LINES = 250
MAX_LINES_OF_FUNCTION = 50


def module(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(REPO).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """The modules of the package that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("uds_stack"):
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES else str(node.module)


MODULES = {module(path) for path in PACKAGE}
IMPORTS = {module(path): set(imports(path)) for path in PACKAGE}

READING = ("folder", "yaml_values", "parsed_file", "compose_files", "compose_model", "compose_fallback", "app", "files")
FORBIDDEN = [
    ("uds_stack.deploy", "uds_stack.check"),  # a server runs uds_stack.deploy alone
    ("uds_stack.deploy", "uds_stack.generate"),
    ("uds_stack.check", "uds_stack.deploy"),
    ("uds_stack.check", "uds_stack.generate"),
    ("uds_stack.check", "uds_stack.proxies"),  # the core and the general rules know the interface alone
    ("uds_stack.check", "uds_stack.options"),
    ("uds_stack.check.rules", "uds_stack.check.query"),  # rules look at the stack, and start nothing
    ("uds_stack.check.stack", "uds_stack.check.rules"),
    *((f"uds_stack.check.{name}", "uds_stack.check.query") for name in READING),
    *((f"uds_stack.check.{name}", "uds_stack.process") for name in READING),
    *((f"uds_stack.proxies.{name}.reader", f"uds_stack.proxies.{name}.rules") for name in PROXIES),
    *((f"uds_stack.proxies.{name}.reload", "uds_stack.check") for name in PROXIES),
]
COMPOSITION = {"uds_stack.check.catalogue"}
FOR_TYPES = {("uds_stack.check.rules.validation", "uds_stack.check.query")}


def is_in(name: str, package: str) -> bool:
    """Whether a module is a package, or in it."""
    return name == package or name.startswith(f"{package}.")


def test_layers_are_kept() -> None:
    found = {
        (name, one)
        for source, target in FORBIDDEN
        for name in MODULES - COMPOSITION
        for one in IMPORTS[name]
        if is_in(name, source) and is_in(one, target)
    }
    assert found == FOR_TYPES


def test_imports_are_acyclic() -> None:
    left = {name: found & MODULES - {name} for name, found in IMPORTS.items()}
    while free := [name for name, found in left.items() if not found & set(left)]:
        for name in free:
            del left[name]
    assert not left


def test_each_import_is_written_out() -> None:
    assert not [str(path) for path in PACKAGE if "import_module(" in path.read_text()]


def test_modules_are_small() -> None:
    assert {module(path) for path in PACKAGE if len(path.read_text().splitlines()) > MAX_LINES} == set()


def test_functions_are_small() -> None:
    functions = ((path, node) for path in PACKAGE for node in ast.walk(ast.parse(path.read_text())))
    long = {
        f"{module(path)}.{node.name}"
        for path, node in functions
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MAX_LINES_OF_FUNCTION
    }
    assert long == set()


def test_only_its_folder_names_a_proxy() -> None:
    others = [path for path in PACKAGE if not {"proxies", "proxies.py", "answers.py", "catalogue.py"} & set(path.parts)]
    assert not [(str(path), name) for path in others for name in PROXIES if name in path.read_text().lower()]


def test_each_rule_is_in_a_list_once() -> None:
    parts = [catalogue.GENERAL, *catalogue.PROXIES.values(), *catalogue.OPTIONS.values()]
    listed = [rule for part in parts for rule in part]
    assert len({rule.code for rule in listed}) == len(listed)
    for name in MODULES:
        if name.endswith(("rules", "socket")) or ".rules." in name:
            rules = [one for one in vars(import_module(name)).values() if isinstance(one, Rule)]
            assert not [one.code for one in rules if one not in listed], name
