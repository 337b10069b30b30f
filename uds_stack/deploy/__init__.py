"""Deploy the app and reload the proxy. Standard library only, Python 3.8 or newer; independent of uds_stack.check."""
