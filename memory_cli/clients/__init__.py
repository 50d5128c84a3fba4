"""This package knows the coding agents that use the memory: what they read, and how their files are edited."""
