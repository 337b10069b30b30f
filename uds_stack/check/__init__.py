"""Check that the project's configuration is consistent: what `uds-stack check` runs."""
