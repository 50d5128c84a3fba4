"""This package turns what happened elsewhere into episodes."""
