"""This module finds the lines of a prompt that are stack frames, and tells a library's from the project's own."""

from memory_mcp.expressions import expression

_LIBRARY_PLACES = (
    *(
        "site-packages",
        "dist-packages",
        "/lib/python",
        "\\lib\\",
        "<frozen ",
        "<string>",
        "<stdin>",
        ".venv/",
        "/pyenv/",
    ),
    *("node_modules", "node:", "(internal/", "<anonymous>", "deno:", "/.nvm/", "/.bun/", "webpack-internal", "/.yarn/"),
    *("/go/src/", "/go/pkg/mod/", "/pkg/mod/", "/rustc/", "/.cargo/", "/library/std/", "/library/core/"),
    *(
        "/gems/",
        "/lib/ruby/",
        "/rubygems/",
        "/vendor/",
        "/usr/include/",
        "/usr/lib",
        "/lib/x86_64",
        "/lib64/",
        "libc.so",
    ),
    *("/opt/conda", "/miniconda", "/anaconda", "program files", "[native code]", "native method", "/_work/1/s/src/"),
)
_LIBRARY_NAMES = (
    *(
        "java.",
        "javax.",
        "jakarta.",
        "jdk.",
        "sun.",
        "com.sun.",
        "kotlin.",
        "kotlinx.",
        "scala.",
        "android.",
        "androidx.",
    ),
    *(
        "org.springframework.",
        "org.apache.",
        "org.hibernate.",
        "org.junit.",
        "org.eclipse.",
        "org.gradle.",
        "org.jboss.",
    ),
    *("io.netty.", "io.quarkus.", "io.micronaut.", "com.fasterxml.", "com.google.", "reactor.", "org.postgresql."),
    *(
        "com.zaxxer.",
        "org.mockito.",
        "groovy.",
        "clojure.",
        "akka.",
        "play.",
        "okhttp3.",
        "retrofit2.",
        "ch.qos.",
        "org.slf4j.",
    ),
    *("system.", "microsoft.", "newtonsoft.", "nunit.", "xunit.", "mscorlib", "npgsql.", "serilog."),
    *(
        "std::",
        "core::",
        "alloc::",
        "tokio::",
        "__gnu_cxx",
        "__libc_",
        "__cxa_",
        "_start",
        "boost::",
        "rust_begin_unwind",
    ),
    *("runtime.", "net/http.", "testing.", "database/sql.", "reflect.", "sync.", "syscall.", "internal/", "panic("),
    *("google.golang.org/", "golang.org/", "github.com/", "gopkg.in/", "go.uber.org/", "runtime/", "backtrace::"),
)
# what begins a frame: Python, JavaScript and JVM and .NET, PHP and debuggers, Ruby, Rust, pytest and compilers
_FRAME = expression(
    r'\s*File "[^"]+", line \d+'
    r"|\s*at (?:(?:async |new )?[\w$.<>/@\[\] `+-]+[ (].*(?:\)|:\d+|:line \d+)\s*$|[\w$.<>/\\:@-]+:\d+(?::\d+)?\)?$)"
    r"|\s*#\d+\s+\S"
    r"|\s*(?:from |\d+: from )?\S+\.rb:\d+:in "
    r"|\s*\d+:\s+(?:0x[0-9a-f]+ - )?[<\w][\w:<>{}$&, ]*::\w"
    r"|\S+\.(?:py|js|ts):\d+: (?:in )?\w+$"
    r"|\s*[\w./-]*\([\w+]*\)\s?\[0x[0-9a-f]+\]"
)
_GO_CALL = expression(
    r"(?:created by )?[\w./-]+(?:\.\(\*?[\w.\[\]]+\))?(?:\.[\w.\[\]]+)*(?:\(.*\)| in goroutine \d+)?$"
)
_GO_PLACE = expression(r"\s+(\S+\.(?:go|s)):\d+(?: \+0x[0-9a-f]+)?$")
_AHEAD_OF_NAME = expression(r"^\s*(?:at |#\d+\s+|\d+:\s+)?(?:0x[0-9a-f]+ (?:in |- ))?(?:async |new |created by )?")
_NUMBERS = expression(r"\b0x[0-9a-f]+\b|:?\b\d+\b|\bline\b|\bFile\b")
_RUST_PLACE = expression(r"\s+at \S+\.rs:\d+")
_HEADS = (
    *(
        "traceback (most recent call last)",
        "during handling of the above",
        "the above exception was",
        "stack backtrace:",
    ),
    *("goroutine ", "stack trace:", "#0 {main}", "call stack:", "stack:", "exit status ", "[signal ", "--- end of "),
)
_MARKERS = expression(r"[\s~^|.\-=+]*$|\s*\.\.\. \d+ (?:more|common frames omitted|lines matching)")
_ERROR = expression(
    r"(?:Caused by: |Uncaught |Unhandled |thread '.*' |PHP )?(?:[\w$]+[./\\])*[\w$]*"
    r"(?:Error|Exception|Warning|Panic|Fault|Exit|Interrupt)\b(?:\s\[[\w-]+\])?(?::|$| \(| in )"
    r"|(?:panic|fatal|error|FAILED|FATAL|ERROR|E)(?:\[\w+\])?:?\s|thread '.*' panicked at|Segmentation fault",
)


def is_error(line: str) -> bool:
    """Whether a line says what went wrong."""
    return _ERROR.match(line.strip()) is not None


def cut(text: str) -> tuple[list[str], list[str]]:
    """Return the lines of a text without its stack frames, and the frames of the project's own files apart.

    Frames of libraries and the headings of a trace are dropped.
    """
    kept: list[str] = []
    own: list[str] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        following = lines[at + 1] if at + 1 < len(lines) else ""
        taken = _frame_lines(line, following)
        if taken:
            frame = "\n".join(lines[at : at + taken])
            if not _is_library(line, frame):
                own.append(_named(frame))
            at += taken
            continue
        if not _is_noise(line):
            kept.append(line)
        at += 1
    return kept, own


def _frame_lines(line: str, following: str) -> int:
    """Return how many lines the frame takes that begins here, 0 if none does."""
    if _FRAME.match(line) and not is_error(line) and not line.endswith("Error)"):
        stripped = line.lstrip()
        if stripped.startswith("File "):  # its source line stands below, further in
            return 2 if following.startswith("    ") and not following.lstrip().startswith("File ") else 1
        return 2 if _RUST_PLACE.match(following) and not stripped.startswith("at ") else 1
    if _GO_PLACE.match(following) and _GO_CALL.match(line.strip()):
        return 2
    return 0


def _is_library(line: str, frame: str) -> bool:
    lower = frame.lower()
    if any(place in lower for place in _LIBRARY_PLACES):
        return True
    name = _AHEAD_OF_NAME.sub("", line.lower(), count=1)
    return name.startswith(_LIBRARY_NAMES) or "{main}" in name


def _named(frame: str) -> str:
    """Return a frame as file and function, without numbers and addresses."""
    return _NUMBERS.sub(" ", frame)


def _is_noise(line: str) -> bool:
    lower = line.strip().lower()
    return lower.startswith(_HEADS) or (bool(lower) and _MARKERS.match(line) is not None)
