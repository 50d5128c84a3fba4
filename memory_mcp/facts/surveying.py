"""This module surveys an episode: what it shows about the project that it worked in."""

from memory_mcp.facts.changes import Changes
from memory_mcp.facts.check_runs import CheckRuns
from memory_mcp.facts.commit_files import CommitFiles
from memory_mcp.facts.deeds import deeds_of
from memory_mcp.facts.environment import Environment
from memory_mcp.facts.option_cures import OptionCures
from memory_mcp.facts.paths import root_of
from memory_mcp.facts.rewrites import Rewrites
from memory_mcp.facts.sightings import Sightings
from memory_mcp.facts.touched_names import TouchedNames
from memory_mcp.facts.versions import Versions
from memory_mcp.facts.wrong_imports import WrongImports
from memory_mcp.models.episodes import Episode
from memory_mcp.models.surveys import Survey

_MOST_CHANGED = 40


def survey(episode: Episode) -> Survey:
    """Read everything that an episode shows about its project out of its steps."""
    deeds = deeds_of(episode.steps)
    root = root_of(deeds)
    changes, sightings, environment, checks = Changes(root), Sightings(root), Environment(), CheckRuns(root)
    rewrites, versions, touched = Rewrites(root), Versions(), TouchedNames()
    options, imports, commits = OptionCures(), WrongImports(root), CommitFiles()
    made: dict[str, None] = {}
    ready = False
    for deed in deeds:
        known = len(changes.written)
        changes.apply(deed)
        made |= {file: None for file in list(changes.written)[known:] if not sightings.has(file)}
        rewrites.look(deed, changes.latest)
        sightings.look(deed, made)
        versions.look(deed)
        for each in (touched, options, imports, commits):
            each.look(deed)
        environment.look(deed, edited=not made.keys() >= changes.latest)
        ran = checks.look(deed, [file for file in changes.now if file not in made])
        ready = ready or (ran and not environment.installs and not environment.missing())
    own = {
        part for file in made for part in file.removesuffix(".py").split("/")
    }  # a module of the episode's own making
    changed = tuple(file for file in changes.kept() if file not in made)[:_MOST_CHANGED]
    return Survey(
        ran_code=environment.ran_code,
        ready=ready,
        root=root,
        installs=tuple(environment.installs),
        refused=environment.refused(),
        slow=tuple(environment.slow),
        limit_s=environment.limit_s,
        missing=tuple(each for each in environment.missing() if each.name not in own),
        troubles=environment.troubles(),
        checks=checks.runs(),
        failing=checks.failing(),
        red=checks.red(),
        red_errors=checks.red_errors(),
        passed=checks.passed(),
        absent=sightings.absent(),
        changed=changed,
        unclear=changes.is_unclear,
        touched=touched.of(changed),
        workarounds=rewrites.workarounds(episode.task, _folders(sightings.seen())),
        gone=rewrites.gone(),
        seen=sightings.seen(),
        symbols=sightings.symbols(),
        versions=versions.seen(),
        options=options.found(),
        wrong_imports=imports.seen(),
        commits=commits.seen(),
    )


def _folders(files: tuple[str, ...]) -> frozenset[str]:
    """Return the first folders in which files lie, as a module would name them."""
    return frozenset(path.removeprefix("src/").removeprefix("lib/").split("/")[0] for path in files if "/" in path)
