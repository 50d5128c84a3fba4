"""This package is the product: store, recall and the MCP server."""

__version__ = "0.1.0"
