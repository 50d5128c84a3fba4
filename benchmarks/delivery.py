"""What reaches an agent by itself of the decision that its task hinges on, and what it is told that it has no use for.

Each task of `decisions` stands in a store of its own among 1,500 commits of three projects and the talks of the tasks
of all other names. What was tuned, was tuned on half of the names; reported are the others. A word counts as delivered
where it stands whole in what the hook or the tool says; a token is three bytes, as `fence.tokens` counts.

    python benchmarks/delivery.py [--data ../shared/data] [--tuned] [--only deliver,silence,repeats] [--show]

With another checkout first on PYTHONPATH it measures that code.
"""

import argparse
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from msgspec import Struct

from memory_mcp.clock import SystemClock, iso
from memory_mcp.config.places import places
from memory_mcp.config.settings import EmbeddingSettings, Settings, StoreSettings
from memory_mcp.hooks.events import read_event
from memory_mcp.hooks.handling import handle
from memory_mcp.importers.commits import Commit, FileChange, read_json_lines
from memory_mcp.importers.git import import_commits
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.recall import Query
from memory_mcp.server.arguments import QueryMemory
from memory_mcp.server.desk import Desk
from memory_mcp.server.tools.records import query_memory

TUNED = {"budget", "csvquote", "dedupe", "discount", "drainplan", "hostallow", "listmerge"}
PROJECTS = ("click", "llm", "sqlite-utils")
EACH = 500  # commits of a project
DAY = 86_400_000_000
NOW = 1_790_000_000_000_000  # September 2026, after the newest commit
HEAD_TOKENS = 300
PROCESSES = 4  # tasks whose prompt is sent to a real process too
WORD = re.compile(r"[a-z0-9]+")
COMMON = (
    "a an and are as at be by do does for from has have if in into is it its not of on only or so than that the their"
    " then these this to was when which with"
)
STOP = frozenset(COMMON.split())
FENCE = re.compile(r"</?memory-mcp-recall>|^From earlier sessions, recorded by memory-mcp\.[^\n]*$", re.MULTILINE)


class Task(Struct, frozen=True):
    """A task of the set: what is asked for later, and the decision that must be known for it."""

    name: str
    source: str
    module: str
    request: str
    decision: str
    function: str | None = None
    conversations: tuple[tuple[dict[str, str], ...], ...] = ()
    commit_subject: str = ""
    commit_body: str = ""
    later_commit_subject: str = ""

    @property
    def words(self) -> set[str]:
        """The content words of the decision that its source holds."""
        return content(self.decision) & content(self.text)

    @property
    def text(self) -> str:
        """Its source."""
        return "\n".join((self.commit_subject, self.commit_body, *map(said, self.conversations)))


class Delivered(Struct):
    """What one task got: shares of the words of its decision."""

    task: Task
    prompt: float = 0.0
    tool: float = 0.0
    edit: float = 0.0
    head: float = 0.0
    briefing_tokens: int = 0
    answer_bytes: int = 0
    newest_first: bool | None = None
    process: float | None = None


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tuned", action="store_true", help="the names that were tuned on, not those reported")
    parser.add_argument("--only", default="deliver,silence,repeats")
    parser.add_argument("--show", action="store_true", help="print what was said, to read it by eye")
    parser.add_argument("--names", default="", help="these names alone")
    chosen = parser.parse_args()
    file = chosen.data / "decisions" / "decisions.jsonl.gz"
    if not file.is_file():
        sys.exit(f"{file} is absent; give --data")
    tasks = list(tasks_in(file))
    asked = [task for task in tasks if (task.name in TUNED) == chosen.tuned]
    if chosen.names:
        asked = [task for task in asked if task.name in chosen.names.split(",")]
    logs = {name: list(read_json_lines(chosen.data / "git" / f"{name}.jsonl.gz")) for name in PROJECTS}
    with tempfile.TemporaryDirectory(prefix="memory-mcp-delivery-") as scratch:
        whole = Path(scratch)
        if "deliver" in chosen.only:
            commits = [commit for log in logs.values() for commit in log[-EACH:]]
            base = based(whole / "base", commits)
            report(
                [
                    deliver(task, tasks, base, whole / "task", show=chosen.show, real=at < PROCESSES)
                    for at, task in enumerate(asked)
                ]
            )
        if "silence" in chosen.only:
            silence(logs, tasks, whole, show=chosen.show)
        if "repeats" in chosen.only:
            repeats(asked, tasks, logs, whole, show=chosen.show)


def tasks_in(file: Path) -> Iterator[Task]:
    """Yield the tasks of the set."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield Task(**{name: value for name, value in json.loads(line).items() if name in Task.__struct_fields__})


def content(text: str) -> set[str]:
    """Return the words of a text that carry meaning."""
    return {word for word in WORD.findall(text.lower()) if word not in STOP}


def said(talk: Sequence[dict[str, str]]) -> str:
    """Return what was said in a talk."""
    return "\n".join(message["text"] for message in talk)


def share(words: set[str], text: str) -> float:
    """Return which share of the words a text holds."""
    return len(words & content(text)) / max(len(words), 1)


class Still(SystemClock):
    """A clock that stands still, in a time after the newest commit."""

    def now(self) -> int:
        """Return the time of the benchmark."""
        return NOW


def opened(home: Path) -> Memory:
    """Open the memory of a directory."""
    settings = Settings(store=StoreSettings(home=str(home)), embeddings=EmbeddingSettings(provider="hash"))
    return Memory(settings, places(settings, settings_file=home / "none"), "delivery", actor="hook", clock=Still())


def based(home: Path, commits: Sequence[Commit]) -> Path:
    """Fill a store with commits, and let everything that follows catch up."""
    with opened(home) as memory:
        oldest_first: list[Commit] = sorted(commits, key=lambda commit: commit.moment)
        import_commits(memory.episodes, memory.relationships, oldest_first)
        settle(memory)
    return home


def settle(memory: Memory) -> None:
    """Do what a server does in the background."""
    memory.learning.follow()
    if hasattr(memory, "decisions"):  # an earlier version has none
        memory.decisions.follow(float("inf"))
    memory.recall.search(Query("warm"), patience_s=float("inf"))


def talk_into(memory: Memory, talk: Sequence[dict[str, str]], at: int) -> None:
    """Remember a talk."""
    memory.conversations.remember(
        "", [Message(each["role"], each["text"], at + number * 60_000_000) for number, each in enumerate(talk)]
    )


def add(memory: Memory, task: Task, days: int) -> None:
    """Remember the source of a task: talks a month apart, or a commit and the later one that broke it."""
    at = NOW - days * DAY
    for number, talk in enumerate(task.conversations):
        talk_into(memory, talk, at + number * 30 * DAY)
    if task.source == "history":
        file = FileChange(task.module, 9, 4)
        test = FileChange(f"tests/test_{Path(task.module).name}", 20, 0)
        import_commits(
            memory.episodes,
            memory.relationships,
            [
                Commit(hash_of(task.commit_subject), (), iso(at), task.commit_subject, task.commit_body, (file, test)),
                Commit(hash_of(f"later {task.name}"), (), iso(at + 20 * DAY), task.later_commit_subject, "", (file,)),
            ],
        )


def tokens(text: str) -> int:
    """Estimate the tokens of a text from above, as every version does."""
    return -(-len(text.encode()) // 3)


def hash_of(text: str) -> str:
    """Return a hash that a commit could have."""
    return f"{random.Random(text).getrandbits(160):040x}"


def deliver(task: Task, tasks: Sequence[Task], base: Path, home: Path, *, show: bool, real: bool) -> Delivered:
    """Let one agent begin, ask and edit in a store that holds the source of its task among all others."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(base, home)
    with opened(home) as memory:
        for days, other in enumerate(tasks):
            if other.name != task.name and other.conversations:
                add(memory, other, 100 + days)
        add(memory, task, 90)
        settle(memory)
        found = Delivered(task)
        prompt = ask(memory, "s1", task.request)
        answer = query_memory(Desk(memory), QueryMemory(task.request))
        edit = before_edit(memory, "s2", task)
        briefing = told(memory, {"hook_event_name": "SessionStart", "session_id": "s3", "source": "startup"})
        heads = memory.recall.search(Query(task.request, limit=1)).hits
    if real:
        asked = {"hook_event_name": "UserPromptSubmit", "session_id": "s4", "prompt": task.request}
        found.process = share(task.words, as_process(home, asked))
    text = json.dumps(answer, ensure_ascii=False)
    found.prompt, found.tool, found.edit = share(task.words, prompt), share(task.words, text), share(task.words, edit)
    found.head = share(task.words, "".join(hit.text for hit in heads)[: HEAD_TOKENS * 3])
    found.briefing_tokens, found.answer_bytes = tokens(briefing), len(text.encode())
    if len(task.conversations) > 1:
        found.newest_first = newest_first(task, prompt) and newest_first(task, text)
    if show:
        missing = " ".join(sorted(task.words - content(prompt)))
        print(f"\n=== {task.name} {task.source}: {task.request}\n  DECISION {task.decision}\n  MISSING {missing}")
        print(f"--- prompt {found.prompt:.2f}\n{prompt}\n--- edit {found.edit:.2f}\n{edit}")
        print(f"--- briefing\n{briefing}\n--- tool {found.tool:.2f}, {found.answer_bytes} bytes\n{text}")
    return found


def told(memory: Memory, event: dict[str, Any]) -> str:
    """Send an event and return what the agent reads; it is booked, as the hook's process would do."""
    read = read_event(json.dumps(event).encode(), "", NOW)
    said = handle(memory, read)
    if isinstance(said, str):  # as earlier versions answered
        return said
    if said.text:
        memory.ledger.book(read.session_id, "hook", read.name, said.text, said.names)
    return said.text


def ask(memory: Memory, session: str, prompt: str) -> str:
    """Send a prompt."""
    return told(memory, {"hook_event_name": "UserPromptSubmit", "session_id": session, "prompt": prompt})


def before_edit(memory: Memory, session: str, task: Task) -> str:
    """Announce an edit of the task's module."""
    body = f"def {task.function or 'run'}(value):\n    return value\n"
    given = {"file_path": task.module, "old_string": body, "new_string": body.replace("return value", "return None")}
    return told(memory, edit_event(session, given))


def edit_event(session: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the event of an edit that is about to be made."""
    return {"hook_event_name": "PreToolUse", "session_id": session, "tool_name": "Edit", "tool_input": given}


def newest_first(task: Task, text: str) -> bool:
    """Whether what the later talk says stands before anything that only the earlier one says."""
    lower = " ".join(text.lower().split())
    places = []
    for talk in task.conversations:
        pieces = (
            piece for each in talk for piece in re.findall(r"(?:\S+ ){5}", " ".join(each["text"].lower().split()))
        )
        at = [lower.find(json.dumps(piece.strip())[1:-1]) for piece in pieces] + [
            lower.find(piece.strip()) for each in talk for piece in re.findall(r"(?:\S+ ){5}", each["text"].lower())
        ]
        places.append(min((place for place in at if place >= 0), default=len(lower)))
    return places[-1] < len(lower) and places[-1] <= min(places[:-1])


def report(rows: Sequence[Delivered]) -> None:
    """Print one line per task, and the means."""
    print(f"\n{'task':<36}{'words':>6}{'prompt':>8}{'tool':>7}{'edit':>7}{'head':>7}{'bytes':>7}{'brief':>6}")
    for row in rows:
        name = f"{row.task.name} {row.task.source}"
        order = "" if row.newest_first is None else "  newest first" if row.newest_first else "  OLDER FIRST"
        shares = f"{row.prompt:8.2f}{row.tool:7.2f}{row.edit:7.2f}{row.head:7.2f}"
        print(f"{name:<36}{len(row.task.words):>6}{shares}{row.answer_bytes:>7}{row.briefing_tokens:>6}{order}")
    commits = [row for row in rows if row.task.source == "history"]
    amended = [row for row in rows if row.newest_first is not None]
    print(f"prompt {fmean(row.prompt for row in rows):.3f} (reach 0.80), silent {sum(not row.prompt for row in rows)}")
    print(
        f"tool   {fmean(row.tool for row in rows):.3f} (reach 0.90), most {max(row.answer_bytes for row in rows)} bytes"
    )
    print(f"head   {fmean(row.head for row in rows):.3f} (best hit's first {HEAD_TOKENS} tokens)")
    if commits:
        half = sum(row.edit >= 0.5 for row in commits)
        mean = fmean(row.edit for row in commits)
        print(f"before the edit, commit tasks: half of the words or more {half} of {len(commits)}, mean {mean:.3f}")
    print(f"amended: newest first {sum(bool(row.newest_first) for row in amended)} of {len(amended)}")
    real = [row for row in rows if row.process is not None]
    print(f"as real processes: {sum(row.process == row.prompt for row in real)} of {len(real)} prompts get as much")
    print(f"briefing: at most {max(row.briefing_tokens for row in rows)} tokens (reach 400)")


def silence(logs: dict[str, list[Commit]], tasks: Sequence[Task], whole: Path, *, show: bool) -> None:
    """Send requests and edits of one project to a memory of the two others and the talks."""
    for foreign in PROJECTS:
        home = whole / f"without-{foreign}"
        based(home, [commit for name in PROJECTS if name != foreign for commit in logs[name]])
        with opened(home) as memory:
            for days, task in enumerate(tasks):
                if task.conversations:
                    add(memory, task, 100 + days)
            settle(memory)
            asked = [c for c in logs[foreign] if len(c.subject.split()) > 3 and not c.subject.startswith("Merge ")]
            dice = random.Random(7)
            prompts = [commit.subject for commit in dice.sample(asked, 200)]
            known = {change.path for name in PROJECTS if name != foreign for c in logs[name] for change in c.files}
            files = sorted({change.path for c in logs[foreign] for change in c.files} - known)
            answered = [text for at, each in enumerate(prompts) if (text := ask(memory, f"p{at}", each))]
            edited = []
            for at, file in enumerate(dice.sample(files, min(200, len(files)))):
                given = {"file_path": file, "old_string": "def run(value):", "new_string": "def run(value, other):"}
                if text := told(memory, edit_event(f"e{at}", given)):
                    edited.append(text)
        print(
            f"foreign ({foreign}): {len(answered)} of {len(prompts)} prompts answered,"
            f" {len(edited)} of {min(200, len(files))} edits (reach one in ten)"
        )
        for text in (*answered[:8], *edited[:8]) if show else ():
            print(text)


def repeats(
    asked: Sequence[Task], tasks: Sequence[Task], logs: dict[str, list[Commit]], whole: Path, *, show: bool
) -> None:
    """Let each task be asked twice and its module edited three times in one session, and count lines said again."""
    home = based(whole / "repeats", logs["llm"])
    lines = again = 0
    with opened(home) as memory:
        for days, task in enumerate(tasks):
            add(memory, task, 100 + days)
        settle(memory)
        for number, task in enumerate(asked):
            seen: set[str] = set()
            session = f"r{number}"
            sayings = [ask(memory, session, task.request), *(before_edit(memory, session, task) for _ in range(3))]
            sayings += [ask(memory, session, f"{task.request} Go on."), before_edit(memory, f"{session}:part", task)]
            for line in (
                line for text in sayings for line in FENCE.sub("", text).splitlines() if line.startswith("- ")
            ):
                lines += 1
                again += line in seen
                if show and line in seen:
                    print(f"again: {line}")
                seen.add(line)
    print(f"repeats within a session: {again} of {lines} lines ({again / max(lines, 1):.1%}, reach 5 %)")


def as_process(home: Path, event: dict[str, Any]) -> str:
    """Send an event to a real hook process."""
    environ = {**os.environ, "MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "delivery"}
    command = [sys.executable, "-m", "memory_cli.entrance", "hook"]
    done = subprocess.run(command, input=json.dumps(event).encode(), env=environ, capture_output=True, check=True)
    return json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"] if done.stdout else ""


if __name__ == "__main__":
    main()
