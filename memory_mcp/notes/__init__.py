"""This package keeps facts that are no episodes."""
