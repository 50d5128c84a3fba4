"""This package lets a coding agent's own hooks record and recall, without the agent having to think of it."""
