"""This package leads an episode from its start to its outcome."""
