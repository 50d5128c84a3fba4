"""Prompts: stack frames of libraries are left out, the sentence that asks tells most."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_cli.bench.prompts import LANGUAGES, chatter, stack, wraps
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Success
from memory_mcp.models.recall import Query
from memory_mcp.retrieval import frames, pasted
from memory_mcp.retrieval.prompts import read
from tests.conftest import OpenMemory

RUST = """thread 'main' panicked at src/main.rs:4:5:
index out of bounds
stack backtrace:
   1: core::panicking::panic_fmt
             at /rustc/07dc/library/core/src/panicking.rs:72:14
   2: shop::parse_header
             at ./src/main.rs:4:6"""
RUBY = """\tfrom /usr/lib/ruby/gems/3.2.0/gems/activerecord-7.0.4/lib/validations.rb:80:in `perform'
\tfrom app/controllers/users_controller.rb:9:in `create'"""
PHP = """PHP Fatal error:  Uncaught InvalidArgumentException: bad value
#0 /var/www/vendor/symfony/http-kernel/HttpKernel.php(163): App->index()
#1 /var/www/src/Kernel.php(33): Kernel->handle()
#2 {main}"""
DOTNET = """System.NullReferenceException: Object reference not set
   at Microsoft.AspNetCore.Mvc.Infrastructure.ActionMethodExecutor.Execute(IActionResultTypeMapper mapper)
   at Shop.Api.CartController.Get(Int32 id) in /src/Shop.Api/CartController.cs:line 42"""
CPP = """#1  0x00007ffff in std::vector<int>::at (this=0x0) at /usr/include/c++/12/bits/stl_vector.h:1154
#2  0x000055 in Parser::next (this=0x7f) at /home/u/proj/parser.cpp:88"""
KOTLIN = """Exception in thread "main" java.lang.IllegalStateException: closed
\tat com.acme.Shop.run(Shop.kt:12)
\tat java.base/java.lang.Thread.run(Thread.java:840)
\t... 23 more"""


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same text at each run


@pytest.mark.parametrize("language", LANGUAGES)
@given(seed=st.integers(0, 1_000))
def test_of_a_trace_the_error_and_the_projects_own_frame_are_left(language: str, seed: int) -> None:
    kept, own = frames.cut(stack(language, dice(seed)))

    assert len(own) == 1
    assert [line for line in kept if line.strip() and not frames.is_error(line)] == []


@pytest.mark.parametrize(
    ("trace", "function"),
    [
        (RUST, "parse_header"),
        (RUBY, "users_controller"),
        (PHP, "Kernel.php"),
        (DOTNET, "CartController"),
        (CPP, "Parser::next"),
        (KOTLIN, "Shop.run"),
    ],
)
def test_library_frames_go_in_other_languages_too(trace: str, function: str) -> None:
    _, own = frames.cut(trace)

    assert [function in frame for frame in own] == [True]


def test_prose_is_no_frame() -> None:
    text = "at first I thought it is a bug\n# 1 problem\nat the end we should support lists\n- from a list"

    assert frames.cut(text) == (text.split("\n"), [])


def test_the_sentence_that_asks_is_what_a_model_reads_first() -> None:
    question = "Make the basket survive a restart of the checkout service"

    reading = read(wraps()["python, question last"](question))

    assert reading.text.startswith(question)
    assert "site-packages" not in reading.text
    assert reading.gist == reading.text[:300]
    assert all(reading.emphasis[word] == 1.0 for word in ("basket", "survive", "checkout"))
    assert read(question).text == question


@given(st.text(max_size=3_000))
def test_any_prompt_can_be_read(text: str) -> None:
    reading = read(text)

    assert all(0 <= share <= 1 for share in reading.emphasis.values())


def test_a_question_behind_chatter_and_frames_finds_what_the_bare_one_finds(memory: Memory) -> None:
    subjects = ("basket of a guest", "invoice rounding", "login redirect", "search index", "mail templates")
    for number in range(60):
        memory.episodes.start(f"{subjects[number % 5]}: the change {number} of the service handler for the state")
    right, _ = memory.episodes.start("Keep the voucher when a currency is exchanged")
    memory.episodes.complete(right.id, Success())
    question = "voucher is lost on currency exchange"

    for name, wrap in wraps().items():
        if name != "misspelt":
            assert memory.recall.search(Query(wrap(question))).hits[0].id == right.id, name


def test_chatter_alone_is_answered_by_silence(memory: Memory) -> None:
    memory.episodes.start("Keep the voucher when a currency is exchanged")

    assert memory.recall.search(Query(chatter(dice(1), 3))).hits == ()


def test_a_prompt_of_the_greatest_length_is_answered(open_memory: OpenMemory) -> None:
    memory = open_memory()
    right, _ = memory.episodes.start("Keep the voucher when a currency is exchanged")
    trace = "\n".join(stack("python", dice(number)) for number in range(20))

    hits = memory.recall.search(Query(f"{trace[:9_900]}\n\nvoucher and currency exchange")).hits

    assert [hit.id for hit in hits] == [right.id]


LOGGED = """2024-05-01 12:00:03,221 INFO worker.py:88 heartbeat ok
[12:00:05] GET /healthz 200 3ms
level=warn msg="pool exhausted" path=/api/v1/orders
127.0.0.1 - - [01/May/2024:12:00:07 +0000] "POST /login HTTP/1.1" 302 -
DEBUG [main] c.a.Scheduler - tick 1829
May  1 12:00:08 host kernel: link is down"""
PATCH = """diff --git a/src/cart.ts b/src/cart.ts
index 83db48f..bf2a1c9 100644
--- a/src/cart.ts
+++ b/src/cart.ts
@@ -10,3 +10,3 @@ export class Cart {
   private items: Item[] = [];
-  total() { return sum(this.items); }
+  total() { return round(sum(this.items)); }"""


@pytest.mark.parametrize("text", [LOGGED, PATCH])
def test_what_was_pasted_is_told_from_what_was_written(text: str) -> None:
    written, _ = pasted.cut(["Why is", *text.split("\n"), "the total wrong?", "- since May 1"])

    assert written == ["Why is", "the total wrong?", "- since May 1"]


@pytest.mark.parametrize("text", [LOGGED, PATCH])
def test_a_question_between_chatter_behind_what_was_pasted_is_found(memory: Memory, text: str) -> None:
    for number in range(60):
        memory.episodes.start(f"the total of the items in cart {number}: heartbeat of the login worker and scheduler")
    right, _ = memory.episodes.start("Keep the voucher when a currency is exchanged")
    question = "voucher is lost on currency exchange"

    prompt = f"{chatter(dice(3), 1)}\n{text}\n\n{question}\n{chatter(dice(4), 1)}"

    assert memory.recall.search(Query(prompt)).hits[0].id == right.id


@pytest.mark.parametrize(
    ("subject", "asked"),
    [
        ("Merge pull request #568 from mona/frozen-paths", "frozen-paths"),
        ("Merge branch 'frozen-paths' into 'main'", "frozen-paths"),
        ("how do we merge a branch into main", "how do we merge a branch into main"),
        ("Merge pull request", "Merge pull request"),
    ],
)
def test_words_that_a_forge_writes_into_every_merge_are_not_asked_by(subject: str, asked: str) -> None:
    assert read(subject).parts[0].words == read(asked).parts[0].words


@pytest.mark.parametrize(
    "rule", ["Don't touch the config files.", "Please never rename a column.", "Make sure it is fast."]
)
def test_a_sentence_that_says_how_to_work_weighs_less_than_one_that_asks(rule: str) -> None:
    reading = read(f"{rule}\nwhy are vouchers counted twice\nThe parcel service closes at noon.\n{rule}")

    weights = {part.text: part.weight for part in reading.parts}

    assert weights[rule] < min(weight for text, weight in weights.items() if text != rule) / 2


COMMON = (
    "Just pulled main and rebuilt the docker image, same behaviour on my Mac and on the Linux box. "
    "Skip the unit tests for now, we can add coverage in a follow-up PR."
)


def test_a_question_of_few_words_behind_long_sentences_of_common_ones_is_as_relevant_as_alone(memory: Memory) -> None:
    right, _ = memory.notes.add("templates.md: the error of a missing default is explained")
    memory.notes.add("The docker image is rebuilt on Linux; the unit tests of main add coverage in a follow-up")
    for number in range(300):
        memory.notes.add(f"Invoice {number} is rounded at the end of the month; its fix has an error")

    alone = memory.recall.search(Query("Fix for error in templates.md")).hits[0]
    behind = memory.recall.search(Query(f"{COMMON} Fix for error in templates.md")).hits[0]

    assert (behind.id, behind.relevance) == (alone.id, alone.relevance) == (right.id, alone.relevance)


def test_a_word_misspelt_behind_chatter_is_put_right(memory: Memory) -> None:
    memory.notes.add("The deployment pipeline waits for the approval of two people")

    answer = memory.recall.search(Query(f"{COMMON} deploymnet waits for approval"))

    assert answer.corrected == (("deploymnet", ("deploy",)),)
