"""Finish the new project, and say what to do next: uds_stack/generate/finish.py"""

import sys

if not getattr(sys.flags, "safe_path", False):  # pre_gen_project.py has the reasons
    del sys.path[0]

import json
from pathlib import Path

TEMPLATE = json.loads(r'''{{ lipsum.__globals__.os.getcwd() | tojson }}''')
ANSWERS = json.loads(r'''{{ cookiecutter | tojson }}''')

sys.dont_write_bytecode = True
sys.path.insert(0, TEMPLATE)

from uds_stack.generate import console, finish  # noqa: E402

try:
    finish.main(ANSWERS, Path.cwd())
except BaseException as error:
    # Cookiecutter deletes the project of a hook that fails.
    console.warn(f"warning: {error!r} in the template's own hook; the project in {Path.cwd()} stays. Please report it.")
