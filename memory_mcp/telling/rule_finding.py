"""This module finds rules in what the user said in a record: in prompts, refused commands and undone edits."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from memory_mcp.actions.shell_words import names
from memory_mcp.actions.steps import command_of
from memory_mcp.expressions import expression
from memory_mcp.models.conversations import Turn
from memory_mcp.models.episodes import Episode, Step, StepError
from memory_mcp.models.notes import Note
from memory_mcp.models.rules import FoundRule
from memory_mcp.models.voices import Voice
from memory_mcp.telling.correcting import corrections, plain, refusals
from memory_mcp.telling.forbidding import check_of

_BEFORE = 6  # steps that a correction may answer to
_LONGEST_COMMAND = 100
# Claude Code 2.1 answers so to a call that the user refuses; what they typed stands at the end
_REFUSED = "The user doesn't want to proceed with this tool use"
_WORDS_OF_REFUSAL = expression(r"the user said:\s*(.+)", 2 | 16)
_PAIRS = (("old_string", "new_string"), ("oldString", "newString"), ("old_str", "new_str"))
_WORD = expression(r"[a-z0-9_./@+'-]+")
_SAME = {"dont": "not", "don't": "not", "never": "not", "no": "", "stop": "not", "avoid": "not", "without": "not"}
_IDLE = names(
    "a an the to of in on at for and or but so please ever do does you i we us our it is are be this that here always"
    " from now actually again ok okay yes well just make sure must should want will i'll with any"
    " all repo project"
)


class _Said(Struct, frozen=True):
    text: str
    at: int
    before: tuple[Step, ...] = ()


def found_rules(record: Episode | Note, turns: Sequence[Turn], asked: Sequence[Voice]) -> list[FoundRule]:
    """Return the rules in a record; `asked` are the voices of its prompts, or of the turns of a conversation."""
    if isinstance(record, Note):
        return []
    if record.kind == "conversation":
        spoken = [
            _Said(turn.message.text, turn.message.at)
            for turn, voice in zip(turns, asked, strict=False)
            if voice == "user" and turn.message.role == "user"
        ]
        return _unique(rule for said in spoken for rule in _of_prompt(said))
    prompts = [said for said, voice in zip(_prompts(record), asked, strict=False) if voice == "user"]
    found = [rule for said in prompts for rule in _of_prompt(said)]
    if prompts:  # seen by our own hooks, or in the client's transcript
        found += [*_of_refused_commands(record.steps), *_of_undone_edits(record.steps)]
    return _unique(found)


def identity_of(text: str) -> str:
    """Return the words that matter in a rule, so that saying it again in other words is the same rule."""
    words = (_SAME.get(word, word) for word in _WORD.findall(text.lower().replace("’", "'")))
    kept = (word.strip(".").removesuffix("ing").removesuffix("s") for word in words)
    return " ".join(sorted({word for word in kept if word and word not in _IDLE}))


def _prompts(episode: Episode) -> list[_Said]:
    said = [_Said(episode.task, episode.started_at)]
    for at, step in enumerate(episode.steps):
        if step.tool == "user":
            said.append(_Said(step.action, step.recorded_at, tuple(episode.steps[max(0, at - _BEFORE) : at])))
    return said


def _of_prompt(said: _Said) -> Iterator[FoundRule]:
    for correction in corrections(said.text):
        check = check_of(correction.text, said.before)
        yield FoundRule(plain(correction.text), identity_of(correction.text), said.at, check)


def _of_refused_commands(steps: Sequence[Step]) -> Iterator[FoundRule]:
    """Yield the rules in the words with which a call was refused; without words, the command needs a question first."""
    for step in steps:
        if not isinstance(step.result, StepError) or _REFUSED not in step.result.message:
            continue
        said = _WORDS_OF_REFUSAL.search(step.result.message)
        if said:
            yield from _of_prompt(_Said(said[1].strip(), step.recorded_at, (step,)))
            continue
        command = command_of(step)
        check = check_of(f"never run {command}") if command and "\n" not in command else None
        if command and check is not None:
            text = f"Ask before running `{command[:_LONGEST_COMMAND]}`: the user refused it."
            yield FoundRule(text, f"refused {' '.join(check.words)}", step.recorded_at, check)


def _of_undone_edits(steps: Sequence[Step]) -> Iterator[FoundRule]:
    """Yield what the user said between an edit and the edit that took it back."""
    for at, step in enumerate(steps):
        written = _replaced(step)
        if written is None:
            continue
        for later in range(at + 1, len(steps)):
            if _replaced(steps[later]) == (written[0], written[2], written[1]):
                said = [each for each in steps[at + 1 : later] if each.tool == "user"]
                for prompt in said:
                    for text in refusals(prompt.action):
                        yield FoundRule(plain(text), identity_of(text), prompt.recorded_at, check_of(text))
                break


def _replaced(step: Step) -> tuple[str, str, str] | None:
    """Return the file of an edit, its old text and its new text."""
    file = step.parameters.get("file") or step.parameters.get("file_path") or step.parameters.get("filePath")
    for old, new in _PAIRS:
        before, after = step.parameters.get(old), step.parameters.get(new)
        if isinstance(file, str) and isinstance(before, str) and isinstance(after, str) and before != after:
            return file, before, after
    return None


def _unique(found: Iterator[FoundRule] | Sequence[FoundRule]) -> list[FoundRule]:
    return list({rule.identity: rule for rule in found if rule.identity}.values())
