"""Lets setuptools build outside of the clone.

In it, setuptools would leave build/ and *.egg-info, and put what is stale in the former into the next package.
pyproject.toml says all the rest.
"""

import tempfile

from setuptools import setup

with tempfile.TemporaryDirectory() as scratch:
    setup(options={"build": {"build_base": scratch}, "egg_info": {"egg_base": scratch}})
