"""Runs the demo: `./dev demo [--keep]`."""

import argparse
import asyncio
import io
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.table import Table

import tests.sandbox.demo
from tests.sandbox import backend
from tests.sandbox.demo import show
from tests.sandbox.demo.story import Story
from tests.sandbox.process import ServerDiedError, scratch
from tests.sandbox.stack import ROOT, Plan, Stack

CONFIG = ROOT / "tests" / "sandbox" / "demo" / "builders.cfg"
PERIODS = {"pollSeconds": 0.5, "deadlineDelaySeconds": 2}
TRANSITIONS = "SELECT run_id, at, from_phase, to_phase, because FROM transitions WHERE task_id = $1 ORDER BY id"
SETTINGS = {"reflector": {"interval": 10, "states_interval": 5}}


async def demo(console: Console, *, keep: bool) -> bool:
    """Everything from the first server to the last task; whether all ended as it should."""
    started = time.monotonic()
    console.print("[bold]Starting everything, on 127.0.0.1 and in a temporary directory:[/]")
    with scratch("demo") as directory:
        settings = {"PYTHON": sys.executable, "REPOSITORY": str(ROOT), "OUT": str(directory / "out")}
        head = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        plan = Plan(head + CONFIG.read_text(), workers=3, periods=PERIODS, settings=SETTINGS)
        async with Stack(directory, plan, show.Progress(console, started)) as stack:
            await stack.start_services()
            set_up = time.monotonic() - started
            good = await _graph(console, stack, set_up)
            if keep:
                _look_around(console, stack)
                await asyncio.Event().wait()
    return good


async def _graph(console: Console, stack: Stack, set_up: float) -> bool:
    """Create the tasks, watch them to their ends, and tell how it went."""
    started = time.monotonic()
    console.print("\n[bold]One graph of tasks: real builds, and beside them each thing that can go wrong.[/]")
    story = Story(stack)
    await _told(console, story)
    times = {"set-up": set_up, "tasks": time.monotonic() - started}
    console.print("\n[bold]The life of the task `flaky`[/], as its rows tell it (`bbb show <taskId>` does so for any task):")
    show.life(console, await stack.rows(TRANSITIONS, story.ids["flaky"]))
    console.print()
    return show.summary(console, story.seen, times)


async def _told(console: Console, story: Story) -> None:
    started = time.monotonic()
    before: Mapping[str, show.Seen] = {}

    def line(seen: Mapping[str, show.Seen]) -> None:
        nonlocal before
        show.changes(console, before, seen, time.monotonic() - started)
        before = seen

    def drawn(seen: Mapping[str, show.Seen]) -> Table:
        return show.table(seen, time.monotonic() - started, console.width)

    if not console.is_terminal:
        await story.tell(line)
        console.print(drawn(story.seen))
        return
    with Live(drawn({}), console=console, refresh_per_second=4) as live:
        await story.tell(lambda seen: live.update(drawn(seen)))


def _look_around(console: Console, stack: Stack) -> None:
    """Where everything is, for whoever keeps it running."""
    places = {
        "the queue double": f"{stack.root_url}/  (tasks, runs, artifacts)",
        "Buildbot": f"{stack.buildbot.url}  (builders, build requests, steps)",
        **{name: f"{stack.address(name)}/metrics" for name in stack.services},
        "logs": f"{stack.directory}/*.log",
        "the command": f"export BBB_CONFIG={stack.config}; .venv/bin/bbb status",
    }
    console.print("\n[bold]All of it keeps running; Ctrl-C ends it.[/] Look around:")
    for name, place in places.items():
        console.print(f"  {name:22}{place}", highlight=False, soft_wrap=True)


async def _interruptible(console: Console, *, keep: bool) -> int:
    work = asyncio.create_task(demo(console, keep=keep))

    def stop() -> None:
        console.print("\n• stopping everything")
        work.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    status = 0 if keep else 130
    try:
        status = 0 if await work else 1
    except asyncio.CancelledError:
        pass
    except (ServerDiedError, backend.NoServerError, AssertionError) as failure:
        console.print(f"\n✗ {failure}", markup=False, highlight=False)
        status = 1
    console.print("• nothing is left running, nothing is left behind")
    if not (keep or status):
        console.print("• `./dev demo --keep` leaves all of it running, to look around")
    return status


def _unfit() -> str | None:
    """Why the builds could not clone this directory; None if they can."""
    asked = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return asked.stderr.strip() if asked.returncode else None


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=tests.sandbox.demo.__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    asked = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    if unfit := _unfit():
        console.print(f"✗ the demo's builds clone this directory with git, which says: {unfit}", markup=False)
        return 2
    return asyncio.run(_interruptible(console, keep=asked.keep))


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):  # a log is read while the demo runs
        sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
