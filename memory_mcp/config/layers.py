"""This module reads the settings from flags, environment, file and defaults, and remembers which one won."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.config.declarations import Declaration, declarations
from memory_mcp.config.places import FILE_NAME, settings_path
from memory_mcp.config.settings import Settings
from memory_mcp.errors import ConfigError
from memory_mcp.expressions import expression
from memory_mcp.models.choices import complaint
from memory_mcp.visible import is_utf8

_REFERENCE = expression(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ASSIGNMENT = expression(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_MOST_BYTES = 100_000
_LONGEST_LINE = 10_000  # a key of 100,000 parts would take tomllib minutes
_MOST_SHOWN = 100


class Resolved(Struct, frozen=True):
    """The settings in force, and for each key the layer that gave its value.

    `claimed_name` is the project name in an untrusted file of the working directory: a claim, not a setting.
    """

    settings: Settings
    origins: dict[str, str]
    path: Path
    claimed_name: str = ""


def resolve(
    environ: Mapping[str, str],
    directory: Path,
    *,
    flags: Mapping[str, str] | None = None,
    path: Path | None = None,
) -> Resolved:
    """Merge the layers for a process in `directory`; `path` names the settings file instead of the usual place.

    Raises:
        ConfigError: a key is unknown, a value does not fit, a file cannot be parsed or a `${VAR}` is not set.

    """
    known = {declaration.key: declaration for declaration in declarations()}
    file = path or settings_path(environ)
    if path and not _is_there(path):
        raise ConfigError(f"there is no settings file {path}; 'memory-cli config init' writes one")
    variables = {**_dotenv(file.with_name(".env")), **environ}
    chosen: dict[str, dict[str, Any]] = {}
    origins = dict.fromkeys(known, "default")
    own = _from_file(file, known, variables)
    local = _file_in(directory, file)
    trusted = local if local and _is_trusted(directory, own) else None
    for layer, found in (
        (str(file), own),
        *([(str(trusted), _from_file(trusted, known, variables))] if trusted else []),
        ("environment", _from_environment(known, variables)),
        ("flag", _from_flags(known, flags or {})),
    ):
        for key, value in found.items():
            group, _, name = key.partition(".")
            chosen.setdefault(group, {})[name] = value
            origins[key] = f"environment {known[key].variable}" if layer == "environment" else layer
    defaults, replace = Settings(), msgspec.structs.replace
    settings = replace(defaults, **{group: replace(getattr(defaults, group), **new) for group, new in chosen.items()})
    claimed = _claimed_name(local, known) if local and not trusted else ""
    return Resolved(settings, origins, file, claimed)


def _from_file(file: Path, known: Mapping[str, Declaration], variables: Mapping[str, str]) -> dict[str, Any]:
    if not _is_there(file):
        return {}
    tables = _tables(file)
    found: dict[str, Any] = {}
    for group, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{file}: '{group}' stands outside a table; settings are written under [group]")
        for name, value in table.items():
            declaration = _declared(known, f"{group}.{name}", str(file))
            if isinstance(value, dict):
                raise ConfigError(f"{file}: {declaration.key} is a table; write '{name} = ...' under [{group}]")
            found[declaration.key] = _fit(declaration, _expand(value, variables, file), str(file))
    return found


def _tables(file: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - 5 ms that a hook without a settings file need not pay

    try:
        return tomllib.loads(_text(file))
    except RecursionError as error:
        raise ConfigError(
            f"{file} is nested too deeply; settings are written as 'name = value' under [group]"
        ) from error
    except (ValueError, OSError) as error:  # of TOML, UTF-8 and numbers
        raise ConfigError(f"{file} cannot be read as TOML: {error}") from error


def _text(file: Path) -> str:
    """Read a settings file; never wait for a pipe that was put in its place.

    Raises:
        ConfigError: it is larger than any settings.
        ValueError: it is not UTF-8.
        OSError: it cannot be read.

    """
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES or any(len(line) > _LONGEST_LINE for line in content.splitlines()):
        raise ConfigError(
            f"{file} is not a settings file: it has more than {_MOST_BYTES} bytes, or {_LONGEST_LINE} in a line"
        )
    return content.decode()


def _is_there(file: Path) -> bool:
    """Whether there is a file to read.

    Raises:
        ConfigError: something other than a file stands there, or the path cannot be examined.

    """
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"the settings file {file} cannot be read: {reason}") from error
    if not stat.S_ISREG(mode):
        raise ConfigError(f"the settings file {file} is not a regular file; remove what stands there")
    return True


def _claimed_name(file: Path, known: Mapping[str, Declaration]) -> str:
    """Return the project that an untrusted memory-cli.toml names; nothing else in the file is read."""
    table = _tables(file).get("project")
    name = table.get("name", "") if isinstance(table, dict) else ""
    fitting = str(_fit(known["project.name"], name, str(file))).strip()
    if not fitting.isprintable():
        raise ConfigError(f"{file}: project.name has characters that cannot be shown; use letters and digits")
    return fitting


def _file_in(directory: Path, user_file: Path) -> Path | None:
    """Return memory-cli.toml of the working directory, or None if it is absent or the directory cannot be entered."""
    file = directory / FILE_NAME
    closed = file == user_file or not os.access(directory, os.X_OK)
    return None if closed or not _is_there(file) else file


def _is_trusted(directory: Path, own: Mapping[str, Any]) -> bool:
    """Whether the user's own settings trust a directory."""
    places = own.get("project.trusted_directories", ())
    return any(directory.resolve().is_relative_to(Path(place).expanduser().resolve()) for place in places)


def _from_environment(known: Mapping[str, Declaration], variables: Mapping[str, str]) -> dict[str, Any]:
    return {
        declaration.key: _fit(declaration, variables[declaration.variable], f"environment {declaration.variable}")
        for declaration in known.values()
        if variables.get(declaration.variable)
    }


def _from_flags(known: Mapping[str, Declaration], flags: Mapping[str, str]) -> dict[str, Any]:
    return {key: _fit(_declared(known, key, "--set"), value, "--set") for key, value in flags.items()}


def _declared(known: Mapping[str, Declaration], key: str, origin: str) -> Declaration:
    if key not in known:
        raise ConfigError(f"{origin}: there is no setting '{key}'; 'memory-cli config show' lists them")
    return known[key]


def _fit(declaration: Declaration, value: Any, origin: str) -> Any:
    """Convert text from outside, or a TOML value, to the declared type."""
    if isinstance(value, str) and not is_utf8(value):
        raise ConfigError(f"{origin}: the value of {declaration.key} is not UTF-8")
    if isinstance(value, str) and isinstance(declaration.default, tuple):
        value = tuple(part for part in value.split(",") if part)
    try:
        return msgspec.convert(value, declaration.type, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        shown = repr(value)
        shown = shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
        raise ConfigError(
            f"{origin}: {declaration.key} = {shown} does not fit: {complaint(error, declaration.type)}"
        ) from error


def _expand(value: Any, variables: Mapping[str, str], file: Path) -> Any:
    if isinstance(value, list):
        return [_expand(item, variables, file) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise ConfigError(f"{file} refers to ${{{match[1]}}}, which is not set; export it or put it into .env")
        return variables[match[1]]

    return _REFERENCE.sub(replace, value)


def _dotenv(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    pairs: dict[str, str] = {}
    try:
        text = _text(file)
    except (ValueError, OSError) as error:
        raise ConfigError(f"{file} cannot be read: {error}; it holds lines NAME=value in UTF-8") from error
    for line in text.splitlines():
        if (match := _ASSIGNMENT.fullmatch(line.strip())) and not line.lstrip().startswith("#"):
            pairs[match[1]] = match[2].strip().strip("'\"")
    return pairs
