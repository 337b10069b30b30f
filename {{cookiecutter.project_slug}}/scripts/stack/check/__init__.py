"""Is this project still whole? What scripts/check.py is made of."""
