"""This module opens the projects that imported records go to, a few at a time."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import msgspec

from memory_cli.opening import Opening
from memory_mcp.errors import ConfigError
from memory_mcp.importers.belonging import own_project
from memory_mcp.importers.taking_in import Intake, Summary, Targets
from memory_mcp.memory import Memory
from memory_mcp.storage.sources import projects_holding

_MOST_OPEN = 16


class Intakes:
    """The intakes of one import, one for each project that its records name; a context manager."""

    def __init__(
        self, place: Opening, kind: str, summary: Summary, follow: Callable[[Memory, int], None], *, dry_run: bool
    ) -> None:
        self._place = place
        self._kind = kind
        self._summary = summary
        self._follow = follow
        self._dry_run = dry_run
        self._projects: dict[str, tuple[str, Opening]] = {}
        self._open: dict[str, tuple[Memory, Intake]] = {}
        self._is_named = _names_a_project(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, _: object) -> None:
        with ExitStack() as stack:  # closes each one even if another fails
            for project in list(self._open):
                stack.callback(self._leave, project, is_whole=kind is None)

    def of(self, told: str) -> Intake:
        """Return the intake of the project that a record names by path or name, or of the current project."""
        if told not in self._projects:
            opening = self._opening(told)
            self._projects[told] = (opening.project(), opening)
        project, opening = self._projects[told]
        opened = self._open.pop(project, None)
        if opened is None:
            if len(self._open) >= _MOST_OPEN:
                self._leave(next(iter(self._open)), is_whole=True)
            memory = opening.memory()
            targets = Targets(
                memory.episodes,
                memory.notes,
                memory.conversations,
                memory.relationships,
                memory.store.writer.redactor,
            )
            opened = (memory, Intake(targets, self._kind, dry_run=self._dry_run))
        self._open[project] = opened  # the least recently used one is closed first
        return opened[1]

    def _opening(self, told: str) -> Opening:
        """Return the opening of the project at a path that exists here, else of a project named after the importer."""
        if not told.strip() or self._is_named:
            return self._place
        if Path(told).is_absolute():
            with suppress(ConfigError, OSError, RuntimeError, ValueError):  # broken settings there, or a loop of links
                beside = self._place.beside(told)
                beside.project()
                if beside is not self._place:
                    return beside
        with self._place.memory() as memory:
            existing, made = set(memory.store.projects()), projects_holding(memory.store, self._kind)
        taken = {project for project, _ in self._projects.values()}
        name = own_project(self._kind, told, existing=existing, made=made | taken)
        return msgspec.structs.replace(self._place, flags={**self._place.flags, "project.name": name})

    def _leave(self, project: str, *, is_whole: bool) -> None:
        """Store the remaining records, add up the summary, and let learning and the index catch up."""
        memory, intake = self._open.pop(project)
        with memory:
            if is_whole:
                intake.finish()
            done = intake.summary
            self._summary.projects[project] = self._summary.projects.get(project, 0) + done.imported
            self._summary.add(done)
            if is_whole and done.imported + done.grown and not self._dry_run:
                self._follow(memory, done.imported + done.grown)


def _names_a_project(place: Opening) -> bool:
    """Whether the user named one project for everything: by a flag, the environment, or their own settings."""
    elsewhere = msgspec.structs.replace(place, directory=Path(place.directory.anchor or "/"))
    project = elsewhere.resolved().settings.project
    return bool(project.name) or project.mode != "auto"
