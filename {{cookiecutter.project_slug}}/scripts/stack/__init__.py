"""What scripts/check.py and scripts/redeploy.py are made of."""
