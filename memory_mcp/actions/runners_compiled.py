"""This module holds the runners of compiled languages and build tools: how they are called, what they print."""

from memory_mcp.actions.runners import Runner, rows

_MAVEN_GOALS = ("test", "verify", "install", "package", "surefire:test", "failsafe:*")  # each runs the tests

GO_TEST = Runner(
    "go test",
    "test",
    ("go test", "gotestsum", "ginkgo"),
    gathers=True,
    idle=("-list", "--help", "-h", "-c"),
    marks=(
        *rows(
            "red",
            ("FAIL", r"^FAIL(?:\s|$)"),
            ("--- FAIL", r"^\s*--- FAIL: "),
            ("[build failed]", r"\[(?:build|setup) failed\]"),
            ("panic: ", r"^panic: "),
            ("DATA RACE", r"^WARNING: DATA RACE"),
            ('"Action":"fail"', r'"Action":"fail"'),
            ("failures", r"^DONE \d+ tests?,.* [1-9]\d* failures?"),
        ),
        *rows(
            "green",
            ("ok ", r"^ok\s+\S+\s+(?:[\d.]+s|\(cached\))(?!.*\[no tests to run\])"),
            ("DONE ", r"^DONE [1-9]\d* tests? in "),
        ),
        *rows(
            "did_not_run",
            ("[no test files]", r"\[no test files\]"),
            ("no tests to run", r"no tests to run"),
            ("no Go files", r"no Go files in"),
            ("matched no packages", r"matched no packages"),
            ("cannot find main module", r"cannot find main module|go\.mod file not found"),
            ("no required module", r"no required module provides package"),
        ),
    ),
)

CARGO_TEST = Runner(
    "cargo test",
    "test",
    ("cargo test", "cargo t", "cargo nextest", "cargo tarpaulin", "cargo llvm-cov"),
    gathers=True,
    idle=("--list", "--help", "-h"),
    marks=(
        *rows(
            "red",
            ("test result: FAILED", r"^test result: FAILED\."),
            ("error: could not compile", r"^error: could not compile"),
            ("error: test failed", r"^error: test(?: run)? failed"),
            ("error[E", r"^error\[E\d+\]"),
            ("Summary [", r"Summary \[.*\b[1-9]\d* (?:failed|timed out)"),
            ("... FAILED", r"^test .* \.\.\. FAILED$"),
        ),
        *rows(
            "green",
            ("test result: ok.", r"^test result: ok\. [1-9]\d* passed; 0 failed"),
            ("Summary [", r"Summary \[.*\b[1-9]\d* passed"),
        ),
        *rows(
            "did_not_run",
            ("test result: ok. 0 passed", r"^test result: ok\. 0 passed"),
            ("error: no test target", r"^error: no test target"),
            ("error: no such command", r"^error: no such command"),
            ("error: no tests to run", r"^error: no tests to run"),
            ("could not find `Cargo.toml`", r"^error: could not find `Cargo\.toml`"),
        ),
    ),
)

DOTNET_TEST = Runner(
    "dotnet test",
    "test",
    ("dotnet test", "dotnet vstest"),
    gathers=True,
    idle=("--list-tests", "-t"),
    marks=(
        *rows(
            "red",
            ("Failed!", r"Failed!\s+-\s+Failed:\s*[1-9]|Test run summary: Failed!"),
            ("Test Run Failed.", "Test Run Failed"),
            ("Build FAILED.", r"^Build FAILED"),
            (": error ", r": error (?!MSB1003|MSB1009)(?:CS|FS|BC|MSB|NU|NETSDK)\d+"),
        ),
        *rows(
            "green",
            ("Passed!", r"Passed!\s+-\s+Failed:\s*0, Passed:\s*[1-9]|Test run summary: Passed!"),
            ("Test Run Successful.", "Test Run Successful"),
        ),
        *rows(
            "did_not_run",
            ("No test is available", "No test is available"),
            ("No test matches", "No test matches the given testcase filter"),
            ("MSB1003", "MSB1003|MSB1009"),
            ("Could not execute", r"Could not execute because"),
        ),
    ),
)

GRADLE_TEST = Runner(
    "gradle",
    "test",
    tuple(
        f"{tool} .. {task}"
        for tool in ("gradle", "gradlew")
        for task in ("test*", "check", "build", "*Test", "*:test", "*:check", "*:build", "verify")
    ),
    idle=("--dry-run", "-m", "--help"),
    marks=(
        *rows(
            "red",
            ("tests completed", r"\d+ tests? completed, [1-9]\d* failed"),
            (" FAILED", r"^> Task :\S+ FAILED|^\S.* > .* FAILED$"),
        ),
        *rows(
            "did_not_run",
            ("NO-SOURCE", r"^> Task :(?:\S+:)?test NO-SOURCE"),
            ("No tests found for given includes", "No tests found for given includes"),
            ("Task '", r"Task '\S+' not found"),
            ("JAVA_HOME is not set", "JAVA_HOME is not set"),
        ),
    ),
    concludes=(
        *rows("red", ("BUILD FAILED", r"^BUILD FAILED"), ("FAILURE: Build failed", r"^FAILURE: Build failed")),
        *rows("green", ("BUILD SUCCESSFUL", r"^BUILD SUCCESSFUL")),
    ),
)

MAVEN_TEST = Runner(
    "maven",
    "test",
    (
        *(f"{tool} .. {goal}" for tool in ("mvn", "mvnw", "mvnd") for goal in _MAVEN_GOALS),
        *("sbt .. test*", "lein .. test", "ant .. test"),
    ),
    idle=("-DskipTests", "-Dmaven.test.skip=true", "-DskipTests=true", "--help", "-version"),
    marks=(
        *rows(
            "red",
            ("BUILD FAILURE", r"\bBUILD FAILURE\b"),
            ("BUILD FAILED", r"^BUILD FAILED"),
            ("Tests run:", r"Tests run: \d+, (?:Failures: [1-9]|Failures: 0, Errors: [1-9])"),
            ("There are test failures", "There are test failures"),
            ("[error]", r"^\[error\] (?:Failed|Error): Total"),
            ("COMPILATION ERROR", "COMPILATION ERROR"),
            ("failures,", r"^[1-9]\d* failures, \d+ errors"),
        ),
        *rows(
            "green",
            ("Tests run:", r"Tests run: [1-9]\d*, Failures: 0, Errors: 0"),
            ("[info] Passed", r"^\[info\] Passed: Total [1-9]"),
            ("0 failures, 0 errors.", r"^0 failures, 0 errors\."),
        ),
        *rows(
            "did_not_run",
            ("No tests to run", "No tests to run"),
            ("Tests are skipped", "Tests are skipped"),
            ("No tests were executed", r"No tests were executed|No tests matching pattern"),
            ("there is no POM", "there is no POM in this directory"),
            ("Could not resolve", r"Could not resolve dependencies"),
        ),
    ),
    concludes=rows("green", ("BUILD SUCCESS", r"\bBUILD SUCCESS\b|^BUILD SUCCESSFUL")),
)

CTEST = Runner(
    "ctest",
    "test",
    ("ctest", "meson test", "ninja .. test", "ninja .. check"),
    idle=("-N", "--show-only", "--version", "--help"),
    marks=(
        *rows(
            "red",
            ("tests passed,", r"\d+% tests passed, [1-9]\d* tests failed"),
            ("tests FAILED", r"The following tests FAILED"),
            ("Fail:", r"^Fail: +[1-9]"),
            ("Timeout:", r"^Timeout: +[1-9]"),
            ("ninja: build stopped", r"^ninja: build stopped"),
        ),
        *rows(
            "green", ("100% tests passed", r"100% tests passed, 0 tests failed out of [1-9]"), ("Ok:", r"^Ok: +[1-9]")
        ),
        *rows(
            "did_not_run",
            ("No tests were found", "No tests were found"),
            ("No tests defined", "No tests defined"),
            ("No test configuration file", "No test configuration file"),
        ),
    ),
)

SWIFT_TEST = Runner(
    "swift test",
    "test",
    ("swift test", "xcodebuild .. test", "xcodebuild .. test-without-building"),
    gathers=True,
    idle=("--list-tests", "list"),
    marks=(
        *rows(
            "red",
            ("failure", r"Executed \d+ tests?, with .*\b[1-9]\d* failures?"),
            ("Test run with", r"Test run with \d+ tests?.* failed"),
            (".swift:", r"\.swift:\d+:\d+: error: "),
            ("error: Exited", r"^error: Exited with"),
            ("TEST FAILED", r"\*\* TEST FAILED \*\*"),
        ),
        *rows(
            "green",
            ("Executed ", r"Executed [1-9]\d* tests?, with (?:\d+ tests? skipped and )?0 failures"),
            ("Test run with", r"Test run with [1-9]\d* tests?.* passed"),
            ("TEST SUCCEEDED", r"\*\* TEST SUCCEEDED \*\*"),
        ),
        *rows(
            "did_not_run",
            ("no tests found", r"^error: no tests found"),
            ("Executed 0 tests", r"Executed 0 tests"),
            ("Could not find Package.swift", "Could not find Package.swift"),
        ),
    ),
)

BAZEL_TEST = Runner(
    "bazel",
    "test",
    ("bazel .. test", "bazelisk .. test", "buck2 test", "pants test"),
    marks=(
        *rows(
            "red",
            ("Executed ", r"^Executed \d+ out of \d+ tests?:.*\bfails? "),
            ("FAILED in", r"\bFAILED in \d"),
            ("ERROR: ", r"^ERROR: .*(?:Build|build) did NOT complete|^FAILED: Build did NOT"),
            ("FAILED TO BUILD", "FAILED TO BUILD"),
        ),
        *rows("green", ("Executed ", r"^Executed \d+ out of [1-9]\d* tests?: [1-9]\d* tests? pass(?:es)?\.$")),
        *rows(
            "did_not_run",
            ("No test targets were found", "No test targets were found"),
            ("no such target", "no such target"),
            ("no such package", "no such package"),
        ),
    ),
)

COMPILED_RUNNERS = (GO_TEST, CARGO_TEST, DOTNET_TEST, GRADLE_TEST, MAVEN_TEST, CTEST, SWIFT_TEST, BAZEL_TEST)
