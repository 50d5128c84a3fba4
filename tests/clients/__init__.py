"""Tests with the real coding agents, from npm."""
