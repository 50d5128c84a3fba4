"""This package replaces secrets by what they are, before a text is stored, indexed or leaves the machine."""
