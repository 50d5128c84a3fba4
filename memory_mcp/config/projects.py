"""This module finds the project of a directory: worktrees and clones of one repository share one memory."""

import re
from collections.abc import Mapping
from pathlib import Path

from memory_mcp.config.settings import ProjectSettings
from memory_mcp.errors import ConfigError
from memory_mcp.expressions import expression

GLOBAL_PROJECT = "global"
_ORIGIN_URL = expression(r'\[remote "origin"\][^\[]*?^\s*url\s*=\s*(\S+)', re.MULTILINE)
_SCP_URL = expression(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
_WEB_URL = expression(r"\w+://(?:[^@/]*@)?([^/:]+)(?::\d+)?/(.+)")


def project_name(settings: ProjectSettings, environ: Mapping[str, str], directory: Path) -> str:
    """Name the project that a process in `directory` belongs to.

    Raises:
        ConfigError: mode is `manual` and no name is given.

    """
    if settings.mode == "global":
        return GLOBAL_PROJECT
    if settings.name:
        return settings.name
    if settings.mode == "manual":
        raise ConfigError("project.mode is manual but project.name is empty; give --project NAME or set it")
    start = Path(environ.get("CLAUDE_PROJECT_DIR") or directory).resolve()
    common = git_common_directory(start)
    if common is None:
        return str(start)
    return _remote_name(common) or str(common.parent if common.name == ".git" else common)


def git_common_directory(start: Path) -> Path | None:
    """Return the git directory that all worktrees of the repository around `start` share."""
    for place in (start, *start.parents):
        dot_git = place / ".git"
        if dot_git.is_dir():
            return dot_git
        if dot_git.is_file():
            return _follow(dot_git)
    return None


def _follow(dot_git: Path) -> Path | None:
    """Follow the `gitdir:` line of a worktree or submodule to the directory it shares."""
    text = dot_git.read_text(encoding="utf-8", errors="replace").strip()
    if not text.startswith("gitdir:"):
        return None
    private = (dot_git.parent / text.removeprefix("gitdir:").strip()).resolve()
    shared = private / "commondir"
    if shared.is_file():
        return (private / shared.read_text(encoding="utf-8", errors="replace").strip()).resolve()
    return private if private.is_dir() else None


def _remote_name(common: Path) -> str | None:
    """Read `host/owner/name` from the origin's URL, without credentials or a closing `.git`."""
    config = common / "config"
    if not config.is_file():
        return None
    found = _ORIGIN_URL.search(config.read_text(encoding="utf-8", errors="replace"))
    if found is None:
        return None
    match = _WEB_URL.fullmatch(found[1]) or _SCP_URL.fullmatch(found[1])
    return f"{match[1].lower()}/{match[2].strip('/').removesuffix('.git')}" if match else found[1]
