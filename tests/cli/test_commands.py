"""The command line as a person uses it."""

from pathlib import Path

import pytest

from memory_cli.app import main
from memory_mcp.config.declarations import declarations
from memory_mcp.config.template import render
from tests.cli.conftest import Run, as_json

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"


def test_an_episode_lives_its_life_in_the_terminal(run: Run) -> None:
    episode_id = run(
        "episode", "create", "mend the login", "--type", "bug_fix", "--domain", "auth", "--tag", "ci"
    ).stdout.strip()
    run("episode", "log-step", episode_id, "bash", "pytest", "--result", "error", "--output", "KeyError: user")
    run("episode", "log-step", episode_id, "bash", "pytest", "--result", "success", "--output", "-", text="1 passed\n")
    run("episode", "update", episode_id, "--add-tag", "flaky", "--domain", "sessions")

    closed = run("episode", "complete", episode_id, "--verdict", "use get()", "--confirmed").stdout

    assert "outcome 1 × efficiency" in closed
    assert "evidence user: the user confirmed it" in closed
    assert "success: use get()" in closed
    viewed = run("episode", "view", episode_id).stdout
    assert "[ERROR] bash: pytest" in viewed
    assert "| KeyError: user" in viewed
    assert "#ci" in viewed
    assert "#flaky" in viewed
    data = as_json(run("episode", "view", episode_id, "--json"))
    assert (data["status"], data["context"]["domain"], len(data["steps"])) == ("completed", "sessions", 2)
    found = as_json(run("episode", "search", "KeyError in login", "--json"))
    assert [hit["id"] for hit in found["hits"]] == [episode_id]
    assert "mend the login" in run("episode", "search", "login").stdout
    assert run("episode", "delete", episode_id, code=1, text="n\n").stdout.startswith(
        "Erase 'mend the login' for good?"
    )
    run("episode", "delete", episode_id, "--yes")
    assert as_json(run("episode", "list", "--json"))["episodes"] == []


def test_a_success_that_nothing_shows_is_listed_as_a_claim(run: Run) -> None:
    episode_id = run("episode", "create", "mend the login").stdout.strip()
    run(
        "episode",
        "log-step",
        episode_id,
        "edit",
        "use get()",
        "--result",
        "success",
        "--parameters",
        '{"file": "a.py"}',
    )
    run(
        "episode",
        "log-step",
        episode_id,
        "bash",
        "pytest | tail",
        "--result",
        "success",
        "--output",
        "1 failed in 0.1s",
    )

    closed = run("episode", "complete", episode_id, "--verdict", "use get()").stdout

    assert "evidence claimed: somebody said so" in closed
    assert "improvement: The success is doubtful. The last test run (step 2, pytest | tail) failed" in closed
    assert "success (claimed)" in run("episode", "list").stdout
    assert "success (claimed)" in run("episode", "search", "login").stdout
    (row,) = as_json(run("episode", "list", "--json"))["episodes"]
    assert (row["outcome"], row["evidence"]) == ("success", "claimed")


def test_an_empty_memory_says_how_to_begin(run: Run) -> None:
    assert run("episode", "list").stdout == (
        "No episodes in project desk. Start one with 'memory-cli episode create TASK',\n"
        "or bring in a history with 'memory-cli import git'.\n"
    )
    assert "No notes in project desk" in run("note", "list").stdout
    assert "nothing relevant is remembered" in run("episode", "search", "anything").stdout


def test_a_listing_pages_and_filters(run: Run) -> None:
    made = [
        run("episode", "create", f"task {number}", "--type", "odd" if number % 2 else "even").stdout.strip()
        for number in range(5)
    ]
    run("episode", "fail", made[0], "no time")

    page = as_json(run("episode", "list", "--limit", "2", "--json"))
    rest = as_json(run("episode", "list", "--limit", "9", "--cursor", page["next_cursor"], "--json"))

    assert [row["id"] for row in (*page["episodes"], *rest["episodes"])] == made[::-1]
    assert "More: --cursor" in run("episode", "list", "--limit", "2").stdout
    assert [row["id"] for row in as_json(run("episode", "list", "--outcome", "failure", "--json"))["episodes"]] == made[
        :1
    ]
    assert len(as_json(run("episode", "list", "--type", "odd", "--since", "1h", "--json"))["episodes"]) == 2


def test_stored_text_is_never_markup(run: Run) -> None:
    run("episode", "create", "[red]not red[/red] [/]")

    assert "[red]not red[/red] [/]" in run("episode", "list").stdout


def test_notes_are_added_searched_and_deleted(run: Run) -> None:
    old = run("note", "add", "staging runs on port 5433", "--tag", "db").stdout.strip()
    new = run("note", "add", "staging runs on port 6543", "--supersedes", old).stdout.strip()

    assert [note["id"] for note in as_json(run("note", "list", "--json"))["notes"]] == [new]
    assert len(as_json(run("note", "list", "--all", "--json"))["notes"]) == 2
    assert [hit["id"] for hit in as_json(run("note", "search", "staging port", "--json"))["hits"]] == [new]
    run("note", "delete", new, "--yes")
    assert "5433" in run("note", "list").stdout


def test_an_error_is_one_line_on_stderr_and_exit_code_1(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("where")
    monkeypatch.setattr("sys.argv", ["memory-cli", "episode", "view", "nope"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "memory-cli: no episode nope in project desk\n")


@pytest.mark.parametrize(
    "words",
    [
        ("episode", "complete", "x", "--outcome", "great"),
        ("episode", "log-step", "x", "bash", "ls", "--parameters", "[1]"),
        ("episode", "log-step", "x", "bash", "ls", "--output", "text"),
        ("--set", "nonsense", "where"),
        ("nonsense",),
    ],
)
def test_a_usage_error_is_exit_code_2(run: Run, words: tuple[str, ...]) -> None:
    run(*words, code=2)


def test_health_metrics_and_where_report(run: Run, tmp_path: Path) -> None:
    run("note", "add", "a fact")

    health = as_json(run("health", "--json"))
    assert health["status"] == "ok"
    assert "database" in run("health").stdout
    metrics = as_json(run("metrics", "--json"))
    assert metrics["project"] == {"name": "desk", "episodes": 0, "notes": 1, "patterns": 0, "turns": 0, "decisions": 0}
    assert metrics["calls"] is None
    assert "counted per server process" in metrics["not_measured"]["calls"]
    assert "store sequence" in run("metrics").stdout
    assert as_json(run("where", "--json"))["store"] == str(tmp_path / "home" / "memory.db")
    assert run("where").stdout.startswith("project  desk\n")


def test_config_shows_where_each_value_comes_from_and_hides_the_key(run: Run, tmp_path: Path) -> None:
    run("config", "init")
    path = tmp_path / "home" / "memory-cli.toml"
    assert path.read_text(encoding="utf-8") == render()
    assert run("config", "path").stdout.strip() == str(path)
    run("config", "init", "--force")
    result = run("--set", "embeddings.api_key=sk-secret", "--set", "recall.floor=0.1", "config", "show", "--json")
    rows = {row["key"]: row for row in as_json(result)}
    assert list(rows) == [declaration.key for declaration in declarations()]
    assert rows["recall.floor"]["origin"] == "flag"
    assert rows["store.home"]["origin"] == "environment MEMORY_MCP_HOME"
    assert "sk-secret" not in result.stdout
    assert "settings differ from their defaults" in run("config", "validate").stdout


def test_the_project_option_opens_another_memory(run: Run) -> None:
    run("note", "add", "only on the desk")

    assert "No notes in project elsewhere" in run("--project", "elsewhere", "note", "list").stdout


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data beside the checkout")
def test_imports_summarise_and_report_bad_files(run: Run, tmp_path: Path) -> None:
    history = str(DATA / "git" / "llm.jsonl.gz")
    assert run("import", "git", history).stdout.startswith("1245 commits read: 1245 imported, 0 known already")
    assert as_json(run("import", "git", history, "--json"))["imported"] == 0
    bad = tmp_path / "bad.traj"
    bad.write_text("nonsense")
    good = str(DATA / "swe-agent" / "marshmallow-1867.traj")
    result = run("import", "swe-agent", str(bad), good)
    assert "1 records read: 1 imported, 0 known already, 1 bad ones passed over" in result.stdout
    assert "bad.traj is no SWE-agent trajectory" in result.stderr


def test_models_and_vector_sets_are_listed_embedded_and_removed(run: Run) -> None:
    run("note", "add", "a fact")
    assert "not installed (memory-cli model install)" in run("model", "list").stdout
    assert run("model", "embed").stdout.strip() == "complete: hash:2048"
    (only,) = as_json(run("model", "list", "--json"))["vector_sets"]
    assert (only["model"], only["documents"], only["complete"], only["in_use"]) == ("hash:2048", 1, True, True)
    run("model", "remove", "--vectors", "hash:2048")
    assert as_json(run("model", "list", "--json"))["vector_sets"] == []


def test_every_command_has_help(run: Run) -> None:
    for words in (
        (),
        ("episode",),
        ("episode", "list"),
        ("note", "add"),
        ("import", "git"),
        ("model", "install"),
        ("config", "show"),
        ("demo",),
    ):
        assert "Usage: " in run(*words, "-h").stdout


def test_tools_shows_what_is_offered_and_what_each_costs(run: Run) -> None:
    told = as_json(run("tools", "--json"))
    more = as_json(run("--set", "server.toolsets=tags", "tools", "--json"))

    offered = [each for each in told["tools"] if each["is_offered"]]
    assert len(offered) == 16
    assert told["tokens"] == sum(each["tokens"] for each in offered) == told["by_toolset"]["default"]
    assert more["tokens"] == told["tokens"] + told["by_toolset"]["tags"]
    assert "added by --toolsets learning" in run("tools").stdout


def test_every_command_takes_the_tail_of_an_id(run: Run) -> None:
    episode = run("episode", "create", "mend the cart").stdout.strip()
    other = run("episode", "create", "mend the basket").stdout.strip()
    note = run("note", "add", "the cart is a cookie").stdout.strip().splitlines()[0]
    short = episode[-8:]

    run("episode", "log-step", short, "bash", "pytest")
    run("tag", "add", short, "shop")
    run("relationship", "add", short, "related_to", other[-8:])
    handoff = run("handoff", "create", short).stdout.strip()
    run("episode", "update", short, "--domain", "checkout")

    assert as_json(run("episode", "view", short, "--json"))["id"] == episode
    assert "mend the cart" in run("handoff", "view", handoff[-8:]).stdout
    assert other in run("relationship", "list", short).stdout
    run("note", "delete", note[-8:], "--yes")
    run("episode", "fail", short, "no time")
    run("episode", "delete", short, "--yes")
    assert "no episode" in str(run("episode", "view", short, code=1).exception)
