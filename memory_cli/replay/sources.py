"""This module reads recorded runs from files, whatever importer they belong to."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from memory_cli.replay.runs import Found, found_in
from memory_mcp.errors import ImporterError, InvalidInputError
from memory_mcp.importers import claude_code, codex, json_lines, mini_swe_agent, opencode, swe_agent
from memory_mcp.importers.folders import files_below, open_inside
from memory_mcp.importers.json_values import loaded
from memory_mcp.importers.mini_trajectories import ENDING, KIND
from memory_mcp.importers.records import MALFORMED, Bad, EpisodeRecord, Reader, Record
from memory_mcp.models import checks

READERS: dict[str, Reader] = {
    **{each.KIND: each.read for each in (claude_code, codex, opencode, swe_agent, json_lines)},
    KIND: mini_swe_agent.read,
}
_BY_SUFFIX = {".traj": swe_agent.KIND, ".db": opencode.KIND, ".json": KIND}
_SUFFIXES = (*_BY_SUFFIX, ".jsonl", ".ndjson", ".gz")
_SNIFFED = 5_000_000  # bytes of the first line
_NUMBER = re.compile(r"-\d+$")


def read_runs(paths: Sequence[Path], kind: str = "") -> tuple[list[Found], list[Bad]]:
    """Read every run below some paths, and what could not be read; `kind` names the importer where it is not plain.

    Raises:
        InvalidInputError: there is no such importer.

    """
    if kind and kind not in READERS:
        raise InvalidInputError(f"no transcripts of '{kind}' are read here; there are {', '.join(READERS)}")
    found: list[Found] = []
    bad: list[Bad] = []
    for path in paths:
        for file in _files(path, kind):
            if isinstance(file, Bad):
                bad.append(file)
                continue
            try:
                for record in READERS[kind or _kind_of(file)](file, lambda _: None):
                    taken = _taken(record, file)
                    if isinstance(taken, Bad):
                        bad.append(taken)
                    elif taken is not None:
                        found.append(taken)
            except ImporterError as error:
                bad.append(Bad(str(file), str(error)))
            except OSError as error:
                bad.append(Bad(str(file), f"it cannot be read: {error.strerror}"))
    return found, bad


def _taken(record: Record | Bad, file: Path) -> Found | Bad | None:
    """Take a run if the store could keep it; notes and conversations are none."""
    if not isinstance(record, EpisodeRecord):
        return record if isinstance(record, Bad) else None
    try:
        kept = msgspec.structs.replace(record, episode=checks.episode(record.episode))
    except MALFORMED as error:
        return Bad.of(record.source_id, "run that can be stored", error)
    return found_in(kept, _project(record, file))


def _files(path: Path, kind: str) -> Iterator[Path | Bad]:
    """Yield the files to read; OpenCode's data is a directory as a whole, and most JSON in a folder is no run."""
    try:
        path.stat()
        is_opencode = (path / "opencode.db").is_file() or (path / "storage" / "session").is_dir()
    except (OSError, ValueError) as error:
        yield Bad(str(path), f"it cannot be read: {getattr(error, 'strerror', None) or error}")
        return
    if is_opencode or kind == opencode.KIND:
        yield path
    else:
        for file in files_below(path, *_SUFFIXES):
            if isinstance(file, Bad) or file == path or file.suffix != ".json" or file.name.endswith(ENDING):
                yield file


def _kind_of(file: Path) -> str:
    """Tell the importer of a file by its name, else by its first line.

    Raises:
        ImporterError: it is none of ours.

    """
    if file.is_dir():
        return opencode.KIND
    if file.suffix in _BY_SUFFIX:
        return _BY_SUFFIX[file.suffix]
    first = _first_value(file)
    if isinstance(first, dict):
        if "steps" in first and (
            "claimed" in first or any("exit_code_zero" in each for each in _dicts(first["steps"]))
        ):
            return KIND
        if "task" in first or "text" in first:
            return json_lines.KIND
        if isinstance(first.get("payload"), dict):
            return codex.KIND
        if {"sessionId", "uuid", "leafUuid", "message"} & first.keys():
            return claude_code.KIND
    raise ImporterError(
        f"{file} begins like no transcript that is read here; name its kind with --format, of {', '.join(READERS)}"
    )


def _first_value(file: Path) -> Any:
    """Return the JSON of a file's first line that is not blank, None where there is none."""
    try:
        with open_inside(file, file) as raw:
            stream = gzip.GzipFile(fileobj=raw) if file.suffix == ".gz" else raw
            while line := stream.readline(_SNIFFED):
                if line.strip():
                    return loaded(line)
    except (EOFError, zlib.error, gzip.BadGzipFile, *MALFORMED):
        return None
    return None


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _project(record: EpisodeRecord, file: Path) -> str:
    """Return the project of a run: the directory that it names, else its issue's repository, else the file's name."""
    if record.directory:
        return record.directory
    issue = record.source_id.rpartition("/")[2]
    if "__" in issue and _NUMBER.search(issue):
        return _NUMBER.sub("", issue)
    return _NUMBER.sub("", file.name.partition(".")[0])
