"""This package indexes documents and ranks them for a question."""
