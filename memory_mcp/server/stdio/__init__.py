"""This package serves the table of methods over stdin and stdout, with threads and without the SDK."""
