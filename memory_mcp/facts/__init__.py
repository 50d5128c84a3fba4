"""This package says what episodes show about the project that they worked in, and counts it."""
