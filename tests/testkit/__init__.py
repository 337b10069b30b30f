"""Shared by tests and measurements: bake a project, run its stack, send load, cause faults."""
