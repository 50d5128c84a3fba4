"""This module names whose word a record is; the door that it came through says so."""

from typing import Literal

Voice = Literal["user", "repository", "agent", "tool", "web", "import", "team"]
