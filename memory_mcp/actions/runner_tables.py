"""This module collects the tables of runners, in the order in which a command is looked for in them."""

from memory_mcp.actions.builds import BUILDS
from memory_mcp.actions.linters import LINTERS, TYPE_CHECKERS
from memory_mcp.actions.runners_compiled import COMPILED_RUNNERS
from memory_mcp.actions.runners_javascript import JAVASCRIPT_RUNNERS
from memory_mcp.actions.runners_python import PYTEST, PYTHON_RUNNERS, UNITTEST
from memory_mcp.actions.runners_scripted import SCRIPTED_RUNNERS

RUNNERS = (
    *PYTHON_RUNNERS, *JAVASCRIPT_RUNNERS, *COMPILED_RUNNERS, *SCRIPTED_RUNNERS, *TYPE_CHECKERS, *LINTERS, *BUILDS,
)  # fmt: skip
CARRIED = tuple(runner for runner in RUNNERS if runner.kind == "test" and not runner.carries)
IN_SCRIPTS = (UNITTEST, PYTEST)  # what a script of Python may call itself
