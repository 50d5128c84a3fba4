"""This package says how the memory is doing."""
