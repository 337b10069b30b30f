"""Refuse wrong answers before a file is written: all of them at once, a line for each. The rules are in answers.py."""

import sys

# Python looks for modules beside the script that it runs, and Cookiecutter runs this one from the folder for temporary
# files, where anybody may write.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import json

# Cookiecutter's working directory is the template's folder while it renders this line. Nothing else names it:
# `_repo_dir` is relative for `cookiecutter .`, and cruft and old versions have none.
TEMPLATE = json.loads(r'''{{ lipsum.__globals__.os.getcwd() | tojson }}''')
# `tojson` writes no ' and no line end: whatever an answer holds, it stays a value.
ANSWERS = json.loads(r'''{{ cookiecutter | tojson }}''')

sys.dont_write_bytecode = True  # the template's folder stays as it is
sys.path.insert(0, TEMPLATE)

import cookiecutter  # noqa: E402

from uds_stack.generate import answers  # noqa: E402

sys.exit(answers.main(ANSWERS, cookiecutter.__version__))
