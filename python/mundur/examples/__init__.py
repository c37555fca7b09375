"""Examples, each to be run with `python -m mundur.examples.NAME`."""
