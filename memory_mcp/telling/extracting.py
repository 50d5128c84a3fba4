"""This module finds the decisions of a record: of a commit, a talk, a task, a note."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from memory_mcp.actions.steps import action_of
from memory_mcp.expressions import expression
from memory_mcp.models.conversations import Turn
from memory_mcp.models.decisions import Draft
from memory_mcp.models.episodes import Episode, Source, outcome_type
from memory_mcp.models.notes import Note
from memory_mcp.models.voices import Voice
from memory_mcp.telling.deciding import Passage, deciding_passages
from memory_mcp.telling.naming import files_in, functions_in, names_in
from memory_mcp.telling.sentences import without_code
from memory_mcp.telling.talks import Said, Settled, settled

EDITION = 1  # of the rules of extraction; a higher one reads every record anew
_GIT = "git"
_REVERTS = expression(r"This reverts commit ([0-9a-f]{7,40})")
# kinds of sources whose tasks are issues of strangers and whose runs hold no word of the user's
_RUNS = frozenset({"swe-agent", "mini-swe-agent"})
ADDED = "decision"  # the tag of a note that is a decision as a whole
APPLIES = "Applies to: "
_ADDED = 6.0  # score of what somebody calls a decision
_NOTE_LEAST = 1.5  # somebody found a note worth keeping
_MOST_NAMES, _MOST_FILES = 24, 60
_LOOKED_AT = 400_000  # characters of a talk in which files and names are looked for
_CLIENTS = frozenset(("claude-code", "codex", "opencode"))
_ORDER: tuple[Voice, ...] = ("user", "repository", "team", "agent", "tool", "web", "import")


class _Places(Struct, frozen=True):
    """What is spoken of around a decision."""

    files: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def drafts_of(record: Episode | Note, turns: Sequence[Turn] = ()) -> list[Draft]:
    """Return the decisions of a record, `turns` being those of a conversation."""
    if isinstance(record, Note):
        holds = record.superseded_by is None and record.valid_until is None  # what expires is no decision
        return list(_of_note(record)) if holds else []
    if record.kind == "conversation":
        return list(_of_talk(record, turns))
    if record.source is not None and record.source.kind == _GIT:
        return list(_of_commit(record, record.source))
    if record.source is not None and record.source.kind in _RUNS:
        return []
    return list(_of_task(record))


def lowest(*voices: Voice) -> Voice:
    """Return the voice that may be trusted least."""
    return max(voices, key=_ORDER.index)


def _of_commit(episode: Episode, commit: Source) -> Iterator[Draft]:
    subject, _, body = episode.task.partition("\n\n")
    files = tuple(file for step in episode.steps if (file := str(step.parameters.get("file", ""))))
    taken_back = _REVERTS.search(body)
    passages = deciding_passages(body, subject)
    if taken_back and not passages:
        passages = [Passage(subject, 0.0)]
    for passage in passages:
        yield Draft(
            text=passage.text,
            said_at=episode.started_at,
            voice="repository",
            files=tuple(dict.fromkeys((*files_in(passage.text), *files)))[:_MOST_FILES],
            functions=functions_in(passage.text),
            names=_names(passage.text, f"{subject}\n{body}"),
            who=commit.author,
            origin=commit.id,
            reverts=taken_back[1] if taken_back else "",
            score=passage.score,
        )


def _of_talk(episode: Episode, turns: Sequence[Turn]) -> Iterator[Draft]:
    said = [Said(turn.message.role, turn.message.text) for turn in turns]
    around = _around("\n".join(each.text for each in said))
    foreign = episode.source is not None and episode.source.kind not in _CLIENTS
    for each in settled(said):
        at = turns[each.turn]
        yield _from_talk(each, around, at.message.at, at.message.role, "import" if foreign else each.voice)


def _of_task(episode: Episode) -> Iterator[Draft]:
    """Find what the user said while the task was done, and what its outcome says."""
    prompts = [step for step in episode.steps if step.tool == "user"]
    asked = [Said("user", episode.task), *(Said("user", step.action) for step in prompts)]
    times = [episode.started_at, *(step.recorded_at for step in prompts)]
    around = _Places(files=_files(episode))
    for each in settled(asked):
        yield _from_talk(each, around, times[each.turn] or episode.started_at, "user", "user")
    if episode.outcome is not None and outcome_type(episode.outcome) != "abstained":
        for passage in deciding_passages(episode.outcome.verdict):
            found = Settled(passage.text, passage.score, 0, "agent")
            yield _from_talk(found, around, episode.completed_at or episode.updated_at, "", "agent")


def whole_note(note: Note, voice: Voice) -> Draft:
    """Return the decision that a note is as a whole; its last line may say where it applies."""
    text, _, places = note.text.rpartition(f"\n{APPLIES}")
    if not text.strip() or "\n" in places:  # that line is none of ours
        text, places = note.text, ""
    return Draft(
        text=text.strip(),
        said_at=note.created_at,
        voice=voice,
        files=files_in(f"{places}\n{text}"),
        functions=functions_in(note.text),
        names=tuple(dict.fromkeys((*_listed(places), *names_in(text))))[:_MOST_NAMES],
        who=note.source,
        score=_ADDED,
    )


def with_places(text: str, places: Iterable[str]) -> str:
    """Return the text of a note that is a decision, with a last line that says where it applies."""
    listed = ", ".join(places)
    return f"{text}\n{APPLIES}{listed}" if listed else text


def _listed(places: str) -> tuple[str, ...]:
    return tuple(name for each in places.split(",") if (name := each.strip()) and not files_in(name))


def _of_note(note: Note) -> Iterator[Draft]:
    if ADDED in note.tags:
        yield whole_note(note, "agent" if note.origin is None else "import")
        return
    for passage in deciding_passages(note.text, least=_NOTE_LEAST):
        yield Draft(
            text=passage.text,
            said_at=note.created_at,
            voice="user",  # no more than the note's own, which its door says
            files=files_in(note.text),
            functions=functions_in(note.text),
            names=_names(passage.text, note.text),
            who=note.source,
            score=passage.score,
        )


def _from_talk(found: Settled, around: _Places, at: int, who: str, voice: Voice) -> Draft:
    return Draft(
        text=found.text,
        said_at=at,
        voice=lowest(found.voice, voice),
        files=tuple(dict.fromkeys((*files_in(found.text), *around.files)))[:_MOST_FILES],
        functions=tuple(dict.fromkeys((*functions_in(found.text), *around.functions)))[:_MOST_NAMES],
        names=tuple(dict.fromkeys((*names_in(found.text), *around.names)))[:_MOST_NAMES],
        who=who,
        turn=found.turn,
        score=found.score,
    )


def _around(text: str) -> _Places:
    """Return the files that a text mentions, and what its prose names."""
    prose = without_code(text[:_LOOKED_AT])
    return _Places(files_in(text[:_LOOKED_AT]), functions_in(prose), names_in(prose))


def _names(passage: str, whole: str) -> tuple[str, ...]:
    """Return the names in a passage, then those around it."""
    return tuple(dict.fromkeys((*names_in(passage), *names_in(whole))))[:_MOST_NAMES]


def _files(episode: Episode) -> tuple[str, ...]:
    actions = (action_of(step) for step in episode.steps)
    return tuple(dict.fromkeys(file for each in actions if each.kind == "edit" for file in each.files))[:_MOST_FILES]
