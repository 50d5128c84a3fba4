"""Stored text, arguments and paths never drive a terminal: one record goes through every command there is."""

import json
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main
from msgspec import Struct

from memory_cli.app import app
from memory_mcp.config.places import hook_directory, places
from memory_mcp.config.settings import Settings, StoreSettings
from memory_mcp.episodes.handoffs import pack
from memory_mcp.hooks.queue import HookQueue
from memory_mcp.importers.archives import export_lines
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Context, PartialSuccess, Step, StepError, StepSuccess
from memory_mcp.models.patterns import PatternFilter
from memory_mcp.models.recommendations import Wanted
from memory_mcp.models.relationships import Relationship
from tests.cli.forks import Ended, Job, run_all
from tests.fakes import FrozenClock
from tests.worktrees.repositories import Repository

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")

HOSTILE = "\x1b]8;;http://evil\x07link\x1b[2J\x9b31m\u202egnp.exe\u2066\x07\r\x08\U000e0041\u200b\x7f\u2028[red]"
NAME = HOSTILE.replace("/", "")  # of a file or a directory
RICHS_OWN = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|1A)|\r?\x1b\[2K")
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Scene(Struct):
    """A memory full of hostile text, and the ids of what is in it."""

    home: Path
    repository: Path
    files: Path
    ids: dict[str, str]


def words_of(call: str, scene: Scene) -> list[str]:
    """Return the words of a call, in which {name} and the like stand for what the scene holds."""
    held = {
        "hostile": HOSTILE,
        "name": NAME,
        "action": f"deploy --to {HOSTILE}",
        "files": str(scene.files),
        "repository": str(scene.repository),
    }
    return [word.format(**held, **scene.ids) for word in call.split()]


# name of each command → calls that show stored text, or quote what was typed
CALLS: dict[str, list[str]] = {
    "episode create": ["{hostile}", "{hostile} --type {hostile} --domain {hostile} --tag {hostile}"],
    "episode list": ["", "--limit 1", "--status {hostile}", "--since {hostile}", "--cursor {hostile}"],
    "episode view": ["{closed}", "{closed} --timeline", "{hostile}"],
    "episode search": ["{hostile}", "deploy --limit {hostile}", "deploy{hostile}"],
    "episode log-step": [
        "{active} {hostile} {hostile} --result error --output {hostile}",
        "{active} a b --parameters {hostile}",
    ],
    "episode complete": ["{active} --verdict {hostile} --artifact {hostile}", "{closed}"],
    "episode fail": ["{active} {hostile}"],
    "episode update": ["{active} --task {hostile} --add-tag {hostile}"],
    "episode delete": ["{closed}", "{closed} --yes", "{hostile}"],
    "note add": ["{hostile}", "{hostile} --importance {hostile}", "x --supersedes {hostile}"],
    "note list": ["", "--tag {hostile}"],
    "note search": ["{hostile}", "deploy"],
    "note delete": ["{note}", "{note} --yes", "{hostile}"],
    "rule list": ["", "--state all", "--state {hostile}"],
    "rule view": ["{rule}", "{hostile}"],
    "rule add": ["{hostile}", "never{hostile}"],
    "rule accept": ["{rule}", "{rule} --on-breach {hostile}", "{hostile}"],
    "rule reject": ["{rule}", "{hostile}"],
    "rule delete": ["{rule}", "{rule} --yes", "{hostile}"],
    "rule write": ["AGENTS.md --dry-run", "AGENTS.md --yes", "{hostile}"],
    "decision list": ["", "--file {hostile} --name {hostile} --replaced", "--source {hostile}", "--cursor {hostile}"],
    "decision view": ["{decision}", "{replaced}", "{hostile}"],
    "decision search": ["{hostile}", "deploy"],
    "decision add": ["{hostile} --file {hostile} --name {hostile}", "x --replaces {hostile}"],
    "decision retire": ["{decision}", "{decision} --undo", "{hostile}"],
    "decision settle": ["{decision} {replaced}", "{hostile} {replaced} --both"],
    "decision extract": ["", "--anew"],
    "conversation add": [
        "{files}/talk{name} --title {hostile}",
        "{files}/messages{name} --title {hostile}",
        "{files}/nothing{name} --title {hostile}",
        "-",
    ],
    "conversation append": ["{conversation} {files}/talk{name}", "{hostile} {files}/messages{name}"],
    "conversation list": ["", "--limit 1"],
    "conversation view": ["{conversation}", "{hostile}"],
    "conversation search": ["{hostile}", "deploy"],
    "conversation delete": ["{conversation}", "{conversation} --yes", "{hostile}"],
    "tools": ["", "--json", "{hostile}"],
    "pattern list": ["", "--kind {hostile}", "--cursor {hostile}"],
    "pattern view": ["{pattern}", "{hostile}"],
    "pattern search": ["deploy", "{hostile}"],
    "pattern recommend": ["deploy", "{hostile}"],
    "pattern analyze": [""],
    "pattern effectiveness": [""],
    "pattern extract": [""],
    "pattern decay": ["", "--dry-run"],
    "playbook recommend": ["deploy", "{hostile}"],
    "playbook view": ["{playbook}", "{hostile}"],
    "playbook list": [""],
    "handoff create": ["{active} --note {hostile}", "{hostile}"],
    "handoff list": [""],
    "handoff view": ["{handoff}", "{hostile}"],
    "handoff resume": ["{handoff}", "{hostile}"],
    "handoff export": ["{handoff} -", "{handoff} {files}/out{name}", "{handoff} {files}/messages{name}"],
    "handoff import": ["{files}/handoff{name}", "{files}/nothing{name}", "{files}/messages{name}"],
    "relationship add": ["{closed} related_to {active}", "{hostile} follows {hostile}", "{closed} {hostile} {active}"],
    "relationship remove": ["{hostile} follows {hostile}"],
    "relationship list": ["", "{hostile}"],
    "relationship graph": ["{closed}", "{closed} --form dot", "{closed} --form json", "{hostile}"],
    "relationship order": ["follows", "{hostile}"],
    "tag add": ["{closed} {hostile}", "{hostile} x"],
    "tag remove": ["{closed} x"],
    "tag rename": ["{hostile} y"],
    "tag list": [""],
    "project show": [""],
    "project list": [""],
    "project rename": ["{hostile}", "{hostile} --yes"],
    "project merge": ["{hostile} {hostile}", "{hostile} {hostile} --yes"],
    "project link": ["{hostile}", "{hostile} --yes"],
    "project unlink": ["", "--yes"],
    "project trust": ["", "--yes"],
    "project layer": ["{hostile}", ""],
    "project fold": ["{hostile}", "--merged"],
    "project drop": ["{hostile}", "{hostile} --yes"],
    "import git": ["{repository}", "{files}/nothing{name}", "{files}/messages{name}"],
    **{
        f"import {kind}": ["{files}/nothing{name}", "{files}/messages{name}", "{files}", "{files} --dry-run"]
        for kind in (
            *("claude-code", "opencode", "codex", "swe-agent", "mini-swe-agent", "server-memory", "mcp-memory-service"),
            *("claude-mem", "basic-memory", "mem0", "slack"),
        )
    },
    "import jsonl": ["{files}/messages{name}", "{files}/export{name}", "{files}/export{name} --projects"],
    "model install": ["--from {files}/nothing{name}", "--from {files}"],
    "model list": [""],
    "model remove": ["", "--vectors {hostile}"],
    "model embed": [""],
    "cache stats": [""],
    "cache clear": [""],
    "cache warm": [""],
    "cache verify": [""],
    "backup create": [""],
    "backup list": [""],
    "backup verify": ["", "{hostile}"],
    "backup restore": ["{hostile}", "{files}/messages{name} --yes"],
    "index status": [""],
    "index rebuild": [""],
    "queue list": [""],
    "queue drain": [""],
    "queue retry": [""],
    "queue delete": ["", "--yes"],
    "config show": [""],
    "config init": [""],
    "config validate": [""],
    "config path": [""],
    "check": ["{action}", "--file {hostile}", "deploy --tool {hostile}"],
    "quarantine list": ["", "--voice {hostile}", "--limit {hostile}"],
    "quarantine release": ["{hostile}"],
    "quarantine drop": ["{hostile}"],
    "ledger": ["", "--by record", "--by {hostile}"],
    "fact list": ["", "--topic {hostile}", "--limit {hostile}"],
    "feedback": ["helped {recommendation} --note {hostile}", "helped {hostile}", "{hostile}"],
    "lift": [""],
    "health": [""],
    "metrics": [""],
    "where": [""],
    "setup": ["claude --dry-run --scope project", "{hostile}"],
    "doctor": ["", "--limit {hostile}"],
    "export": ["-", "- --all", "{files}/messages{name}", "{files}/new{name}"],
    "redact": ["--scan"],  # the filter of stdin has a test of its own
    "hook": ["session-start", "user-prompt", "{hostile}"],
    "demo": [""],
    "selftest": ["--no{hostile}"],  # it knows its own scratch memories only
    "replay": ["", "{hostile}", "--runs {files}", "--runs {files}/messages{name} --format {hostile}", "--limit 1"],
    "bench": ["--mine", "--only {hostile}", "--only size --episodes {hostile}"],
}  # fmt: skip
SHOWING = (
    *("rule list", "rule view"),
    *("episode list", "episode view", "episode search", "episode complete", "episode fail", "episode update"),
    *("decision list", "decision view", "decision search"),
    *("note list", "note search", "conversation list", "conversation view", "conversation search", "pattern list"),
    *("pattern view", "playbook recommend"),
    *("playbook view", "playbook list", "handoff list", "handoff view", "handoff export", "relationship graph"),
    *("tag add", "tag list", "project show", "project list", "project layer", "backup create", "config show"),
    *(
        "config init",
        "config path",
        "check",
        "where",
        "setup",
        "doctor",
        "export",
        "hook",
        "demo",
        "cache stats",
        "queue list",
    ),
)
ASKED = {
    "hook": json.dumps({"session_id": "s", "hook_event_name": "SessionStart", "prompt": f"deploy {HOSTILE} now please"})
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    root = tmp_path_factory.mktemp("hostile")
    made = Scene(root / f"home{NAME}", root / f"repository{NAME}", root / "files", {})
    made.files.mkdir()
    _repository(made.repository)
    with _opened(made.home) as memory:
        _fill(memory, made)
        handoff = pack(memory.handoffs.get(made.ids["handoff"]))
        export = b"".join(export_lines(memory.store, memory.clock))
    line = json.dumps({"role": HOSTILE, "text": f"deploy {HOSTILE}", "task": HOSTILE, "tags": [HOSTILE]})
    (made.files / f"messages{NAME}").write_text(f"{line}\nno json {HOSTILE}\n", encoding="utf-8")
    (made.files / f"talk{NAME}").write_text(f"{line}\n", encoding="utf-8")
    (made.files / f"handoff{NAME}").write_bytes(handoff)
    (made.files / f"export{NAME}").write_bytes(export)
    for suffix in ("jsonl", "json", "traj", "md", "db", "sqlite"):
        (made.files / f"odd{NAME}.{suffix}").write_text(f"[{line}, {HOSTILE}]", encoding="utf-8")
    return made


def _repository(root: Path) -> None:
    repository = Repository(root)
    repository.commit({f"file{NAME}.py": "1"}, f"deploy it {HOSTILE}")
    repository.commit({f"file{NAME}.py": "2"}, f"mend it {HOSTILE}")
    repository.git("checkout", "-q", "-b", "feature\u202e\u200b")


def _opened(home: Path) -> Memory:
    settings = Settings(store=StoreSettings(home=str(home)))
    where = places(settings, settings_file=home / "memory-cli.toml")
    return Memory(settings, where, f"desk{HOSTILE}", actor="test", clock=FrozenClock())


def _fill(memory: Memory, scene: Scene) -> None:
    HookQueue(hook_directory(memory.places)).set_aside({"event": HOSTILE}, HOSTILE)
    context = Context(HOSTILE, HOSTILE, HOSTILE, tags=(f"tag{HOSTILE}",))
    steps = [
        Step(f"bash{HOSTILE}", f"deploy {HOSTILE}", {HOSTILE: [HOSTILE]}, StepError(f"KeyError: {HOSTILE}")),
        Step(f"edit{HOSTILE}", f"mend {HOSTILE}", {"file": f"src/{HOSTILE}.py"}, StepSuccess(HOSTILE)),
        Step(f"bash{HOSTILE}", f"deploy {HOSTILE}", {}, StepSuccess(f"done\n{HOSTILE}")),
        Step("bash", f"deploy --to {HOSTILE}", {}, StepError(f"KeyError: {HOSTILE}")),
    ]
    closed = []
    for _ in range(6):
        episode, _ = memory.episodes.start(f"deploy the site {HOSTILE}", task_type=HOSTILE, context=context)
        memory.episodes.append(episode.id, steps)
        outcome = PartialSuccess(f"verdict {HOSTILE}", (HOSTILE,), (HOSTILE,), (f"file{HOSTILE}",))
        memory.learning.complete(episode.id, outcome)
        closed.append(episode.id)
    active, _ = memory.episodes.start(f"deploy again {HOSTILE}", task_type=HOSTILE, context=context)
    memory.episodes.append(active.id, steps[:2])
    memory.relationships.add(
        [Relationship("follows", closed[1], closed[0]), Relationship("follows", active.id, closed[0])]
    )
    note, _ = memory.notes.add(f"deploy on Tuesday {HOSTILE}", tags=(f"tag{HOSTILE}",), importance=0.9, source=HOSTILE)
    talk, _ = memory.conversations.remember(
        f"deploy talk {HOSTILE}",
        [Message(HOSTILE, f"deploy when? {HOSTILE}", 1_700_000_000_000_000, is_marked=True)],
        context=context,
    )
    handoff = memory.handoffs.checkpoint(active.id, note=HOSTILE, next_steps=[f"deploy {HOSTILE}"])
    memory.learning.follow()
    wanted = Wanted(f"deploy the site {HOSTILE}", context, HOSTILE)
    playbook = memory.advice.playbook(wanted)
    given = memory.advice.patterns(wanted)
    scene.ids |= {"closed": closed[0], "active": active.id, "note": note.id, "conversation": talk.id}
    scene.ids |= {"handoff": handoff.id, "playbook": playbook.id, "recommendation": given.recommendation_id or "none"}
    scene.ids["rule"] = memory.rules.add(f"never push to main {HOSTILE}")[0].id
    older, _ = memory.decisions.add(f"never deploy on Monday {HOSTILE}", files=[f"{HOSTILE}.py"], who=HOSTILE)
    newer, _ = memory.decisions.add(f"always deploy on Monday {HOSTILE}", names=[HOSTILE], replaces=[older.id])
    scene.ids |= {"decision": newer.id, "replaced": older.id}
    learnt = memory.store.patterns.list(PatternFilter(), limit=1, cursor=None).patterns
    scene.ids["pattern"] = learnt[0].id


def commands() -> dict[str, Any]:
    """Name every command that there is."""
    root: Any = typer.main.get_command(app)
    found: dict[str, Any] = {}
    for name in root.list_commands(None):
        command = root.get_command(None, name)
        below = getattr(command, "commands", None)
        found |= {f"{name} {each}": inner for each, inner in below.items()} if below else {name: command}
    return found


def jobs_of(scene: Scene, calls: Sequence[list[str]], *, terminal: bool, **environ: str) -> list[Job]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ = {**kept, "MEMORY_MCP_PROJECT_NAME": f"desk{HOSTILE}", "LANG": "C.UTF-8", **environ}
    return [
        Job(
            words,
            dict(environ),
            str(scene.repository),
            str(scene.home),
            ASKED.get(" ".join(words[:1]), "n\n"),
            terminal,
        )
        for words in calls
    ]


def every_call(scene: Scene) -> list[list[str]]:
    return [[*name.split(), *words_of(call, scene)] for name, calls in CALLS.items() for call in calls]


def driven_by(ended: Ended, *, terminal: bool) -> set[str]:
    """Return the characters that got through, apart from those that rich draws with and line ends."""
    text = ended.output.decode("utf-8", "surrogateescape")
    if terminal:
        text = RICHS_OWN.sub("", text).replace("\r\n", "\n")
    return {f"U+{ord(sign):04X}" for sign in text if sign not in "\n\t" and unicodedata.category(sign) in FORBIDDEN}


def assert_none_drives(jobs: list[Job]) -> None:
    got_through = {
        f"{' '.join(job.words)!a}": (driven_by(ended, terminal=job.terminal), ended.output[:300])
        for job, ended in zip(jobs, run_all(jobs), strict=True)
        if driven_by(ended, terminal=job.terminal) or b"Traceback" in ended.output
    }
    assert got_through == {}


def test_every_command_is_covered() -> None:
    assert sorted(CALLS) == sorted(commands())


def test_no_command_lets_stored_text_drive_a_terminal(scene: Scene) -> None:
    assert_none_drives(jobs_of(scene, every_call(scene), terminal=True, TERM="dumb", NO_COLOR="1"))


@pytest.mark.long
def test_no_command_lets_stored_text_drive_a_terminal_with_colours(scene: Scene) -> None:
    assert_none_drives(jobs_of(scene, every_call(scene), terminal=True, TERM="xterm-256color"))


@pytest.mark.long
def test_no_command_lets_stored_text_through_a_pipe_unescaped(scene: Scene) -> None:
    assert_none_drives(jobs_of(scene, every_call(scene), terminal=False))


def test_hidden_characters_are_shown_and_not_dropped(scene: Scene) -> None:
    calls = [[*name.split(), *words_of(CALLS[name][0], scene)] for name in SHOWING]

    ended = run_all(jobs_of(scene, calls, terminal=False))

    unseen = [name for name, each in zip(SHOWING, ended, strict=True) if each.code or b"u202e" not in each.output]
    assert unseen == []


def test_json_holds_hidden_characters_as_equivalent_escapes(scene: Scene) -> None:
    calls = [
        [*name.split(), *words_of(CALLS[name][0], scene), "--json"]
        for name, command in commands().items()
        if "json" in {each.name for each in command.params} and name not in {"selftest", "bench", "demo"}
    ]
    jobs = jobs_of(scene, calls, terminal=False)

    assert_none_drives(jobs)
    viewed = run_all(jobs_of(scene, [["episode", "view", scene.ids["closed"], "--json"]], terminal=True))[0]
    assert json.loads(viewed.output)["task"] == f"deploy the site {HOSTILE}"


@pytest.mark.long
def test_usage_errors_and_help_show_what_was_typed_as_escapes(scene: Scene) -> None:
    names = [name.split() for name in commands()]
    calls = [[*name, f"--no-such{HOSTILE}"] for name in names if name != ["hook"]]
    calls += [[*name, "-h"] for name in names]
    calls += [[HOSTILE], ["episode", HOSTILE], ["--set", HOSTILE, "where"], ["--set", f"x{HOSTILE}=1", "where"], ["-h"]]
    calls += [["--config", HOSTILE, "where"], ["--home", HOSTILE, "where"], ["--project", HOSTILE, "note", "list"], []]
    calls += [["--set", f"recall.floor={HOSTILE}", "where"], ["note", "list", "--limit", HOSTILE], ["--version"]]

    assert_none_drives(jobs_of(scene, calls, terminal=True, TERM="xterm-256color"))


def test_a_filter_keeps_every_byte_in_a_pipe_and_is_safe_on_a_terminal(scene: Scene) -> None:
    content = f"key {HOSTILE}\r\nlatin \udce9\n"
    piped, shown = (jobs_of(scene, [["redact"]], terminal=terminal, TERM="dumb")[0] for terminal in (False, True))
    piped.text = shown.text = content

    ended, on_terminal = run_all([piped, shown])

    assert ended.output == content.encode("utf-8", "surrogateescape")
    assert driven_by(on_terminal, terminal=True) == set()
    assert rb"key \x1b]8" in on_terminal.output


def test_what_is_exported_to_a_terminal_can_be_imported_again(scene: Scene, tmp_path: Path) -> None:
    calls = [["handoff", "export", scene.ids["handoff"], "-"], ["export", "-"]]
    handoff, export = run_all(jobs_of(scene, calls, terminal=True, TERM="dumb"))
    (tmp_path / "handoff").write_bytes(handoff.output)
    (tmp_path / "export.jsonl").write_bytes(export.output)
    empty = Scene(tmp_path / "empty", scene.repository, scene.files, {})
    empty.home.mkdir()

    calls = [["handoff", "import", str(tmp_path / "handoff")], ["import", "jsonl", str(tmp_path / "export.jsonl")]]
    taken = run_all(jobs_of(empty, calls, terminal=False))

    assert [each.code for each in taken] == [0, 0], taken
    with _opened(scene.home) as memory:
        lines = [json.loads(line) for line in list(export_lines(memory.store, memory.clock))[1:]]
    assert [json.loads(line) for line in export.output.splitlines()[1:]] == lines
