"""This package tests what reaches an agent, and as whose word."""
