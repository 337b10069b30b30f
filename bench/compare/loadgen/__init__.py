"""What runs in the container of the load generator: the standard library alone, and nothing of this repository."""
