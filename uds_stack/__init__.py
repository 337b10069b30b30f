"""The command uds-stack, and what the template's hooks run."""

__version__ = "1.0.0"
