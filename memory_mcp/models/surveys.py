"""This module defines a survey: what one episode shows about the project that it worked in."""

from typing import Literal

from msgspec import Struct


class Missing(Struct, frozen=True, omit_defaults=True):
    """A module or a program that was not there.

    `cure` is the command after which it was, empty where none was seen; `failed` is what did not bring it.
    """

    name: str
    kind: Literal["module", "program"] = "module"
    cure: str = ""
    failed: tuple[str, ...] = ()


class Trouble(Struct, frozen=True, omit_defaults=True):
    """An error of the environment rather than of the task: the install before it, and the install that ended it."""

    error: str
    after: str = ""
    cure: str = ""


class Workaround(Struct, frozen=True):
    """An error that says what the environment no longer has, and the edit that put `new` for `old`.

    `files` are those in which the episode changed nothing else.
    """

    error: str
    old: str
    new: str
    files: tuple[str, ...] = ()


class Refused(Struct, frozen=True):
    """An install that failed, and why."""

    command: str
    reason: str


class CheckRun(Struct, frozen=True, omit_defaults=True):
    """The runs of one test command in an episode: `form` is its runner, `targets` what it was given.

    `changed` names the sources that the episode had changed before; `reason` says why nothing ran.
    """

    form: str
    targets: tuple[str, ...] = ()
    directory: str = ""
    ran: int = 0
    green: int = 0
    of: int = 0
    reason: str = ""
    changed: tuple[str, ...] = ()
    seconds: float = 0.0


class OptionCure(Struct, frozen=True):
    """A command that ended in an error and ran when it had one more option."""

    command: str
    option: str
    error: str


class Survey(Struct, frozen=True, omit_defaults=True):
    """What an episode shows of its project; paths are relative to `root`.

    `ready` says that tests ran without anything being installed first. `slow` are the installs that timed out,
    `limit_s` after how many seconds they were ended, 0 if that is unknown. `failing` are the tests that failed while no
    source was changed, `red` those that failed at any time, `red_errors` the errors that tests ended in, with the file
    of the tests; `passed` are the files of tests that passed as a whole. `absent` are files that were looked for and
    are not there, `changed` those that were changed and still were at the end, `unclear` says that a script wrote more
    whose names it computed, `touched` the definitions changed in them. `workarounds` are edits for the environment's
    sake rather than the task's, `gone` all errors that say what the environment no longer has, with the file that
    raised each. `symbols` maps a defined
    name to the one file that defines it, `versions` a package, or `python`, to the version that was seen last.
    `options` are commands that one more option made run, `wrong_imports` names with the module of the project that does
    not hold them, `commits` the name and the files of each commit that was looked at.
    """

    ran_code: bool = False
    ready: bool = False
    root: str = ""
    installs: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    slow: tuple[str, ...] = ()
    limit_s: int = 0
    missing: tuple[Missing, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    checks: tuple[CheckRun, ...] = ()
    failing: tuple[str, ...] = ()
    red: tuple[str, ...] = ()
    red_errors: tuple[tuple[str, str], ...] = ()
    passed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unclear: bool = False
    touched: dict[str, tuple[str, ...]] = {}
    workarounds: tuple[Workaround, ...] = ()
    gone: dict[str, str] = {}
    seen: tuple[str, ...] = ()
    symbols: dict[str, str] = {}
    versions: dict[str, str] = {}
    options: tuple[OptionCure, ...] = ()
    wrong_imports: tuple[tuple[str, str], ...] = ()
    commits: tuple[tuple[str, ...], ...] = ()


class Surveyed(Struct, frozen=True):
    """A survey with the episode that it comes from; `share` is how much of the task was shown to be done, if known."""

    episode_id: str
    task: str
    seen_at: int
    survey: Survey
    share: float | None = None
