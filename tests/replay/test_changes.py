"""Which files a run changed and kept: by what it did, and by the diff that it looked at in the end."""

import pytest

from memory_cli.replay.changes import files_in, files_kept, is_same
from memory_mcp.models.episodes import Step
from tests.replay.histories import edited, ran

BY_A_SCRIPT = """cat > fix.py <<'EOF'
path = 'src/basket.py'
with open(path, 'w') as file:
    file.write('x')
EOF
python fix.py"""


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        ([edited("src/basket.py")], ("src/basket.py",)),
        ([ran("sed -i 's/a/b/' src/basket.py")], ("src/basket.py",)),
        ([ran("cd /testbed && sed -i -e 's/a b/c/' ./src/basket.py && pytest")], ("src/basket.py",)),
        ([ran("cat src/basket.py"), ran("cat > /testbed/src/basket.py <<EOF\nx\nEOF")], ("src/basket.py",)),
        ([ran("ls", "fix.py\nsrc/basket.py"), ran(BY_A_SCRIPT)], ("fix.py", "src/basket.py")),
        ([ran("cat > reproduce.py <<EOF\nprint(1)\nEOF")], ()),
        ([edited("src/basket.py"), ran("git checkout -- src/basket.py")], ()),
        ([edited("src/basket.py"), edited("src/mail.py"), ran("git restore src/mail.py")], ("src/basket.py",)),
        ([edited("src/basket.py"), ran("git stash")], ()),
        ([edited("src/basket.py"), ran("git reset --hard HEAD")], ()),
        ([edited("src/basket.py"), ran("rm src/basket.py")], ()),
        ([edited("src/a.py"), edited("src/b.py"), ran("git diff -- src/b.py > patch.txt")], ("src/b.py",)),
        ([edited("src/a.py"), ran("git diff", "diff --git a/src/c.py b/src/c.py\n+++ b/src/c.py\n+x")], ("src/c.py",)),
        ([edited("src/a.py"), ran("git status --porcelain", " M src/d.py\n?? patch.txt")], ("src/d.py",)),
        ([ran("pytest -q > /tmp/out.txt 2>&1"), ran("grep -n x src/basket.py 2>/dev/null")], ()),
    ],
)
def test_what_is_still_changed_at_the_end_is_kept(steps: list[Step], kept: tuple[str, ...]) -> None:
    assert files_kept("Mend it", steps) == kept


def test_a_file_that_an_edit_failed_to_change_is_not_changed() -> None:
    failed = Step("Edit", "src/a.py", {"file": "src/a.py"}, ran("x", failed=True).result)

    assert files_kept("Mend it", [failed]) == ()


def test_a_file_is_the_same_when_it_is_told_from_further_up() -> None:
    assert is_same("/home/user/shop/src/basket.py", "src/basket.py")
    assert is_same("src/basket.py", "src/basket.py")
    assert not is_same("src/basket.py", "asket.py")
    assert not is_same("src/basket.py", "test/basket.py")


def test_the_files_that_a_text_names_are_found_once_each() -> None:
    text = (
        'File "/testbed/src/basket.py", line 3, in <module>; see ./src/basket.py and https://shop.example/x.py,'
        " or mail.py"
    )

    assert files_in(text) == ("src/basket.py", "mail.py")
