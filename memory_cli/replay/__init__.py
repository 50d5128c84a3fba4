"""This package replays recorded runs to a memory that knows only what came before, and compares."""
