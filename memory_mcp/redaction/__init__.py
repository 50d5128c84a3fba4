"""This package replaces secrets by the names of their shapes before a text is stored, indexed or sent away."""
