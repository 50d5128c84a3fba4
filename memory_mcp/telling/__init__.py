"""This package finds what reaches an agent: decisions, what replaces them, and whose word they are."""
