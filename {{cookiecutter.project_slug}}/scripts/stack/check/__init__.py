"""Check that the project's configuration is consistent: what scripts/check.py runs."""
