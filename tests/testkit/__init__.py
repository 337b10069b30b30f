"""What tests and measurements share: bake a project, run its stack, put load on it, break it."""
