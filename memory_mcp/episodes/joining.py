"""This module finds the project of a directory, and records the directory's evidence as the project's aliases."""

import os.path
from contextlib import closing
from pathlib import Path

import msgspec

from memory_mcp.clock import Clock
from memory_mcp.config.projects import Claim
from memory_mcp.config.settings import StoreSettings
from memory_mcp.errors import NotFoundError, UnseenDirectoryError
from memory_mcp.models.identities import Decision, Evidence, Known, decide, kept_apart, proposed_name
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage import alias_store, project_store
from memory_mcp.storage.alias_store import Owner, Unclaimed
from memory_mcp.storage.database import Database, Session
from memory_mcp.worktrees.stamps import is_gone, path_text, stamp_of, without_git
from memory_mcp.worktrees.trees import Site, find_site


class Joining:
    """Resolves a claim to a project's name in an open file; `has_changed` says that git should look again."""

    def __init__(self, claim: Claim, clock: Clock, redactor: Redactor, *, asks_git: bool = True) -> None:
        self.claim = claim
        self.has_changed = False
        self._clock = clock
        self._redactor = redactor
        self._asks_git = asks_git

    def __call__(self, database: Database) -> str:
        """Return the project's name; a directory that was not seen before gets one.

        Raises:
            UnseenDirectoryError: only git can tell, and git may not be started here.
            NotFoundError: the file is read-only and has no project for the directory.

        """
        if self.claim.name:
            return self.claim.name
        site = find_site(self.claim.directory)
        owner = self._seen(database, site) or self.settle(database, site)
        return self._within(database, site, owner)

    def look(self, path: Path, settings: StoreSettings) -> str:
        """Return the project's name, or the name it would get; nothing is written, and the file may be absent."""
        if self.claim.name:
            return self.claim.name
        site = find_site(self.claim.directory)
        if not path.exists():
            evidence = self.evidence(site)
            name = self._claimed(site, evidence.names[0])
            return f"{evidence.names[0]} ({name})" if name else evidence.names[0]
        with closing(Database(path, busy_timeout_s=settings.busy_timeout_s)) as database:
            return self._looked(database, site)

    def _looked(self, database: Database, site: Site) -> str:
        owner, proposed = self._seen(database, site), ""
        if owner is None:
            decision, evidence = self._looked_at(database, site)
            with database.read() as session:
                if decision.key is None:
                    proposed = project_store.free_name(session, proposed_name(evidence, decision), evidence.path)
                else:
                    owner = Owner(decision.key, project_store.name_of(session, decision.key))
        base = owner.name if owner else proposed
        name = self._claimed(site, base)
        if not name:
            return base
        with database.read() as session:
            known = self._known_within(session, owner, name) if owner and alias_store.has_aliases(session) else ""
        return known or f"{base} ({name})"

    def settle(self, database: Database, site: Site) -> Owner:
        """Ask git, decide, and record the decision; processes that do so at the same time agree."""
        if database.is_read_only:
            decision, evidence = self._looked_at(database, site)
            if decision.key is None:
                raise NotFoundError(f"{database.path} is read-only and holds nothing of project {evidence.names[0]}")
            with database.read() as session:
                return Owner(decision.key, project_store.name_of(session, decision.key))
        evidence = self.evidence(site)
        gone, adoptable = self._looked_up(database, site, evidence)
        with database.write() as session:
            known = alias_store.known(session, evidence, gone, adoptable)
            decision = decide(evidence, known)
            return self._applied(session, evidence, known, decision)

    def evidence(self, site: Site) -> Evidence:
        """Return a site's evidence, without secrets."""
        path = path_text(site.path)
        if site.tree is None:
            return Evidence(path)
        from memory_mcp.worktrees.evidence import gather  # noqa: PLC0415 - subprocess, 5 ms that a hook need not pay

        found = gather(site, path)
        clean = self._redactor.text
        remotes = tuple(clean(remote) for remote in found.remotes)
        return msgspec.structs.replace(found, remotes=remotes, primary=clean(found.primary))

    def _seen(self, database: Database, site: Site) -> Owner | None:
        """Return the project of a directory that has not changed since it was last seen."""
        stamp = stamp_of(site)
        with database.read() as session:
            if not alias_store.has_aliases(session):
                return None
            owner = alias_store.find_owner(session, path_text(site.path)) or _gone_owner(session, site)
        if owner is not None and (not stamp.content or stamp == owner.stamp):
            return owner
        if site.tree is None or self._asks_git:
            return None
        if owner is not None and owner.stamp == without_git(stamp):
            return owner
        if owner is None or not stamp.directory or stamp.directory != owner.stamp.directory:
            raise UnseenDirectoryError(f"git has to look at {site.path} before its project is known")
        self.has_changed = True
        return owner

    def _looked_at(self, database: Database, site: Site) -> tuple[Decision, Evidence]:
        evidence = self.evidence(site)
        gone, adoptable = self._looked_up(database, site, evidence)
        with database.read() as session:
            if not alias_store.has_aliases(session):
                free = alias_store.unclaimed(session, evidence.names)
                known = [Known(each.key, each.name, is_adoptable=each.key in adoptable) for each in free]
                return decide(evidence, known), evidence
            return decide(evidence, alias_store.known(session, evidence, gone, adoptable)), evidence

    def _looked_up(self, database: Database, site: Site, evidence: Evidence) -> tuple[frozenset[str], frozenset[int]]:
        """Return which paths of similar projects are gone, and which unclaimed projects the directory may claim.

        The disk and git are asked before the deciding transaction, which must not wait for them.
        """
        with database.read() as session:
            paths = alias_store.paths_with_root(session, evidence.root) if alias_store.has_aliases(session) else []
            free = alias_store.unclaimed(session, evidence.names)
            commits = [alias_store.commits_of(session, project.key) for project in free]
        gone = frozenset(path for path in paths if path != evidence.path and is_gone(path))
        claimable = zip(free, commits, strict=True)
        return gone, frozenset(project.key for project, told in claimable if _may_claim(site, project, told))

    def _applied(self, session: Session, evidence: Evidence, known: list[Known], decision: Decision) -> Owner:
        now = self._clock.now()
        key = decision.key
        if key is None:
            key = project_store.make_project(session, proposed_name(evidence, decision), evidence.path, now)
        if decision.reason in {"new", "name"}:
            alias_store.set_likeness(session, key, decision.like)
        alias_store.record(session, key, evidence, kept_apart(evidence, key, known), now)
        return Owner(key, project_store.name_of(session, key), evidence.stamp)

    def _within(self, database: Database, site: Site, owner: Owner) -> str:
        """Return the project that the directory's own file names: an inner project, unless the name is trusted."""
        name = self._claimed(site, owner.name)
        if not name:
            return owner.name
        with database.read() as session:
            if not alias_store.has_aliases(session):
                return owner.name
            found = self._known_within(session, owner, name)
        if found or database.is_read_only:
            return found or owner.name
        with database.write() as session:
            found = self._known_within(session, owner, name)
            if not found:
                key = project_store.make_project(session, f"{owner.name} ({name})", "", self._clock.now())
                alias_store.add_inner(session, owner.key, name, key)
                alias_store.set_likeness(session, key, project_store.find_project(session, name))
                found = project_store.name_of(session, key)
        return found

    def _claimed(self, site: Site, around: str) -> str:
        """Return the inner name that the directory's file claims; a file of another repository does not count."""
        name = self._redactor.text(self.claim.claimed_name)
        if not name or name == around or find_site(self.claim.claimed_in).path != site.path:
            return ""
        return name

    def _known_within(self, session: Session, owner: Owner, name: str) -> str:
        if alias_store.is_trusted(session, owner.key, path_text(self.claim.claimed_in), name):
            return name
        inner = alias_store.find_inner(session, owner.key, name)
        return inner.name if inner else ""


def _gone_owner(session: Session, site: Site) -> Owner | None:
    """Return the project of the repository that contained a directory, if both are gone."""
    if site.tree is not None or os.path.lexists(site.path):
        return None
    for place in site.path.parents:
        if os.path.lexists(place):
            return None
        owner = alias_store.find_owner(session, path_text(place))
        if owner is not None:
            return owner if owner.stamp.content else None
    return None


def _may_claim(site: Site, project: Unclaimed, commits: list[str]) -> bool:
    """Whether a directory of that name may claim an unclaimed project: it must have one of the project's commits.

    For a project from before there were aliases that has no commits, the name alone is enough, as it was then.
    """
    if site.tree is None:
        return True
    if not commits:
        return project.is_old
    from memory_mcp.worktrees.evidence import holds_any  # noqa: PLC0415 - subprocess, as above

    return holds_any(site, commits)
