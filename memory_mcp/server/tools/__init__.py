"""This package holds the tools, one module per toolset."""
