"""How long the path of a Unix socket may be."""

MAX_BYTES = 107  # Linux keeps 108 for it, with the terminating zero (unix(7))
INSTANCE_SUFFIX_BYTES = len(".1a2b3c4d")  # each instance of the app binds a name of its own beside the path
