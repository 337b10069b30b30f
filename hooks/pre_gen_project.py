"""Refuse wrong answers before a file is written, a line for each. The rules: uds_stack/generate/answers.py"""

import sys

# Cookiecutter runs this from the folder for temporary files, where anybody may write: import nothing from there.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import json

# The template's folder. It is Cookiecutter's working directory while it renders this line, and nothing else names it:
# `_template` and `_repo_dir` are as they were typed, cruft passes the URL alone, and it could not import an extension
# of the template's own, which could tell. The same line is in post_gen_project.py.
TEMPLATE = json.loads(r'''{{ lipsum.__globals__.os.getcwd() | tojson }}''')
# `tojson` writes no ' and no line end: whatever an answer holds, it stays a value.
ANSWERS = json.loads(r'''{{ cookiecutter | tojson }}''')

sys.dont_write_bytecode = True  # the template's folder stays as it is
sys.path.insert(0, TEMPLATE)

import cookiecutter  # noqa: E402

from uds_stack.generate import answers  # noqa: E402

sys.exit(answers.main(ANSWERS, cookiecutter.__version__))
