"""What one episode shows about its project."""

import pytest

from memory_mcp.models.episodes import Step, StepSuccess
from memory_mcp.models.surveys import CheckRun, Missing, Refused, Trouble
from tests.facts.runs import NO_PYTEST, NO_WRAPT, ROOT, passed, run, surveyed

SEEN = run("cat shop/cart.py", "class Cart:\n    def add_item(self):\n")


def test_a_missing_module_is_cured_by_the_install_after_which_it_is_there() -> None:
    seen = surveyed(
        run("python reproduce.py", NO_WRAPT, 1),
        run("pip install wrapt -q"),
        run("python reproduce.py", "ok"),
    )

    assert seen.missing == (Missing("wrapt", cure="pip install wrapt"),)
    assert seen.installs == ("pip install wrapt",)


def test_a_chain_of_missing_modules_gives_each_its_own_cure() -> None:
    seen = surveyed(
        run("python manage.py test", "ModuleNotFoundError: No module named 'asgiref'", 1),
        run("pip install asgiref", "Successfully installed asgiref-3.8"),
        run("python manage.py test", "ModuleNotFoundError: No module named 'pytz'", 1),
        run("pip install pytz", "Successfully installed pytz-2024"),
        run("python manage.py test", "Ran 3 tests in 0.1s\n\nOK"),
    )

    assert seen.missing == (Missing("asgiref", cure="pip install asgiref"), Missing("pytz", cure="pip install pytz"))


def test_a_package_may_be_named_otherwise_than_its_module() -> None:
    seen = surveyed(
        run("python x.py", "ModuleNotFoundError: No module named 'yaml'", 1),
        run("pip install yaml", "ERROR: No matching distribution found for yaml", 1),
        run("pip install pyyaml", "Successfully installed pyyaml-6.0"),
        run("python x.py", "ok"),
    )

    assert seen.missing == (Missing("yaml", cure="pip install pyyaml", failed=("pip install yaml",)),)
    assert seen.refused == (Refused("pip install yaml", "ERROR: No matching distribution found for yaml"),)


def test_installing_the_project_cures_only_what_the_same_command_no_longer_misses() -> None:
    missed = run(f"cd {ROOT} && python -m shop lint", "python: No module named shop", 1)
    seen = surveyed(missed, run("pip install -e ."), run(f"cd {ROOT} && python -m shop lint", "fine"))
    still = surveyed(missed, run("pip install -e ."), run("python other.py", "fine"))

    assert seen.missing == (Missing("shop", cure="pip install -e ."),)
    assert still.missing == (Missing("shop"),)


def test_a_module_that_is_only_read_about_is_not_missing() -> None:
    assert surveyed(run("grep -rn 'No module' docs", "docs/faq.md:3: No module named 'numpy'")).missing == ()


def test_a_module_of_the_episodes_own_making_is_not_missing() -> None:
    seen = surveyed(
        run("mkdir -p src/project && cat > src/project/file.py <<'EOF'\nimport os\nEOF"),
        run("python -c 'import project.file'", "ModuleNotFoundError: No module named 'project'", 1),
    )

    assert seen.missing == ()


def test_what_broke_after_an_install_and_what_ended_that_are_kept() -> None:
    error = "ImportError: cannot import name 'formatargspec' from 'inspect'"
    seen = surveyed(
        run("python x.py", NO_WRAPT, 1),
        run("pip install -e ."),
        run("python x.py", f'File "/opt/site-packages/wrapt/decorators.py"\n{error} (/opt/lib/inspect.py)', 1),
        run('pip install "wrapt>=1.15"'),
        run("python x.py", "ok"),
    )

    assert seen.troubles == (Trouble(error, "pip install -e .", 'pip install "wrapt>=1.15"'),)


@pytest.mark.parametrize("between", ["sed -i 's/a/b/' shop/cart.py", "pip install dateutil"])
def test_what_an_edit_or_an_unrelated_install_may_have_ended_has_no_cure(between: str) -> None:
    error = "AttributeError: module 'collections' has no attribute 'Mapping'"
    seen = surveyed(
        SEEN,
        run("pip install -e ."),
        run("python x.py", error, 1),
        run("pip install pytz"),
        run(between),
        run("python x.py", "ok"),
    )

    assert seen.troubles == (Trouble(error, "pip install -e ."),)


def test_an_install_that_had_nothing_to_do_ends_nothing() -> None:
    error = "ImportError: cannot import name 'formatargspec' from 'inspect'"
    seen = surveyed(
        run("pip install -e ."),
        run("python x.py", error, 1),
        run("pip install wrapt", "Requirement already satisfied: wrapt in /opt/lib"),
        run("python x.py", "ok"),
    )

    assert seen.troubles == (Trouble(error, "pip install -e ."),)


def test_a_check_is_kept_with_what_it_ran_and_what_was_changed_before() -> None:
    seen = surveyed(
        run(f"cd {ROOT} && python -m pytest tests/test_cart.py", NO_PYTEST),
        run("pip install pytest"),
        SEEN,
        run("sed -i 's/1/2/' shop/cart.py"),
        passed(),
    )

    assert seen.root == ROOT
    assert seen.checks == (
        CheckRun(
            "python -m pytest", ("tests/test_cart.py",), ran=1, green=1, of=2, reason=NO_PYTEST,
            changed=("shop/cart.py",), seconds=0.1,
        ),
    )  # fmt: skip
    assert not seen.ready


def test_a_project_in_which_tests_run_at_once_is_ready() -> None:
    assert surveyed(passed()).ready


@pytest.mark.parametrize(
    "change",
    [
        "sed -i 's/a/b/' shop/cart.py",
        "python - <<'EOF'\npath = 'shop/cart.py'\nopen(path, 'w').write('x')\nEOF",
        "cat > fix.py <<'EOF'\nwith open('shop/cart.py', 'w') as f:\n    f.write('x')\nEOF\npython fix.py",
        "patch -p1 <<'EOF'\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\nEOF",
        "git apply <<'EOF'\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\nEOF",
        f"cd {ROOT}/shop && sed -i 's/a/b/' cart.py",
        f"cat > {ROOT}/shop/cart.py <<'EOF'\nx\nEOF",
    ],
)
def test_whatever_changes_a_file_is_seen(change: str) -> None:
    assert surveyed(run(f"cd {ROOT} && cat shop/cart.py", "x"), run(change)).changed == ("shop/cart.py",)


@pytest.mark.parametrize(
    "back",
    [
        "git checkout shop/cart.py",
        "git checkout -- shop/cart.py",
        "git restore shop/cart.py",
        "git stash",
        "git reset --hard HEAD",
        "cp shop/cart.py.bak shop/cart.py",
    ],
)
def test_a_change_that_was_taken_back_is_none(back: str) -> None:
    seen = surveyed(SEEN, run("cp shop/cart.py shop/cart.py.bak"), run("sed -i 's/a/b/' shop/cart.py"), run(back))

    assert "shop/cart.py" not in seen.changed


def test_stashed_changes_come_back_with_pop() -> None:
    change = run("sed -i 's/a/b/' shop/cart.py")

    assert surveyed(SEEN, change, run("git stash && python -m pytest"), run("git stash pop")).changed == (
        "shop/cart.py",
    )


def test_an_editing_tool_changes_its_file() -> None:
    edit = Step("Edit", "Edit", {"file_path": f"{ROOT}/shop/cart.py"}, StepSuccess("done"))

    assert surveyed(run(f"cd {ROOT} && ls", "shop"), edit).changed == ("shop/cart.py",)


def test_scratch_files_are_neither_changed_nor_seen() -> None:
    seen = surveyed(
        run("cat > reproduce.py <<'EOF'\nimport shop\nEOF"),
        run("python reproduce.py", '  File "/testbed/reproduce.py", line 1\nValueError: no', 1),
    )

    assert (seen.changed, seen.seen) == ((), ())


def test_files_that_are_there_what_they_define_and_those_that_are_not_are_seen() -> None:
    seen = surveyed(
        run("grep -rn 'class ' shop", "shop/cart.py:3:class Cart:\nshop/pay.py:7:class Payment(Base):"),
        run("sed -n 1,20p shop/till.py", "def open_till():\n    pass"),
        run("python -m pytest tests/cart_test.py", "ERROR: file or directory not found: tests/cart_test.py", 4),
        run("ls shop/rules", "first.py\nsecond.py"),
    )

    assert seen.seen == ("shop/cart.py", "shop/pay.py", "shop/till.py", "shop/rules/first.py", "shop/rules/second.py")
    assert seen.symbols == {"Cart": "shop/cart.py", "Payment": "shop/pay.py", "open_till": "shop/till.py"}
    assert seen.absent == ("tests/cart_test.py",)


def test_tests_that_fail_before_any_change_are_told_from_those_that_fail_after() -> None:
    failed = "FAILED tests/test_pay.py::test_refund - TypeError: no\nE   TypeError: no keyword 'mix'\n1 failed in 0.1s"
    seen = surveyed(
        run("python -m pytest tests/test_pay.py", failed, 1),
        SEEN,
        run("sed -i 's/a/b/' shop/cart.py"),
        run("python -m pytest tests", "FAILED tests/test_cart.py::test_add - assert 1\n1 failed in 0.1s", 1),
    )

    assert seen.failing == ("tests/test_pay.py::test_refund",)
    assert seen.red == ("tests/test_pay.py::test_refund", "tests/test_cart.py::test_add")
    assert seen.red_errors == (("TypeError: no keyword 'mix'", "tests/test_pay.py"),)


@pytest.mark.parametrize(
    "command", ["", "   ", "cd", "'", "cat <<EOF", "python -m", "git", "sed -i", "cp a", "pip install"]
)
def test_no_command_is_too_odd_to_survey(command: str) -> None:
    surveyed(run(command, "No such file or directory: \n" * 3, 1))


@pytest.mark.parametrize(
    "text", ["a" * 20_000, "\n" * 20_000, "a/" * 10_000, "a+" * 10_000, "a." * 10_000, "'/" * 10_000]
)
def test_hostile_output_is_read_in_linear_time(text: str) -> None:
    seen = surveyed(*(run(f"python x.py {number}", text, 1) for number in range(3)), task=text)

    assert seen.missing == ()


def test_a_script_that_judges_itself_is_no_test_command_of_the_project() -> None:
    own = "✓ a\n✓ b\nAll tests passed!"

    assert surveyed(run("python test_fix.py", own), run("./run_tests.sh", own)).checks == ()
