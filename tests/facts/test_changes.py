"""Which files an episode is seen to change, by whatever it wrote them with."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from memory_cli.replay.changes import files_kept
from memory_mcp.facts.script_writes import Writes, writes_of
from memory_mcp.facts.surveying import survey
from memory_mcp.importers import mini_swe_agent
from memory_mcp.importers.records import EpisodeRecord
from memory_mcp.models.episodes import Step, StepSuccess
from tests.facts.runs import ROOT, run, surveyed

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "mini-swe-agent"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/mini-swe-agent beside the checkout")
SEEN = run(f"cd {ROOT} && cat shop/cart.py", "class Cart:\n    pass")
EDIT = run("sed -i 's/a/b/' shop/cart.py")
SAVED = run("git diff -- shop/cart.py > patch.txt")


@pytest.mark.parametrize(
    "change",
    [
        "sed -i -e 's/a/b/' -e 's/c/d/' shop/cart.py",
        "perl -pi -e 's/a/b/' shop/cart.py",
        "perl -0pi -e 's/a/b/' shop/cart.py",
        "tee shop/cart.py <<'EOF'\nx\nEOF",
        "ed shop/cart.py <<'EOF'\n1d\nw\nEOF",
        "cp /tmp/new.py shop/cart.py",
        "mv new_cart.py shop/cart.py",
        "python -c \"open('shop/cart.py', 'w').write('x')\"",
        "python - <<'EOF'\nfrom pathlib import Path\np = Path('shop/cart.py')\np.write_text(p.read_text())\nEOF",
        "python - <<'EOF'\nwith open('shop/cart.py', mode='w') as f:\n    f.write('x')\nEOF",
        "python - <<'EOF'\nimport pathlib\npathlib.Path('shop/cart.py').write_text('x')\nEOF",
        "python - <<'EOF'\nfile_path = '/testbed/shop/cart.py'\nwith open(file_path, 'w') as f:\n    f.write('x')\nEOF",
        "python - <<'EOF'\nfor name in ['shop/cart.py']:\n    open(name, 'w').write('x')\nEOF",
        "cat > fix.py <<'EOF'\nname = sys.argv[1]\nopen(name, 'w').write('x')\nEOF\npython fix.py shop/cart.py",
        "python - <<'EOF'\nimport shutil\nshutil.copy('/tmp/new.py', 'shop/cart.py')\nEOF",
        "python - <<'EOF'\nimport fileinput\nfor line in fileinput.input('shop/cart.py', inplace=True):\n    pass\nEOF",
        "node -e \"require('fs').writeFileSync('shop/cart.py', 'x')\"",
        "cat > fix.patch <<'EOF'\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\nEOF\npatch -p1 < fix.patch",
        "cat > fix.patch <<'EOF'\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\nEOF\ngit apply fix.patch",
        "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: shop/cart.py\n@@\n-a\n+b\n*** End Patch\nEOF",
    ],
)
def test_an_edit_by_whatever_command_changes_its_file(change: str) -> None:
    assert surveyed(SEEN, run(change)).changed == ("shop/cart.py",)


@pytest.mark.parametrize(
    ("change", "output", "code"),
    [
        ("sed -i 's/a/b/' shop/cart.py", "sed: can't read shop/cart.py: No such file or directory", 2),
        ("python - <<'EOF'\nx = open('shop/cart.py').read()\nassert 0\nopen('shop/cart.py', 'w')\nEOF",
         "Traceback (most recent call last):\nAssertionError", 1),
        ("patch -p1 <<'EOF'\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\nEOF",
         "patching file shop/cart.py\nHunk #1 FAILED at 1.\n1 out of 1 hunk FAILED -- saving rejects", 1),
        ("patch -p1 <<'EOF'\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\nEOF",
         "patching file shop/cart.py\npatch: **** malformed patch at line 4: x", 2),
        ("git apply <<'EOF'\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\nEOF",
         "error: patch failed: shop/cart.py:1\nerror: shop/cart.py: patch does not apply", 1),
        ("git apply --check fix.patch", "", 0),
        ("python -c \"print(open('shop/cart.py', 'r').read())\"", "x", 0),
        ("python -c \"open('/tmp/out.txt', 'w').write('x')\"", "", 0),
        ("cp shop/cart.py shop/cart.py.backup", "", 0),
        ("git diff shop/cart.py > shop/cart.py.patch", "", 0),
    ],
)  # fmt: skip
def test_what_did_not_come_so_far_changes_nothing(change: str, output: str, code: int) -> None:
    assert surveyed(SEEN, run(change, output, code)).changed == ()


@pytest.mark.parametrize("again", ["git apply patch.txt", "patch -p1 < patch.txt", "patch -p1 -i patch.txt"])
def test_a_saved_difference_brings_the_change_back(again: str) -> None:
    seen = surveyed(SEEN, EDIT, SAVED, run("git checkout shop/cart.py"), run(again))

    assert seen.changed == ("shop/cart.py",)


def test_a_patch_taken_back_changes_nothing() -> None:
    saved = run("git diff > all.txt")

    assert surveyed(SEEN, EDIT, saved, run("git apply -R all.txt")).changed == ()


def test_what_a_run_hands_in_by_name_is_its_change_and_not_what_it_did_to_its_environment() -> None:
    other = run("sed -i 's/np.Inf/np.inf/' shop/pay.py")

    assert surveyed(SEEN, other, EDIT, SAVED, run("cat patch.txt", "x")).changed == ("shop/cart.py",)
    assert surveyed(SEEN, other, EDIT, run("git add shop/cart.py && git commit -m x")).changed == ("shop/cart.py",)
    assert set(surveyed(SEEN, EDIT, SAVED, other).changed) == {"shop/cart.py", "shop/pay.py"}


@pytest.mark.parametrize(
    ("command", "output", "changed"),
    [
        ("git status", "On branch main\nChanges not staged for commit:\n\tmodified:   shop/pay.py\n", ("shop/pay.py",)),
        ("git status", "On branch main\nnothing to commit, working tree clean", ()),
        ("git status --short", "M shop/pay.py\n?? try.py", ("shop/pay.py",)),
        ("git diff --name-only", "shop/pay.py", ("shop/pay.py",)),
        ("git diff --stat", " shop/pay.py | 2 +-\n 1 file changed, 1 insertion(+)", ("shop/pay.py",)),
        ("git diff", "diff --git a/shop/pay.py b/shop/pay.py\n--- a/shop/pay.py", ("shop/pay.py",)),
        ("git diff", "@@ -1 +1 @@\n diff --git a/shop/pay.py b/shop/pay.py", ("shop/cart.py",)),  # its begin is cut
        ("git status | tail -3", "no changes added to commit", ("shop/cart.py",)),
        ("git status shop/pay.py", "On branch main\nnothing to commit", ("shop/cart.py",)),
    ],
)
def test_git_is_believed_where_it_shows_all(command: str, output: str, changed: tuple[str, ...]) -> None:
    assert surveyed(SEEN, EDIT, run(command, output)).changed == changed


def test_a_script_of_an_editing_tool_is_followed_when_it_runs() -> None:
    written = Step(
        "Write", "Write", {"file_path": f"{ROOT}/fix.py", "content": "open('shop/cart.py', 'w')"}, StepSuccess("done")
    )

    assert "shop/cart.py" in surveyed(SEEN, written, run("python fix.py")).changed


@pytest.mark.parametrize(
    ("script", "writes"),
    [
        ("open('a.py', 'w')", Writes(("a.py",))),
        ("open(os.path.join(root, 'a.py'), 'w')", Writes((), unclear=False)),
        ("open(name, 'w')", Writes((), unclear=True)),
        ("def f(path):\n    open(path, 'w')\nf('a.py')", Writes((), unclear=True)),
        ("open(f'{root}/a.py', 'w')", Writes((), unclear=True)),
        ("name = tempfile.mktemp()\nopen(name, 'w')", Writes()),
        ("open('a.py')", Writes()),
        ("open('a.py', 'rb')", Writes()),
        ("open('a.py', 'r+')", Writes(("a.py",))),
    ],
)
def test_a_name_that_a_script_computes_is_unclear(script: str, writes: Writes) -> None:
    assert writes_of(script) == writes


def test_a_run_that_wrote_who_knows_what_says_so() -> None:
    script = run("python - <<'EOF'\nfor name in names:\n    open(name, 'w').write('x')\nEOF")

    assert surveyed(SEEN, script).unclear
    assert not surveyed(SEEN, script, run("git status", "On branch main\nnothing to commit")).unclear


@pytest.mark.parametrize(
    ("command", "output", "changed"),
    [
        ("edit 1:2\nx\nend_of_edit", "[File: /testbed/shop/cart.py (9 lines total)]\nFile updated.", True),
        ("edit 1:2\nx\nend_of_edit", "Text replaced. Please review", True),
        ("edit 1:2\nx\nend_of_edit", "Your proposed edit has introduced new syntax error(s). Please", False),
        ("insert 3 'x'", "[File: /testbed/shop/cart.py (9 lines total)]", True),
        ("str_replace_editor str_replace /testbed/shop/cart.py --old_str 'a' --new_str 'b'",
         "The file /testbed/shop/cart.py has been edited.", True),
        ("str_replace_editor str_replace /testbed/shop/cart.py --old_str 'a' --new_str 'b'",
         "No replacement was performed, old_str `a` did not appear verbatim in /testbed/shop/cart.py.", False),
        ("str_replace_editor insert /testbed/shop/cart.py --insert_line 3 --new_str 'b'", "has been edited", True),
        ("str_replace_editor view /testbed/shop/cart.py", "1 class Cart", False),
        ("create try.py", "[File: try.py (1 lines total)]", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("tool", ["bash", "own"])
def test_the_editors_of_swe_agent_are_followed(command: str, output: str, *, changed: bool, tool: str) -> None:
    opened = run("open shop/cart.py", "[File: /testbed/shop/cart.py (8 lines total)]\n1:class Cart:")
    edit = run(command, output)
    edit = edit if tool == "bash" else replace(edit, tool=command.partition(" ")[0])

    assert surveyed(SEEN, opened, edit).changed == (("shop/cart.py",) if changed else ())


def test_an_editing_tool_that_only_looks_changes_nothing() -> None:
    look = Step("str_replace_editor", "view", {"command": "view", "path": f"{ROOT}/shop/cart.py"}, StepSuccess("1 a"))

    assert surveyed(SEEN, look).changed == ()


@needs_data
def test_real_runs_change_what_their_last_difference_shows() -> None:
    differing = {}
    for path in sorted(DATA.glob("*.gz")):
        for record in mini_swe_agent.read(path, lambda *_: None):
            assert isinstance(record, EpisodeRecord)
            episode = record.episode
            seen = set(survey(episode).changed)
            if seen != set(files_kept(episode.task, episode.steps)):
                differing[record.source_id] = seen

    assert differing == {
        # read by eye: it put its copy of the rule back
        "deepseek_reasoner_dev/sqlfluff__sqlfluff-1733": {"test/fixtures/rules/std_rule_cases/L003.yml"},
        # and it edited two more files after it had saved its patch
        "deepseek_chat_dev/pvlib__pvlib-python-1854": {
            "pvlib/pvsystem.py", "pvlib/singlediode.py", "pvlib/tests/test_pvsystem.py",
            "pvlib/tests/test_singlediode.py",
        },
    }  # fmt: skip
