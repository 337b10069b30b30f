"""Validate the answers to the questions in cookiecutter.json, for pre_gen_project.py.

Each rule takes an answer, and returns the fault and the remedy, or None for a valid answer.
"""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

from uds_stack.generate import console
from uds_stack.socket_path import INSTANCE_SUFFIX_BYTES, MAX_BYTES

OLDEST_COOKIECUTTER = (2, 6)
MIN_FREE_BYTES = 4_000_000  # twice what a project and its publish take

NAME_LENGTH = 60
# What a display name may hold beside letters, their marks and digits. Markdown, YAML comments, JSON and C# strings give
# none of these a meaning inside a word or between two; where XML, HTML or MSBuild does, the template escapes it.
LETTERS_AND_DIGITS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"}  # categories of Unicode, with combining marks
PUNCTUATION = " .,-_+'’()!&/:;@%=?"

SLUG_LENGTH = 40
# The narrowest of Docker's rules for images and Compose's for projects, with a letter first, so that it is a name to
# C# and is not a number to YAML.
SLUG = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
# Devices on Windows: no file there can have such a name, with or without an extension.
WINDOWS_DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
# Words that one YAML reader or the other takes for a boolean or for nothing.
YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
# Assemblies without a dot in their names, of .NET, the tests and src/UnixSocket: the wrong one would be loaded.
ASSEMBLIES = {"mscorlib", "netstandard", "system", "testhost", "unixsocket", "windowsbase", "xunit"}
# Folders that .NET makes beside a program's file, which on Linux has no extension, or that git and Docker ignore.
FOLDERS = {"bin", "obj", "publish", "runtimes", "wwwroot"}
# Slugs that are refused, and why.
TAKEN_SLUGS = {
    **dict.fromkeys(WINDOWS_DEVICES, "is a device on Windows"),
    **dict.fromkeys(YAML_WORDS, "is a value in YAML, not a name"),
    **dict.fromkeys(ASSEMBLIES, "is the name of an assembly that .NET or the tests load"),
    **dict.fromkeys(FOLDERS, "is the name of a folder that .NET makes itself"),
}

SOCKET_PATH_LENGTH = MAX_BYTES - INSTANCE_SUFFIX_BYTES
SOCKET_PATH = re.compile(r"/(?:tmp|run)(?P<directories>(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+)/[A-Za-z0-9][A-Za-z0-9._-]*")
# Directories below /run that a container or its engine uses itself.
RUN_DIRECTORIES = {
    *("containerd", "credentials", "dbus", "docker", "host", "initctl", "lock", "log", "mount", "podman", "secrets"),
    *("shm", "sudo", "systemd", "udev", "user"),
}


def shown(value: object) -> str:
    """Return an answer as one short line: in quotes, nothing in it unprintable."""
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    short = text if len(text) <= 50 else text[:47] + "..."
    return json.dumps(short, ensure_ascii=not short.isprintable())


def name_fault(name: str) -> str | None:
    """Return what is wrong with a display name."""
    refused = next((character for character in name if not _is_allowed_in_name(character)), None)
    if refused:
        shown_as = refused if refused.isprintable() else f"U+{ord(refused):04X}"
        return (
            f"contains {shown_as}, which a name may not; use letters, digits, spaces and any of {PUNCTUATION.strip()}"
        )
    if not name:
        return "is empty; use words such as My App"
    if len(name) > NAME_LENGTH:
        return f"has {len(name)} characters; use at most {NAME_LENGTH}, such as My App"
    if name != " ".join(name.split()):
        return "starts or ends with a space, or has two in a row; use one space between words, such as My App"
    if not name[0].isalnum() or re.search(r"\b_|_\b", name):  # Markdown would read a list, or emphasis
        return "starts with punctuation, or has _ outside of a word; start with a letter or digit, such as My_App"
    return None


def _is_allowed_in_name(character: str) -> bool:
    """Return whether a display name may hold this character."""
    return character in PUNCTUATION or unicodedata.category(character) in LETTERS_AND_DIGITS


def slug_fault(slug: str) -> str | None:
    """Return what is wrong with the short name."""
    if len(slug) > SLUG_LENGTH:
        return f"has {len(slug)} characters; use at most {SLUG_LENGTH}, such as my-app"
    if not SLUG.fullmatch(slug):
        return (
            "is not a name for an image and an assembly; use a to z, 0 to 9 and single - or _ between them, "
            "a letter first, such as my-app"
        )
    reason = TAKEN_SLUGS.get(slug)
    return f"{reason}; use another, such as {slug}-app" if reason else None


def port_fault(port: str) -> str | None:
    """Return what is wrong with the port on the host."""
    if re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) <= 65535:
        return None
    return "is not a port; use 1 to 65535, such as 8080"


def socket_fault(path: str) -> str | None:
    """Return what is wrong with the path of the socket."""
    if len(path) > SOCKET_PATH_LENGTH:
        return f"has {len(path)} characters; use at most {SOCKET_PATH_LENGTH}, such as /tmp/myapp/kestrel.sock"
    parts = SOCKET_PATH.fullmatch(path)
    if not parts:
        return (
            "is not a file in a directory of its own below /tmp or /run; use letters, digits and . _ - between the /, "
            "such as /tmp/myapp/kestrel.sock"
        )
    if path.startswith("/run/") and parts["directories"].split("/")[1] in RUN_DIRECTORIES:
        return "is in a directory that containers use themselves; use another, such as /run/myapp/kestrel.sock"
    return None


PROXIES = ("h2o", "nginx", "caddy")
YES = {"1", "on", "t", "true", "y", "yes"}  # as in cookiecutter.json, and in Cookiecutter's own prompts
YES_OR_NO = {*YES, "0", "f", "false", "n", "no", "off"}
HTTPS_PORT = "8443"  # as in compose.yaml and .env


def proxy_fault(proxy: str) -> str | None:
    """Return what is wrong with the proxy."""
    return None if proxy in PROXIES else "is not a proxy of this template; use h2o, nginx or caddy"


def boolean_fault(answer: object) -> str | None:
    """Return what is wrong with an answer, which is a boolean or a word for one."""
    return None if str(answer).lower() in YES_OR_NO else "is neither yes nor no; use one of them"


def https_fault(https: object, proxy: object) -> str | None:
    """Return what is wrong with the answer for https, given the proxy."""
    if fault := boolean_fault(https):
        return fault
    if proxy == "h2o" and str(https).lower() in YES:
        return (
            "is not possible with H2O, whose HTTP/2 over TLS cannot be switched off and has two unpatched flaws "
            "(CVE-2023-44487, CVE-2025-8671); use proxy=nginx or proxy=caddy"
        )
    return None


def refusals(answers: Mapping[str, object]) -> list[str]:
    """Return a line for each wrong answer in Cookiecutter's context: its name, its value, the fault and the remedy."""
    rules: dict[str, Callable[[str], str | None]] = {
        "project_name": name_fault,
        "project_slug": slug_fault,
        "http_port": port_fault,
        "socket_path": socket_fault,
        "proxy": proxy_fault,
    }
    faults = {name: _fault(rule, answers[name]) for name, rule in rules.items()}
    faults["https"] = https_fault(answers["https"], answers["proxy"])
    faults["native_aot"] = boolean_fault(answers["native_aot"])
    faults["kubernetes"] = boolean_fault(answers["kubernetes"])
    if str(answers["https"]).lower() in YES and answers["http_port"] == HTTPS_PORT:
        faults["http_port"] = "is where https is published; use another, such as 8080"
    # The default path holds the slug: what is wrong with the slug is said once.
    default_path = f"/tmp/{answers['project_slug']}/kestrel.sock"  # noqa: S108 - nothing is opened here
    if faults["project_slug"] and answers["socket_path"] == default_path:
        faults["socket_path"] = None
    return [f"{name}: {shown(answers[name])} {fault}" for name, fault in faults.items() if fault]


def _fault(rule: Callable[[str], str | None], answer: object) -> str | None:
    """Return what is wrong with an answer, which a file of defaults can make something else than text."""
    return rule(answer) if isinstance(answer, str) else "is not text; put it between quotes"


def too_old(version: str) -> str | None:
    """Return what to do where this version of Cookiecutter is too old, else None."""
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= OLDEST_COOKIECUTTER:
        return None
    needed = ".".join(map(str, OLDEST_COOKIECUTTER))
    return f'Cookiecutter {version} is too old; {needed} or newer is needed: pipx install "cookiecutter>={needed}"'


def disk_fault(folder: Path) -> str | None:
    """Return what to do where a folder's disk is too full for a project, else None.

    Cookiecutter would leave half a project there, with a traceback.
    """
    disk = shutil.disk_usage(folder)
    if disk.free >= MIN_FREE_BYTES or not disk.total:  # some file systems do not tell
        return None
    return f"The disk of {folder} has {disk.free // 1000} kB left; make {MIN_FREE_BYTES // 1000} kB free"


def main(answers: Mapping[str, object], version: str) -> int:
    """Print what is refused to stderr, and return the hook's exit code.

    Takes Cookiecutter's context and Cookiecutter's version. The project's folder is the current one, and empty.
    """
    old = too_old(version)  # such a version leaves the derived answers unfinished: nothing else can be judged
    faults = [old] if old else [*refusals(answers), disk_fault(Path.cwd())]
    lines = [fault for fault in faults if fault]
    for line in lines:
        console.warn(line)
    return 1 if lines else 0
