"""Read nginx.conf into directives with their lines; nginx itself names and prints the files that it includes."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from uds_stack.check.folder import Place
from uds_stack.check.parsed_file import Problem

TOKEN = re.compile(
    r"""(?P<skipped>\s+|\#[^\n]*) | (?P<mark>[;{}]) | "(?P<double>(?:\\.|[^"\\])*)" | '(?P<single>(?:\\.|[^'\\])*)'
    | (?P<word>(?!["'])(?:\\.|\$\{|[^\s;{\\])+)""",
    re.VERBOSE | re.DOTALL,
)
MAX_DEPTH = 20
NOT_DIRECTIVES = ("map", "types", "geo", "split_clients")  # blocks that hold values
TIME_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "": 1}


@dataclass
class Directive:
    """A directive: its name, its parameters, and what its block holds."""

    name: str
    args: list[str]
    place: Place
    block: list[Directive] = field(default_factory=list)
    parent: Directive | None = None

    @property
    def value(self) -> str:
        """The first parameter; empty where there is none."""
        return self.arg(0)

    def arg(self, index: int) -> str:
        """Return a parameter; empty where there are fewer."""
        return self.args[index] if index < len(self.args) else ""

    @property
    def start(self) -> Place:
        """The line of the block, or of a file's first directive."""
        return self.place if self.name or not self.block else self.block[0].place

    def children(self, *names: str) -> list[Directive]:
        """Return the directives of the block that have one of these names."""
        return [one for one in self.block if one.name in names]

    def descendants(self, *names: str) -> Iterator[Directive]:
        """Return the directives at any depth that have one of these names."""
        for one in self.block:
            if one.name in names:
                yield one
            yield from one.descendants(*names)

    def inherited(self, name: str) -> list[Directive]:
        """Return the directives that hold in this block: its own, or else those of the nearest block around it."""
        return self.children(name) or (self.parent.inherited(name) if self.parent else [])

    def setting(self, name: str) -> Directive | None:
        """Return the directive that holds in this block, or None where nginx's default does."""
        return next(iter(self.inherited(name)), None)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Return the marks and the words, each with its line."""
    position, line = 0, 1
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            yield "error", "a quote is not closed" if text[position] in "\"'" else "it ends within a word", line
            return
        kind = match.lastgroup or ""
        if kind != "skipped":
            yield ("mark" if kind == "mark" else "word"), match[kind], line
        line += match[0].count("\n")
        position = match.end()


def parse(file: str, text: str) -> tuple[Directive, Problem | None]:
    """Return a directive whose block is the file, and the syntax error that ended the reading."""
    root = Directive("", [], (file, 1))
    level, words, depth, start, line = root, [], 0, 1, 1  # type: Directive, list[str], int, int, int
    for kind, word, line in _tokens(text):
        start = start if words else line
        why = ""
        if kind == "word":
            words.append(word)
        elif kind == "error":
            why = word
        elif word == "}":
            why = "`;` is missing before `}`" if words else "`}` closes nothing" if level is root else ""
            level, depth = level.parent or root, depth - 1
        elif not words:
            why = f"`{word}` follows no directive"
        else:
            directive = Directive(words[0], words[1:], (file, start), parent=level)
            level.block.append(directive)
            level, depth, words = (directive, depth + 1, []) if word == "{" else (level, depth, [])
            why = "it is nested too deeply" if depth > MAX_DEPTH else ""
        if why:
            return root, _syntax(file, line, why)
    why = "`}` is missing at the end" if level is not root else "`;` is missing at the end" if words else ""
    return root, _syntax(file, line, why) if why else None


def _syntax(file: str, line: int, why: str) -> Problem:
    return Problem((file, line), f"syntax error: {why}", "correct this line")


def includes(root: Directive) -> list[Directive]:
    """Return the includes that add directives, not values of a map."""
    return [one for one in root.descendants("include") if not one.parent or one.parent.name not in NOT_DIRECTIVES]


def dumped(output: str) -> dict[str, str]:
    """Return the files that `nginx -T` prints, by their paths in the container."""
    parts = re.split(r"(?m)^# configuration file (\S+):\n", output)
    return dict(zip(parts[1::2], parts[2::2], strict=False))


def resolve(root: Directive, folder: str, files: Mapping[str, str], depth: int = 0) -> list[Directive]:
    """Put the included files in the place of their includes, and return the includes that match none of them.

    `folder` is that of nginx.conf in the container, `files` are the files there.
    """
    missing = []
    local = posixpath.dirname(root.place[0])
    for include in includes(root):
        pattern = posixpath.join(folder, include.value)
        found = [path for path in files if fnmatch.fnmatchcase(path, pattern)]
        parent = include.parent or root
        included: list[Directive] = []
        for path in found if depth < MAX_DEPTH else ():
            inside = path.startswith(f"{folder}/")
            name = posixpath.join(local, posixpath.relpath(path, folder)) if inside else path
            tree, _ = parse(name, files[path])
            missing += resolve(tree, folder, files, depth + 1)
            included += tree.block
        if found or any(mark in pattern for mark in "*?["):
            at = next(i for i, one in enumerate(parent.block) if one is include)
            parent.block[at : at + 1] = included
            for one in included:
                one.parent = parent
        else:
            missing.append(include)
    return missing


def seconds(value: str) -> float | None:
    """Return a time as nginx writes it, such as 1m30s or 60, in seconds; None for anything else."""
    if not re.fullmatch(r"(\d{1,9}(ms|[smhdw])\s*)*(\d{1,9})?", value) or not value:
        return None
    return sum(float(amount) * TIME_UNITS[unit] for amount, unit in re.findall(r"(\d+)(ms|[smhdw]?)", value))
