"""The log of a build as text: what is in it, and that those who follow it see what those see who come later."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings

from bridge.core import faults
from bridge.core.record import LogKind, LogPiece
from bridge.engine.transcript import Options, Reading, transcript
from tests.unit.engine.growing import START, GrowingBuild, finished
from tests.unit.engine.happening import Happening, happenings

ALL = Options()


def unchanged(text: str) -> str:
    return text


async def read(builds: Reading, options: Options = ALL, redact: Callable[[str], str] = unchanged) -> str:
    return "".join([text async for text in transcript(builds, 7, redact, options)])


def script(*acts: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    """A pause in which the next thing happens."""
    left = iter(acts)

    async def pause() -> None:
        act = next(left, None)
        assert act is not None, "nothing more will happen: the reader should be done"
        act()

    return pause


async def test_a_finished_build_reads_from_top_to_bottom() -> None:
    assert await read(finished()) == (
        "=== Build 12 of linux64 on w-1, started 2026-03-04 05:06:07 UTC\n"
        "=== Step 0: shell, started 2026-03-04 05:06:08 UTC\n"
        "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\n"
        "=== Step 0 ended SUCCESS: done, after 1 s\n"
        "=== Step 1: test, started 2026-03-04 05:06:10 UTC\n"
        "testing\n"
        "--- Log: report\n"
        "42 tests\n"
        "=== Step 1 ended FAILURE: done, after 1 s\n"
        "    coverage: https://example.org/c\n"
        "=== Build 12 ended FAILURE: all done, after 5 s\n"
    )


async def test_the_pieces_are_whole_lines_no_larger_than_what_is_read_at_once() -> None:
    pieces = [text async for text in transcript(finished(), 7, unchanged)]
    assert all(text.endswith("\n") for text in pieces)
    assert max(text.count("\n") for text in pieces) == 3


async def test_colours_and_carriage_returns_stay() -> None:
    build = GrowingBuild()
    log = build.log(build.step())
    strange = ["\x1b[31mred\x1b[0m", "10%\r20%\r30%", "\x0b\x0c\x1c\x85\u2028\u2029", "", "\tü€𝄞"]
    build.write(log, *strange)
    build.end_step(0)
    build.end()
    assert "".join(f"{line}\n" for line in strange) in await read(build)
    stamped = await read(build, Options(now=lambda: START))
    assert "".join(f"{' ' * 21}{line}\n" for line in strange) in stamped


async def test_a_log_in_html_is_named_and_not_shown() -> None:
    build = GrowingBuild()
    number = build.step()
    page = build.log(number, "coverage", LogKind.HTML)
    build.write(page, "<h1>")
    build.end_step(number)
    build.end()
    text = await read(build)
    assert "--- Log: coverage (HTML: see it in Buildbot)\n" in text
    assert "<h1>" not in text
    assert build.calls == ["record"]


async def test_a_hidden_step_is_part_of_it() -> None:
    build = GrowingBuild()
    log = build.log(build.step())
    build.write(log, "there")
    build.end_step(0, hidden=True)
    build.end()
    text = await read(build)
    assert "there\n=== Step 0 ended SUCCESS: done, after 1 s (hidden in Buildbot)\n" in text


async def test_a_log_that_is_gone_takes_one_line_and_the_rest_goes_on() -> None:
    build = finished()
    build.gone.add(100)
    text = await read(build)
    assert "[this log cannot be read: no log 100]\n=== Step 0 ended" in text
    assert "testing\n" in text


async def test_a_build_that_is_gone_is_missing() -> None:
    with pytest.raises(faults.Missing):
        _ = [text async for text in transcript(finished(), 8, unchanged)]


async def test_a_step_that_is_gone_ends_the_reading() -> None:
    build = GrowingBuild()
    build.step()

    def lost() -> None:
        build.record_now = GrowingBuild().record_now

    with pytest.raises(faults.Missing, match="step 0"):
        await read(build, Options(pause=script(lost)))


async def test_whatever_else_befalls_the_reading_passes_through() -> None:
    class Away(GrowingBuild):
        async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
            raise faults.Unavailable("away")

    build = Away()
    build.write(build.log(build.step()), "x")
    build.end()
    with pytest.raises(faults.Unavailable):
        await read(build)


async def test_names_cannot_make_lines_of_their_own() -> None:
    build = GrowingBuild()
    build.step("a\n=== Build 12 ended SUCCESS\r\u2028")
    build.end_step(0, **{"li\nnk": "https://e.org/\nx"})
    build.end()
    text = await read(build)
    assert "=== Step 0: a === Build 12 ended SUCCESS, started" in text
    assert "    li nk: https://e.org/ x\n" in text


async def test_a_line_of_half_a_megabyte_survives() -> None:
    build = GrowingBuild(most=1)
    log = build.log(build.step())
    long = "x" * (700 << 10)
    build.write(log, "before", long, "after")
    build.end_step(0)
    build.end()
    assert f"before\n{long}\nafter\n" in await read(build)


async def test_a_line_in_two_pieces_is_one_line() -> None:
    class Cut(GrowingBuild):
        """Gives what it has without regard to lines; `next_line` counts pieces."""

        async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
            cut = ["the pass", "word is s", "ecret\nand mo", "re"]
            return LogPiece(cut[first_line], first_line + 1, first_line == 3)

    build = Cut()
    log = build.log(build.step())
    build.write(log, *"1234")
    build.end_step(0)
    build.end()
    seen: list[str] = []

    def redact(text: str) -> str:
        seen.append(text)
        return text.replace("secret", "[secret]")

    assert "\nthe password is [secret]\nand more\n=== Step" in await read(build, redact=redact)
    assert all(text.endswith("\n") for text in seen)


async def test_everything_is_redacted_names_and_links_too() -> None:
    build = GrowingBuild()
    number = build.step("canary-step")
    build.write(build.log(number, "canary-log", LogKind.TEXT), "canary-line")
    build.end_step(number, link="https://example.org/canary-link")
    build.end()
    text = await read(build, redact=lambda text: text.replace("canary", "[secret]"))
    assert "canary" not in text
    assert text.count("[secret]") == 4


async def test_lines_that_buildbot_promised_and_does_not_give_are_not_passed_over() -> None:
    class Short(GrowingBuild):
        async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
            return LogPiece("a\n" if first_line == 0 else "", 1, complete=True)

    build = Short()
    build.write(build.log(build.step()), "a", "b", "c")
    build.end_step(0)
    build.end()
    assert "a\n[Buildbot does not give the last 2 lines of this log]\n=== Step 0 ended" in await read(build)


async def test_lines_that_come_later_than_promised_are_waited_for() -> None:
    build = GrowingBuild()
    log = build.log(build.step())
    build._change_log(log, lines=2)
    pause = script(lambda: build.texts[log].extend(["a\n", "b\n"]), lambda: build.end_step(0), build.end)
    assert "a\nb\n=== Step 0 ended" in await read(build, Options(pause=pause))


async def test_a_log_that_is_thrown_away_while_it_is_read_takes_one_line() -> None:
    build = GrowingBuild()
    build.write(build.log(build.step()), "a")

    def end() -> None:
        build.end_step(0)
        build.end()

    text = await read(build, Options(pause=script(lambda: build._change(0, logs=()), end)))
    assert "a\n[this log cannot be read: Buildbot does not show it any more]\n=== Step 0 ended" in text


async def test_a_step_that_ended_before_it_began_has_no_times() -> None:
    """A master that dies between the two ends such a step when it starts again."""
    build = GrowingBuild()
    build.step(started=False)
    build.end_step(0, 5)
    build.end(5)
    assert "=== Step 0: compile, not started\n=== Step 0 ended RETRY: done\n" in await read(build)


async def test_without_a_pause_what_is_there_is_all() -> None:
    build = GrowingBuild()
    build.write(build.log(build.step()), "so far")
    text = await read(build)
    assert text.endswith(
        "so far\n=== Step 0 has not ended\n=== The build goes on: this is what there was when it was read\n"
    )


async def test_a_build_whose_master_died_ends_for_its_reader() -> None:
    """Steps and logs may stay open for ever when the build is over."""
    build = GrowingBuild()
    build.write(build.log(build.step()), "cut o")
    build.step("next", started=False)
    build.record_now = build.record_now.__class__(
        **{name: getattr(build.record_now, name) for name in build.record_now.__slots__}
        | {"complete_at": START, "results": 5}
    )
    text = await read(build, Options(pause=script()))
    assert text.endswith(
        "cut o\n=== Step 0 has not ended\n=== Step 1: next, not started\n=== Step 1 has not ended\n"
        "=== Build 12 ended RETRY: building, after 0 s\n"
    )


async def test_who_follows_waits_for_each_log_in_turn() -> None:
    build = GrowingBuild()
    number = build.step()
    first, second = build.log(number), build.log(number, "second", LogKind.TEXT)
    build.write(second, "early")
    pause = script(
        lambda: build.write(first, "one"),
        lambda: build.write(first, "two"),
        lambda: build.close(first),
        lambda: build.write(second, "late"),
        lambda: build.end_step(number),
        build.end,
    )
    text = await read(build, Options(pause=pause))
    assert "UTC\none\ntwo\n--- Log: second\nearly\nlate\n=== Step 0 ended" in text
    assert text == await read(build)


async def test_who_follows_sees_lines_at_once() -> None:
    build = GrowingBuild()
    log = build.log(build.step())
    build.write(log, "first")
    pieces = transcript(build, 7, unchanged, Options(pause=script(lambda: build.write(log, "second"))))
    assert [await anext(pieces) for _ in range(4)][2:] == ["first\n", "second\n"]
    await pieces.aclose()


async def test_who_follows_sees_the_end_of_a_step_before_the_next_one_begins() -> None:
    build = GrowingBuild()
    build.step()
    pieces = transcript(build, 7, unchanged, Options(pause=script(lambda: build.end_step(0))))
    assert "=== Step 0 ended" in [await anext(pieces) for _ in range(3)][2]
    await pieces.aclose()


async def test_waiting_costs_one_call_for_each_look() -> None:
    build = GrowingBuild()
    log = build.log(build.step())
    build.write(log, "x")

    def end() -> None:
        build.end_step(0)
        build.end()

    await read(build, Options(pause=script(*[lambda: None] * 50, end)))
    assert build.calls.count("record") == 52
    assert len(build.calls) == 53


async def test_each_line_bears_the_time_at_which_it_was_read_if_asked() -> None:
    build = GrowingBuild()
    log = build.log(build.step())
    build.write(log, "old", "older")

    def more() -> None:
        build.write(log, "new\r1", "new\u20282")

    def end() -> None:
        build.end_step(0)
        build.end()

    late = START + timedelta(hours=1)
    text = await read(build, Options(pause=script(more, end), now=lambda: late))
    assert text.split("\n") == [
        "2026-03-04T05:06:07Z === Build 12 of linux64 on w-1, started 2026-03-04 05:06:07 UTC",
        "2026-03-04T05:06:08Z === Step 0: compile, started 2026-03-04 05:06:08 UTC",
        "                     old",
        "                     older",
        "2026-03-04T06:06:07Z new\r1",
        "2026-03-04T06:06:07Z new\u20282",
        "2026-03-04T05:06:09Z === Step 0 ended SUCCESS: done, after 1 s",
        "2026-03-04T05:06:10Z === Build 12 ended SUCCESS: all done, after 3 s",
        "",
    ]


@settings(deadline=None)  # how long it takes says how much else the machine has to do
@given(happenings())
def test_the_finished_log_is_what_a_follower_saw(build: Happening) -> None:
    async def both() -> tuple[str, str]:
        followed = await read(build, Options(pause=build.pause))
        assert not build.acts
        return followed, await read(build)

    followed, later = asyncio.run(both())
    assert followed == later
    for log, lines in build.texts.items():
        kinds = {each.log_id: each.kind for step in build.record_now.steps for each in step.logs}
        if kinds[log] is not LogKind.HTML:
            assert "".join(lines) in later
