"""This module wraps a bare question as an agent or its user sends it: with chatter, stack frames, slips of the keys.

What stands around the question has nothing to do with it, so recall should be what it is for the bare question.
"""

import random
import re
from collections.abc import Callable
from functools import partial

Wrap = Callable[[str], str]

_OPENINGS = (
    "Hi, I have been looking at this since this morning and I am a bit lost by now.",
    "Thanks for the last change, that one worked well for everybody here.",
    "OK so we had the meeting yesterday and the plan is to ship it on Friday if nothing else comes up.",
    "Sorry to bother you again with this. I hope it is quick.",
    "My colleague asked me to take this over while she is on holiday, so I do not know all of the history.",
    "Good morning! Before we go on with the other thing, could you help me with something else first?",
    "We are on the staging machine at the moment, production is not affected as far as we can tell.",
    "I restarted everything twice and cleared the cache, but it still looks the same to me.",
    "Please do not change any unrelated code, and run the tests when you are done.",
    "You are a careful senior engineer. Think step by step and explain your reasoning before you write code.",
    "Let me know if you need more information, I can paste the whole log as well.",
    "It used to work last week, and I do not think that anybody has touched this part since then.",
)
# Made up, one program each; no memory is about more than a few of them.
FOREIGN = (
    "why does the irrigation valve stay open after the soil sensor reports rain",
    "Round the interest of savings accounts to whole cents at month end",
    "the lobby elevator skips floor seven during fire drills",
    "Add Welsh subtitles to the documentary player",
    "chess engine repeats moves in won rook endgames",
    "Speed up the shader that draws ocean foam",
    "which gearbox ratio did we choose for the rescue drone",
    "parcel labels are printed upside down on thermal paper",
    "Stop the greenhouse lamps from flickering at dawn",
    "dental appointments overlap when a hygienist is ill",
    "Calibrate the spectrometer against argon lines",
    "the tuner hears a flat violin as a sharp cello",
    "train delays are announced on the wrong platform",
    "Let referees undo a yellow card within a minute",
    "sourdough timer forgets the second proof",
    "Export knitting charts with cable stitches",
    "bees were counted twice at the hive entrance",
    "insulin pump alarm is too quiet at night",
    "Merge duplicate saints in the parish register",
    "satellite drifts after the third thruster burn",
    "wine cellar humidity is logged in Fahrenheit",
    "Draw isobars for the sailing forecast",
    "loyalty points expire on leap days",
    "the museum guide speaks too fast for children",
)
_LEADS = (
    "Here is what I get:",
    "This is the output:",
    "See the trace below.",
    "The log says:",
    "I ran it and got this:",
)
_ERRORS = {
    "python": ("RuntimeError: the operation could not be completed", "KeyError: 'state'", "TimeoutError: timed out"),
    "node": ("TypeError: Cannot read properties of undefined (reading 'state')", "Error: connect ECONNREFUSED"),
    "java": ("java.lang.NullPointerException: Cannot invoke because value is null", "java.io.IOException: broken pipe"),
    "go": ("panic: runtime error: invalid memory address or nil pointer dereference", "panic: index out of range"),
}
_LIBRARIES = {
    "python": (
        ("/usr/lib/python3.12/asyncio/base_events.py", "run_until_complete", "return future.result()"),
        (
            "/app/.venv/lib/python3.12/site-packages/uvicorn/protocols/http/h11_impl.py",
            "run_asgi",
            "result = await app(",
        ),
        (
            "/app/.venv/lib/python3.12/site-packages/starlette/routing.py",
            "handle",
            "await self.app(scope, receive, send)",
        ),
        ("/app/.venv/lib/python3.12/site-packages/pluggy/_hooks.py", "__call__", "return self._hookexec(self.name)"),
        ("/usr/lib/python3/dist-packages/requests/adapters.py", "send", "resp = conn.urlopen("),
        ("/opt/conda/lib/python3.11/site-packages/sqlalchemy/engine/base.py", "_execute_context", "self.dialect.do()"),
        ("/usr/lib/python3.12/concurrent/futures/thread.py", "run", "result = self.fn(*self.args, **self.kwargs)"),
    ),
    "node": (
        ("node_modules/express/lib/router/layer.js", "Layer.handle [as handle_request]", ""),
        ("node_modules/express/lib/router/route.js", "Route.dispatch", ""),
        ("node_modules/body-parser/lib/read.js", "AsyncResource.runInAsyncScope", ""),
        ("node:internal/process/task_queues", "process.processTicksAndRejections", ""),
        ("node:internal/modules/cjs/loader", "Module._compile", ""),
        ("node_modules/jest-circus/build/utils.js", "callAsyncCircusFn", ""),
        ("node_modules/react-dom/cjs/react-dom.development.js", "renderWithHooks", ""),
    ),
    "java": (
        ("DispatcherServlet.java", "org.springframework.web.servlet.DispatcherServlet.doDispatch", ""),
        ("HttpServlet.java", "jakarta.servlet.http.HttpServlet.service", ""),
        ("ApplicationFilterChain.java", "org.apache.catalina.core.ApplicationFilterChain.doFilter", ""),
        ("Method.java", "java.base/java.lang.reflect.Method.invoke", ""),
        ("ThreadPoolExecutor.java", "java.base/java.util.concurrent.ThreadPoolExecutor.runWorker", ""),
        ("SessionImpl.java", "org.hibernate.internal.SessionImpl.fireLoad", ""),
        ("Thread.java", "java.base/java.lang.Thread.run", ""),
    ),
    "go": (
        ("/usr/local/go/src/runtime/panic.go", "panic({0x1234560, 0xc000112233})", ""),
        ("/usr/local/go/src/net/http/server.go", "net/http.(*conn).serve(0xc0001a2000)", ""),
        ("/usr/local/go/src/net/http/server.go", "net/http.HandlerFunc.ServeHTTP(0xc00018e000)", ""),
        (
            "/root/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/context.go",
            "github.com/gin-gonic/gin.(*Context).Next(...)",
            "",
        ),
        (
            "/root/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/gin.go",
            "github.com/gin-gonic/gin.(*Engine).ServeHTTP()",
            "",
        ),
        (
            "/root/go/pkg/mod/google.golang.org/grpc@v1.60.0/server.go",
            "google.golang.org/grpc.(*Server).processUnaryRPC",
            "",
        ),
        (
            "/usr/local/go/src/database/sql/sql.go",
            "database/sql.(*DB).QueryContext(0x0, {0x13f2a48, 0xc000126008})",
            "",
        ),
    ),
}
_OWN = {
    "python": ("/app/src/service/handlers.py", "dispatch_request", "return self.pipeline.process(item)"),
    "node": ("/app/src/services/handler.js", "Handler.process", ""),
    "java": ("RequestService.java", "com.acme.shop.RequestService.process", ""),
    "go": ("/app/internal/service/handler.go", "main.(*Handler).process(0xc0000b2000, {0x0, 0x0})", ""),
}
_LOG = (
    "2024-05-01 12:00:03,221 INFO worker.py:88 heartbeat ok (latency=12ms)",
    "2024-05-01 12:00:04,010 WARN pool exhausted, waiting 250ms",
    "[12:00:05] GET /healthz 200 3ms",
    'level=error ts=2024-05-01T12:00:06Z msg="request failed" status=500 path=/api/v1/orders',
    "DEBUG [main] c.a.Scheduler - tick 1829",
)
LANGUAGES = tuple(_LIBRARIES)
_FRAMES = 8


def wraps(seed: int = 11) -> dict[str, Wrap]:
    """Return every way of asking, the bare one first; each call of one draws from dice of its own seed and question."""
    found: dict[str, Wrap] = {
        "bare": lambda question: question,
        "chatter before": lambda question: f"{chatter(_dice(seed, question), 3)} {question}",
        "chatter after": lambda question: f"{question} {chatter(_dice(seed, question), 3)}",
    }
    for language in LANGUAGES:
        found[f"{language}, question last"] = partial(_last, seed, language)
        found[f"{language}, question first"] = partial(_first, seed, language)
        found[f"{language}, question in the middle"] = partial(_middle, seed, language)
    found["between log lines"] = partial(_logged, seed)
    found["misspelt"] = lambda question: misspelt(question, _dice(seed, question))
    found["snake_case"] = snake_case
    return found


def long_prompt(question: str, seed: int = 11) -> str:
    """Return a prompt of about 300 words: all the chatter there is, eight stack frames, and the question last."""
    dice = _dice(seed, question)
    language = dice.choice(tuple(LANGUAGES))
    said = f"{chatter(dice, len(_OPENINGS))}\n{dice.choice(_LEADS)}"
    return f"{said}\n\n{stack(language, dice)}\n\n{question}"


def chatter(dice: random.Random, sentences: int) -> str:
    """Return some sentences that say nothing about the matter."""
    return " ".join(dice.sample(_OPENINGS, sentences))


def stack(language: str, dice: random.Random) -> str:
    """Return eight stack frames with their error, one of them in code of the user's own."""
    frames = [dice.choice(_LIBRARIES[language]) for _ in range(_FRAMES - 1)]
    frames.insert(dice.randrange(_FRAMES), _OWN[language])
    error = dice.choice(_ERRORS[language])
    lines = [_frame(language, frame, dice.randrange(10, 900)) for frame in frames]
    if language == "python":
        return "\n".join(("Traceback (most recent call last):", *lines, error))
    return "\n".join((error, "" if language != "go" else "\ngoroutine 1 [running]:", *lines))


def _frame(language: str, frame: tuple[str, str, str], line: int) -> str:
    file, function, code = frame
    match language:
        case "python":
            return f'  File "{file}", line {line}, in {function}\n    {code}'
        case "node":
            root = "" if file.startswith(("node:", "/")) else "/app/"
            return f"    at {function} ({root}{file}:{line}:{line % 60 + 1})"
        case "java":
            return f"\tat {function}({file}:{line})"
        case _:
            return f"{function}\n\t{file}:{line} +0x{line:x}"


def _last(seed: int, language: str, question: str) -> str:
    dice = _dice(seed, question)
    return f"{chatter(dice, 2)} {dice.choice(_LEADS)}\n\n{stack(language, dice)}\n\n{question}"


def _first(seed: int, language: str, question: str) -> str:
    dice = _dice(seed, question)
    return f"{question}\n{chatter(dice, 2)} {dice.choice(_LEADS)}\n\n{stack(language, dice)}"


def _middle(seed: int, language: str, question: str) -> str:
    dice = _dice(seed, question)
    return f"{chatter(dice, 2)} {dice.choice(_LEADS)}\n\n{stack(language, dice)}\n\n{question}\n\n{chatter(dice, 2)}"


def _logged(seed: int, question: str) -> str:
    dice = _dice(seed, question)
    lines = "\n".join(dice.sample(_LOG, len(_LOG)))
    return f"{chatter(dice, 1)}\n{lines}\n\n{question}\n{chatter(dice, 1)}"


def _dice(seed: int, question: str) -> random.Random:
    return random.Random(f"{seed} {question}")  # noqa: S311 - the same wrapping at each run


def misspelt(question: str, dice: random.Random) -> str:
    """Exchange two letters inside two of the question's longer words, or leave one out."""
    longer = list(re.finditer(r"[^\W\d_]{6,}", question))
    for found in sorted(dice.sample(longer, min(2, len(longer))), key=lambda each: -each.start()):
        word, at = found[0], dice.randrange(1, len(found[0]) - 2)
        swapped, left_out = word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :]
        slipped = dice.choice((swapped, left_out))
        question = question[: found.start()] + slipped + question[found.end() :]
    return question


def snake_case(question: str) -> str:
    """Join the question's words by twos, as names of functions are."""
    words = re.findall(r"[^\W_]+", question.lower())
    return " ".join("_".join(words[at : at + 2]) for at in range(0, len(words), 2))
