"""The command scripts/redeploy.py. Standard library only; independent of stack.check."""
