"""This module finds the decisions of a record: of a commit, a talk, a task, a note."""

from collections.abc import Iterable, Iterator, Sequence

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
_ORDER: tuple[Voice, ...] = ("user", "repository", "team", "agent", "tool", "web", "import")


def drafts_of(record: Episode | Note, turns: Sequence[Turn] = ()) -> list[Draft]:
    """Return the decisions of a record, `turns` being those of a conversation."""
    if isinstance(record, Note):
        return list(_of_note(record))
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
    whole = "\n".join(each.text for each in said)
    foreign = episode.source is not None and episode.source.kind not in ("claude-code", "codex", "opencode")
    for each in settled(said):
        at = turns[each.turn]
        yield _from_talk(each, whole, at.message.at, at.message.role, "import" if foreign else each.voice)


def _of_task(episode: Episode) -> Iterator[Draft]:
    """Find what the user said while the task was done, and what its outcome says."""
    asked = [Said("user", episode.task), *(Said("user", s.action) for s in episode.steps if s.tool == "user")]
    times = [episode.started_at, *(step.recorded_at for step in episode.steps if step.tool == "user")]
    changed = "\n".join(_files(episode))
    for each in settled(asked):
        yield _from_talk(each, changed, times[each.turn] or episode.started_at, "user", "user")
    if episode.outcome is not None and outcome_type(episode.outcome) != "abstained":
        for passage in deciding_passages(episode.outcome.verdict):
            found = Settled(passage.text, passage.score, 0, "agent")
            yield _from_talk(found, changed, episode.completed_at or episode.updated_at, "", "agent")


def whole_note(note: Note, voice: Voice) -> Draft:
    """Return the decision that a note is as a whole; its last line may say where it applies."""
    text, _, places = note.text.partition(f"\n{APPLIES}")
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


def _from_talk(found: Settled, whole: str, at: int, who: str, voice: Voice) -> Draft:
    prose = without_code(whole)
    return Draft(
        text=found.text,
        said_at=at,
        voice=lowest(found.voice, voice),
        files=tuple(dict.fromkeys((*files_in(found.text), *files_in(whole))))[:_MOST_FILES],
        functions=tuple(dict.fromkeys((*functions_in(found.text), *functions_in(prose))))[:_MOST_NAMES],
        names=_names(found.text, prose),
        who=who,
        turn=found.turn,
        score=found.score,
    )


def _names(passage: str, whole: str) -> tuple[str, ...]:
    """Return the names in a passage, then those around it."""
    return tuple(dict.fromkeys((*names_in(passage), *names_in(whole))))[:_MOST_NAMES]


def _files(episode: Episode) -> tuple[str, ...]:
    actions = (action_of(step) for step in episode.steps)
    return tuple(dict.fromkeys(file for each in actions if each.kind == "edit" for file in each.files))[:_MOST_FILES]
