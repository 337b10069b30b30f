"""How the configuration of the proxy is reloaded."""
