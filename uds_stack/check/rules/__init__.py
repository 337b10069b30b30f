"""The general rules, by subject: each module has a list of them."""
