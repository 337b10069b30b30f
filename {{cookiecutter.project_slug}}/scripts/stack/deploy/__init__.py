"""What scripts/redeploy.py is made of."""
