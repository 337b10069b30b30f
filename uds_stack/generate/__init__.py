"""What the hooks run: they validate the answers, and finish the new project."""
