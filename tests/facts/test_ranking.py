"""Which files a task is about."""

from memory_mcp.facts.ranking import Files, is_telling, vote
from tests.facts.runs import groups_of, run

LISTED = run(
    "find . -name '*.py'", "./shop/cart.py\n./shop/payment_rules.py\n./shop/core/till.py\n./tests/test_cart.py"
)
DEFINED = run("grep -rn 'class ' shop", "shop/core/till.py:3:class CashDrawer:")
CHANGED = (LISTED, run("sed -i 's/a/b/' shop/core/till.py"))
FILES = Files(groups_of(("look around", [LISTED, DEFINED]), ("the drawer jams", CHANGED)))


def first(task: str, **given: object) -> tuple[str, tuple[str, ...]]:
    best = vote(task, FILES, {}, **given)[0]  # type: ignore[arg-type]  # names of the arguments
    return best.file, best.why


def test_a_file_is_found_by_its_path_its_module_its_name_and_what_it_defines() -> None:
    assert first("crash in shop/payment_rules.py")[0] == "shop/payment_rules.py"
    assert first("crash in shop.core.till when empty")[0] == "shop/core/till.py"
    assert first("the cart is emptied")[0] == "shop/cart.py"
    assert first("rules of payment are wrong")[0] == "shop/payment_rules.py"
    file, why = first("CashDrawer() opens twice")
    assert file == "shop/core/till.py"
    assert why[0] == "it defines CashDrawer"


def test_a_file_that_the_task_names_by_the_path_of_its_author_is_found() -> None:
    assert first('File "/home/ann/code/shop/new_part.py", line 3')[0] == "shop/new_part.py"
    assert first("from shop.voucher import Voucher")[0] == "shop/voucher.py"


def test_the_last_frame_of_the_project_in_a_traceback_ranks_first_whatever_the_words_say() -> None:
    trace = """the cart forgets: shop.payment_rules.apply fails in CashDrawer

Traceback (most recent call last):
  File "/home/ann/run.py", line 2, in <module>
    main()
  File "/home/ann/.local/lib/python3.10/site-packages/shop/cart.py", line 9, in add
    tools.find()
  File "/home/ann/.local/lib/python3.10/site-packages/shop/tools.py", line 340, in find
    np.log(x)
  File "/home/ann/.local/lib/python3.10/site-packages/numpy/shop/core.py", line 3, in log
    raise ValueError
  File "/usr/lib/python3.10/shop/enum.py", line 3, in log
ValueError: x
"""
    numpy_free = trace.replace("numpy/shop", "numpy")

    best = vote(numpy_free, FILES, {})

    assert (best[0].file, best[0].why[0]) == ("shop/tools.py", "the traceback ends in it")
    assert "the traceback passes it" in next(each for each in best if each.file == "shop/cart.py").why
    assert "shop/core.py" not in {each.file for each in vote(trace, FILES, {})}
    assert "shop/enum.py" not in {each.file for each in best}


def test_a_script_beside_the_package_is_none_of_its_files() -> None:
    trace = """the cart forgets
  File "/home/ann/work/shop/try_it.py", line 2, in <module>
    main()
  File "/home/ann/work/shop/shop/cart.py", line 9, in add
"""

    files = {each.file for each in vote(trace, FILES, {})}

    assert "shop/cart.py" in files
    assert "shop/try_it.py" not in files


def test_a_numbered_file_is_named_after_its_neighbours() -> None:
    rules = run("ls shop/rules", "L001.py\nL002.py\nL017.py\n__init__.py")

    best = vote("Rule L060 says too little", Files(groups_of(("look", [rules]))), {})[0]

    assert (best.file, best.why) == (
        "shop/rules/L060.py",
        ("named as its neighbours are, such as L001.py",),
    )


def test_what_a_similar_task_changed_is_voted_for_with_its_title() -> None:
    best = vote("it jams again", FILES, {"e1": 1.0})[0]

    assert (best.file, best.why[0]) == (
        "shop/core/till.py",
        "a task of much the same title changed it: the drawer jams",
    )


def test_what_only_another_task_changed_is_not_voted_for() -> None:
    assert vote("the invoice of the year is late", FILES, {"e1": 1.0}) == []


def test_a_name_with_a_number_is_a_variant_of_the_one_that_a_file_defines() -> None:
    file, why = first("Make CashDrawer3 iterable")

    assert (file, why[0]) == ("shop/core/till.py", "it defines CashDrawer")


def test_a_module_that_nobody_saw_is_found_by_its_dotted_name() -> None:
    assert first("regression: voucher.apply fails\n\nshop.voucher.apply(3)") == (
        "shop/voucher.py",
        ("the task names shop.voucher",),
    )


def test_a_common_word_below_the_title_names_no_file() -> None:
    assert vote("it fails with an error\n\nI get it while updating the cart of a guest.", FILES, {}) == []


def test_a_module_that_the_script_of_the_task_only_imports_is_not_named() -> None:
    script = "```python\nfrom shop.cart import Cart\nimport shop.core.till\nfrom shop.voucher import Voucher\nx()\n```"

    assert vote(f"the search of a minimum fails\n\nThe script below shows how it fails.\n{script}", FILES, {}) == []


def test_the_title_outweighs_logs_and_versions() -> None:
    log = "\n\n```\nTraceback\n  till: cart 3.1, cart 3.2, cart again, cart, cart\n```\n"

    assert first(f"till.open forgets its key{log}")[0] == "shop/core/till.py"
    assert vote(f"the key is forgotten{log.replace('till', '')}", FILES, {}) == []


def test_the_file_of_a_package_is_voted_for_only_where_it_is_named() -> None:
    files = Files(groups_of(("look", [run("ls shop", "x"), run("find .", "./shop/__init__.py\n./shop/cart.py")])))

    assert vote("why does __init__ fail", files, {}) == []
    assert vote("see shop/__init__.py", files, {})[0].file == "shop/__init__.py"


def test_an_import_says_which_file_holds_a_name() -> None:
    seen = run(
        "grep -rn Voucher shop tests", "shop/cart.py:1:x\ntests/test_cart.py:2:from shop.cart import Voucher, Coin"
    )

    assert vote("Voucher expires", Files(groups_of(("look", [seen]))), {})[0].file == "shop/cart.py"


def test_tests_are_never_voted_for() -> None:
    assert "tests/test_cart.py" not in {each.file for each in vote("test cart", FILES, {})}


def test_a_task_that_no_file_fits_is_not_told_by_what_is_often_changed() -> None:
    assert is_telling(vote("the cart is emptied", FILES, {}))
    assert not is_telling(vote("rewrite the landing page in Spanish", FILES, {}))


def test_files_that_git_no_longer_has_are_left_out_and_those_it_has_are_found() -> None:
    tracked = {"shop/cart.py", "shop/core/till.py", "shop/checkout.py"}

    votes = [each.file for each in vote("checkout of the cart and payment_rules", FILES, {}, tracked=tracked)]

    assert sorted(votes) == ["shop/cart.py", "shop/checkout.py"]


def test_another_work_trees_files_say_nothing() -> None:
    assert first("the cart is emptied", tracked={"docs/index.md"})[0] == "shop/cart.py"


def test_a_hostile_task_is_read_in_linear_time() -> None:
    for text in ("a" * 50_000, "\n" * 50_000, "a/" * 25_000, "A" * 50_000, "a+" * 25_000, "from a." * 7_000):
        vote(text, FILES, {})
