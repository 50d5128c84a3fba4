"""This package is a terminal in front of the memory."""
