"""This package serves the memory over MCP on stdio."""
