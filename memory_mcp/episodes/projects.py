"""This module lists projects with what they own, and lets the user correct what evidence decided."""

from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.episodes.joining import Joining
from memory_mcp.errors import IllegalMoveError, InvalidInputError, NotFoundError
from memory_mcp.models import limits
from memory_mcp.storage import alias_store, documents, project_store
from memory_mcp.storage.alias_store import Alias, Owner
from memory_mcp.storage.database import Session
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.stamps import path_text
from memory_mcp.worktrees.trees import Site, find_site


class ProjectView(Struct, frozen=True):
    """A project, how many records it has, what it owns, and the project that its directory looks like."""

    name: str
    records: int
    paths: Sequence[str] = ()
    remotes: Sequence[str] = ()
    roots: Sequence[str] = ()
    looks_like: str | None = None
    inside: str | None = None


class Linked(Struct, frozen=True):
    """A directory that was given to another project; `before` is its former one, which keeps its records."""

    directory: str
    project: str
    before: str
    left_behind: int


class Trust(Struct, frozen=True):
    """The project name in a directory's file, that project's records, and the directory's project so far."""

    directory: str
    name: str
    records: int
    before: str


class Projects:
    """The projects of one file, seen from one directory."""

    def __init__(self, store: Store, joining: Joining | None) -> None:
        self._store = store
        self._joining = joining
        wall = store.wall
        self._key = wall.project_key if wall.base_key is None else wall.base_key

    def list(self) -> Sequence[ProjectView]:
        """Return every project, the oldest first."""
        with self._store.database.read() as session:
            has_aliases = alias_store.has_aliases(session)
            if not has_aliases:
                return [ProjectView(name, 0) for name in self._store.projects()]
            return [_view(session, project) for project in project_store.list_projects(session)]

    def show(self, name: str = "") -> ProjectView:
        """Return a project by name, or the open one.

        Raises:
            NotFoundError: there is none of this name.

        """
        wanted = name or self._store.wall.base or self._store.wall.project
        found = next((view for view in self.list() if view.name == wanted), None)
        if found is None:
            raise project_store.no_project(wanted)
        return found

    def notices(self, *, unsaid: bool = False) -> Sequence[str]:
        """Say what the open project looks like and how to join it; `unsaid` leaves out what an agent was told."""
        from shlex import quote  # noqa: PLC0415 - 1 ms that a hook without a briefing need not pay

        with self._store.database.read() as session:
            if not alias_store.has_aliases(session):
                return []
            outer = alias_store.find_outer(session, self._key)
            own = alias_store.find_likeness(session, self._key)
            around = alias_store.find_likeness(session, outer[0].key) if outer else None
        said = []
        if outer and own and not (unsaid and own.is_told):
            said.append(
                f"memory-cli.toml here names project {own.name}, but nobody has trusted it: "
                "'memory-cli project trust' joins it"
            )
        looks = around if outer else own
        if looks and not (unsaid and looks.is_told):
            said.append(
                f"this directory looks like project {looks.name}, and is kept apart: "
                f"'memory-cli project link {quote(looks.name)}' joins it"
            )
        return said

    def told(self) -> None:
        """Record that an agent was told the notices."""
        if not self.notices(unsaid=True):
            return
        with self._store.database.write() as session:
            outer = alias_store.find_outer(session, self._key)
            for key in (self._key, *([outer[0].key] if outer else [])):
                alias_store.tell_likeness(session, key, self._store.clock.now())

    def rename(self, name: str, new: str) -> None:
        """Give a project another name.

        Raises:
            NotFoundError: there is no such project.
            ConflictError: another project has the new name.
            InvalidInputError: the new name is empty, too long or not on one line.

        """
        chosen = new.strip()
        if not chosen or len(chosen) > limits.NAME_CHARACTERS or not chosen.isprintable():
            raise InvalidInputError(f"a project's name has 1 to {limits.NAME_CHARACTERS} characters on one line")
        with self._store.database.write() as session:
            project_store.rename(session, project_store.get_project(session, name), chosen)
            documents.note(session, self._store.writer, f"rename project {name}", chosen)

    def merge(self, name: str, target: str) -> int:
        """Move everything of a project into another and return how many records; the first project ceases to exist.

        Raises:
            NotFoundError: there is no such project.
            InvalidInputError: both are the same.

        """
        with self._store.database.write() as session:
            key, into = project_store.get_project(session, name), project_store.get_project(session, target)
            if key == into:
                raise InvalidInputError(f"{name} cannot be merged into itself")
            moved = project_store.merge(session, key, into)
            documents.note(session, self._store.writer, f"merge project {name}", target)
        return moved

    def link(self, target: str) -> Linked:
        """Give this directory and its evidence to a project; its former project keeps its records.

        Raises:
            NotFoundError: there is no such project.
            InvalidInputError: the user's settings name the project, so that no directory counts.

        """
        joining, site = self._found()
        owner, evidence = joining.settle(self._store.database, site), joining.evidence(site)
        with self._store.database.write() as session:
            key = project_store.get_project(session, target)
            alias_store.record(session, key, evidence, (), self._store.clock.now())
            if key != owner.key:
                alias_store.disown(session, owner.key, evidence)
                alias_store.set_likeness(session, owner.key, None)
            alias_store.set_likeness(session, key, None)
            documents.note(session, self._store.writer, f"link {evidence.path}", target)
            left = 0 if key == owner.key else project_store.count_records(session, owner.key)
        return Linked(evidence.path, target, owner.name, left)

    def unlink(self) -> Linked:
        """Give this directory a project of its own, which it keeps even if it looks like another.

        Raises:
            IllegalMoveError: its project is its own already, and empty.
            InvalidInputError: the user's settings name the project, so that no directory counts.

        """
        joining, site = self._found()
        owner, evidence = joining.settle(self._store.database, site), joining.evidence(site)
        now = self._store.clock.now()
        with self._store.database.write() as session:
            left = project_store.count_records(session, owner.key)
            owned = alias_store.list_aliases(session, owner.key)
            if not left and sum(alias.kind == "path" for alias in owned) <= 1:
                raise IllegalMoveError(f"{owner.name} is this directory's own project already, and empty")
            key = project_store.make_project(session, evidence.names[0], evidence.path, now)
            apart = {alias.value for alias in owned if alias.kind == "remote"}
            alias_store.record(session, key, evidence, apart, now)
            documents.note(session, self._store.writer, f"unlink {evidence.path}", owner.name)
            return Linked(evidence.path, project_store.name_of(session, key), owner.name, left)

    def trustable(self) -> Trust:
        """Return the name that `trust` would trust.

        Raises:
            NotFoundError: no file of this directory names a project.
            InvalidInputError: the user's settings name the project, so that no directory counts.

        """
        joining, site = self._found()
        claim = joining.claim
        if not claim.claimed_name or find_site(claim.claimed_in).path != site.path:
            raise NotFoundError(f"no memory-cli.toml in {claim.claimed_in} names a project; there is nothing to trust")
        with self._store.database.read() as session:
            key = project_store.find_project(session, claim.claimed_name)
            records = project_store.count_records(session, key) if key is not None else 0
        before = self._store.wall.base or self._store.wall.project
        return Trust(path_text(claim.claimed_in), claim.claimed_name, records, before)

    def trust(self) -> Trust:
        """Let the project name in this directory's file lead to the project of that name, until the file changes it.

        Raises:
            NotFoundError: no file of this directory names a project.
            InvalidInputError: the user's settings name the project, so that no directory counts.

        """
        trusted = self.trustable()
        joining, site = self._found()
        owner: Owner = joining.settle(self._store.database, site)
        with self._store.database.write() as session:
            alias_store.trust(session, owner.key, trusted.directory, trusted.name, self._store.clock.now())
            documents.note(session, self._store.writer, f"trust {trusted.directory}", trusted.name)
        return trusted

    def _found(self) -> tuple[Joining, Site]:
        """Return the joining and the site of this directory."""
        if self._joining is None or self._joining.claim.name:
            raise InvalidInputError(
                "the project is named by --project, the environment or your settings, so the directory does not "
                "decide; leave that name out"
            )
        return self._joining, find_site(self._joining.claim.directory)


def _view(session: Session, project: project_store.Project) -> ProjectView:
    owned: Sequence[Alias] = alias_store.list_aliases(session, project.key)
    likeness = alias_store.find_likeness(session, project.key)
    return ProjectView(
        project.name,
        project.records,
        paths=[alias.value for alias in owned if alias.kind == "path"],
        remotes=[alias.value for alias in owned if alias.kind == "remote"],
        roots=[alias.value for alias in owned if alias.kind == "root"],
        looks_like=likeness.name if likeness else None,
        inside=project.inside,
    )
