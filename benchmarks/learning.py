"""Does learning help? Simulated agents solve tasks with and without the memory, over hundreds of episodes.

    python benchmarks/learning.py [--episodes 500] [--seeds 2] [--svg docs/learning-curve.svg]

Twenty families of tasks; each has a hidden chain of commands that solves it, a trap (a step that fails until something
is installed) and its own words. Tools fail at random now and then, some steps do nothing, and half-way through five
families change their chain, so that what was learnt about them is wrong. An agent has 24 tries for a task.

- alone: tries commands it has not tried yet at this point, at random
- feedback off: follows recommend_playbook and asks check_action; no credit is recorded
- feedback on: the same inside an episode, and says whether the playbook helped
- feedback wrong: as before, but a fifth of what it says is the opposite of the truth
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from memory_mcp.config.places import places
from memory_mcp.config.settings import EmbeddingSettings, Settings, StoreSettings
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Context, Failure, Step, StepError, StepResult, StepSuccess, Success
from memory_mcp.models.recommendations import Playbook, Wanted
from memory_mcp.patterns.dead_ends import check, planned

FAMILIES, CHANGED, CHAIN, BUDGET, WINDOW = 20, 5, 4, 24, 50
NOISE = 0.05  # of right steps fail for no reason
IDLE = 0.15  # of tries that the agent makes by itself are idle and pass
WRONG = 0.2
HALF_A_DAY = 43_200_000_000
ROOT = Path(__file__).parent.parent
WORDS = (
    *("basket", "login", "invoice", "thumbnail", "search", "mail", "export", "schema", "cache", "webhook", "printer"),
    *("report", "calendar", "payment", "avatar", "sitemap", "translation", "backup", "quota", "session", "upload"),
)
VERBS = ("mend", "speed up", "clean up", "extend", "finish", "repair", "review", "rework")
TROUBLES = ("for guests", "under load", "after the upgrade", "on weekends", "with old data", "in the nightly run")
PROGRAMS = (
    *("pytest tests/{}.py", "make {}", "python tools/{}.py", "npm run test -- {}", "alembic upgrade {}"),
    *("edit src/{}.py", "edit docs/{}.md", "edit conf/{}.toml"),
)
ERRORS = ("RuntimeError: {} is not ready", "ValueError: bad state of {}", "KeyError: no {} here", "error: {} refused")
IDLES = ("python -c pass", "git status", "ls src")


class Clock:
    """Half a day passes between episodes; identifiers are random but the same in every run."""

    def __init__(self) -> None:
        self.moment = 1_700_000_000_000_000
        self._random = random.Random(3)

    def now(self) -> int:
        """Return the simulated time, a microsecond later at each look."""
        self.moment += 1
        return self.moment

    def new_id(self) -> str:
        """Return 32 hexadecimal digits that sort by time."""
        return f"{self.moment // 1000:012x}{self._random.getrandbits(80):020x}"


@dataclass
class Family:
    """Tasks alike: their words, the commands at hand, and the chain that solves them."""

    topic: str
    other: str
    commands: list[str]
    chain: list[str]
    install: str
    trap: int

    def task(self, number: int, chance: random.Random) -> str:
        """Return a task in words that vary."""
        return f"{chance.choice(VERBS)} the {self.topic} {self.other} {chance.choice(TROUBLES)} (ticket {number})"


@dataclass
class Tally:
    """What one agent did over time."""

    success: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    repeated: list[float] = field(default_factory=list)
    changed: list[bool] = field(default_factory=list)


def make_families(chance: random.Random) -> list[Family]:
    """Make the world; neighbouring families share a word, so that advice can come from the wrong one."""
    families = []
    for number in range(FAMILIES):
        topic, other = WORDS[number], WORDS[number + 1]
        commands = [each.format(topic) for each in PROGRAMS]
        chain = chance.sample(commands, CHAIN)
        families.append(Family(topic, other, commands, chain, f"pip install {topic}-kit", chance.randrange(1, CHAIN)))
    return families


class World:
    """One task: says what a command does."""

    def __init__(self, family: Family, chance: random.Random) -> None:
        self.family = family
        self.chance = chance
        self.at = 0
        self.installed = False

    @property
    def solved(self) -> bool:
        """Whether the chain is at its end."""
        return self.at == len(self.family.chain)

    def run(self, command: str) -> StepResult:
        """Answer a command; the right one goes on unless the trap holds it or the tool is in a bad mood."""
        if command in IDLES:
            return StepSuccess("ok")
        if command == self.family.install:
            self.installed = True
            return StepSuccess("installed")
        if not self.solved and command == self.family.chain[self.at]:
            if self.at == self.family.trap and not self.installed:
                return StepError(f"ModuleNotFoundError: No module named '{self.family.topic}_kit'")
            if self.chance.random() < NOISE:
                return StepError(f"TimeoutError: no answer after {self.chance.randrange(5, 90)} s")
            self.at += 1
            return StepSuccess("ok")
        pattern = ERRORS[sum(map(ord, command)) % len(ERRORS)]
        return StepError(f"{pattern.format(self.family.topic)} ({self.chance.randrange(10_000)})")


class Agent:
    """Solves tasks, with a memory or without."""

    def __init__(self, mode: str, memory: Memory | None, clock: Clock, seed: int) -> None:
        self.mode = mode
        self.memory = memory
        self.clock = clock
        self.chance = random.Random(seed)
        self.failed_before: dict[str, set[str]] = {}
        self.tally = Tally()

    def solve(self, family: Family, number: int, world: World) -> None:
        """Work on one task, record it and judge the advice."""
        task = family.task(number, random.Random(number))
        episode_id = None
        playbook = None
        if self.memory:
            episode, _ = self.memory.episodes.start(task, task_type="chore", context=Context(language="python"))
            episode_id = episode.id
            asked_in = None if self.mode == "feedback off" else episode_id
            playbook = self.memory.advice.playbook(Wanted(task), episode_id=asked_in)
        steps = self._work(family, world, playbook)
        known = self.failed_before.setdefault(family.topic, set())
        failed = [step.action for step in steps if step.failed]
        self.tally.repeated.append(sum(command in known for command in failed))
        known.update(failed)
        self.tally.success.append(float(world.solved))
        self.tally.steps.append(len(steps))
        if self.memory and episode_id and playbook:
            self._record(episode_id, steps, playbook, solved=world.solved)

    def _work(self, family: Family, world: World, playbook: Playbook | None) -> list[Step]:
        steps: list[Step] = []
        advised = [step.do for step in playbook.steps if step.action not in {"fix", "rule"}] if playbook else []
        tried: set[tuple[int, str]] = set()
        while not world.solved and len(steps) < BUDGET:
            command = self._next(family, world, advised, tried)
            steps.append(self._step(world, command))
            tried.add((world.at, command))
            error = steps[-1].result
            if isinstance(error, StepError) and error.message.startswith("TimeoutError"):
                tried.discard((world.at, command))
                advised.insert(0, command)  # anybody would try that again
            elif isinstance(error, StepError) and "No module named" in error.message and len(steps) < BUDGET:
                fix = self._fix(command, family)
                steps.append(self._step(world, fix))
                tried.discard((world.at, command))
                advised.insert(0, command)
        return steps

    def _next(self, family: Family, world: World, advised: list[str], tried: set[tuple[int, str]]) -> str:
        while advised:
            command = advised.pop(0)
            if (world.at, command) not in tried:
                return command
        if self.chance.random() < IDLE:
            return self.chance.choice(IDLES)
        left = [each for each in family.commands if (world.at, each) not in tried] or family.commands
        return self.chance.choice(left)

    def _fix(self, command: str, family: Family) -> str:
        """Ask what mended this failure before; without an answer, guess among what one could install."""
        if self.memory:
            self.memory.learning.follow()
            for dead_end in check(self.memory.store.digests, planned("", command, "")).dead_ends:
                for line in dead_end.instead:
                    if line.startswith("pip install"):
                        return line
        return self.chance.choice([family.install, *(f"pip install {word}-kit" for word in WORDS[:3])])

    def _step(self, world: World, command: str) -> Step:
        tool = "edit" if command.startswith("edit ") else "bash"
        parameters = {"file": command.removeprefix("edit ")} if tool == "edit" else {}
        return Step(tool, command, parameters, world.run(command), 5.0, self.clock.now())

    def _record(self, episode_id: str, steps: Sequence[Step], playbook: Playbook, *, solved: bool) -> None:
        assert self.memory is not None
        self.memory.episodes.append(episode_id, steps)
        self.memory.learning.complete(
            episode_id, Success(evidence="shown") if solved else Failure(reason="out of tries")
        )
        if self.mode == "feedback off" or not playbook.id:
            return
        helped = solved and len(steps) <= 2 * len(playbook.steps)
        if self.mode == "feedback wrong" and self.chance.random() < WRONG:
            helped = not helped
        self.memory.advice.judge("helped" if helped else "hindered", recommendation_id=playbook.id)


def run(mode: str, episodes: int, seed: int) -> tuple[Tally, float]:
    """Let one agent solve a whole series; return what it did and the seconds it took."""
    chance = random.Random(seed)
    families = make_families(chance)
    clock = Clock()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(store=StoreSettings(home=home), embeddings=EmbeddingSettings(provider="hash"))
        where = places(settings, settings_file=Path(home) / "none")
        memory = None if mode == "alone" else Memory(settings, where, "simulation", actor="benchmark", clock=clock)
        agent = Agent(mode, memory, clock, seed)
        for number in range(episodes):
            if number == episodes // 2:
                for family in families[:CHANGED]:
                    family.chain = chance.sample(family.commands, CHAIN)
            clock.moment += HALF_A_DAY
            at = chance.randrange(FAMILIES)
            agent.tally.changed.append(at < CHANGED and number >= episodes // 2)
            agent.solve(families[at], number, World(families[at], random.Random(seed * 10_000 + number)))
        if memory:
            memory.close()
    return agent.tally, time.perf_counter() - started


def report(name: str, tallies: Sequence[Tally], seconds: float) -> None:
    """Print one agent: its first and last episodes, and the second half for families that changed or stayed."""
    print(f"{name} ({seconds:.0f} s)")
    count = len(tallies[0].success)
    rows: dict[str, Callable[[int, Tally], bool]] = {
        f"first {WINDOW}": lambda at, _: at < WINDOW,
        f"last {WINDOW}": lambda at, _: at >= count - WINDOW,
        "2nd half, same": lambda at, tally: at >= count // 2 and not tally.changed[at],
        "2nd half, changed": lambda at, tally: tally.changed[at],
        "all": lambda _, __: True,
    }
    for part, belongs in rows.items():
        chosen = [(tally, at) for tally in tallies for at in range(count) if belongs(at, tally)]
        print(
            f"    {part:<18} success {fmean(tally.success[at] for tally, at in chosen):.2f}"
            f"   steps {fmean(tally.steps[at] for tally, at in chosen):5.1f}"
            f"   repeated mistakes {fmean(tally.repeated[at] for tally, at in chosen):5.1f}",
            flush=True,
        )


COLOURS = ("#888888", "#1f77b4", "#2ca02c", "#d62728")


def plot(agents: dict[str, list[Tally]], path: Path) -> None:
    """Draw the rolling means of success and steps as SVG."""
    width, height, left = 760, 240, 60
    count = len(next(iter(agents.values()))[0].success)
    size = f'width="{width}" height="{2 * height + 40}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for row, (name, top) in enumerate((("success", 1.0), ("steps", float(BUDGET)))):
        base = 20 + (row + 1) * height - 40
        parts.append(f'<text x="{left}" y="{base - height + 60}">{name}, mean of the last {WINDOW} episodes</text>')
        for mark in (0.0, 0.5, 1.0):
            y = base - mark * (height - 80)
            parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{y}" y2="{y}" stroke="#dddddd"/>')
            parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{mark * top:g}</text>')
        half = left + (width - 80) / 2
        dashed = 'stroke="#bbbbbb" stroke-dasharray="4"'
        parts.append(f'<line x1="{half}" x2="{half}" y1="{base}" y2="{base - height + 80}" {dashed}/>')

        for colour, tallies in zip(COLOURS, agents.values(), strict=True):
            values = [fmean(column) for column in zip(*(getattr(each, name) for each in tallies), strict=True)]
            means = [fmean(values[max(0, at - WINDOW + 1) : at + 1]) for at in range(count)]
            points = " ".join(
                f"{left + at * (width - 80) / count:.1f},{base - mean / top * (height - 80):.1f}"
                for at, mean in enumerate(means)
            )
            parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{points}"/>')
    for number, (colour, agent) in enumerate(zip(COLOURS, agents, strict=True)):
        parts.append(f'<text x="{left + number * 170}" y="{2 * height + 20}" fill="{colour}">— {agent}</text>')
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


def main() -> None:
    """Run the agents one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=2, help="worlds to repeat it in")
    parser.add_argument("--svg", type=Path, help="write the learning curve to this file")
    chosen = parser.parse_args()
    agents: dict[str, list[Tally]] = {}
    for mode in ("alone", "feedback off", "feedback on", "feedback wrong"):
        runs = [run(mode, chosen.episodes, seed) for seed in range(1, chosen.seeds + 1)]
        agents[mode] = [tally for tally, _ in runs]
        report(mode, agents[mode], sum(seconds for _, seconds in runs))
    if chosen.svg:
        plot(agents, chosen.svg)
        print(f"wrote {chosen.svg}")


if __name__ == "__main__":
    main()
