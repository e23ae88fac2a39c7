"""What a wire does to the bytes that pass."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.wires import Harm, Wire

WORDS = b"x" * 1000


@asynccontextmanager
async def _wired() -> AsyncIterator[Wire]:
    """A wire to a server that answers with what it was told."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(65536):
            writer.write(said)
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server, Wire(random.Random(1)) as wire:
        wire.target = server.sockets[0].getsockname()[1]
        yield wire


async def _said(wire: Wire) -> tuple[bytes, bool]:
    """What comes back for some words, and whether the connection was reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    back = b""
    try:
        async with asyncio.timeout(20):
            writer.write(WORDS)
            while len(back) < len(WORDS) and (part := await reader.read(65536)):
                back += part
    except ConnectionError:
        return back, True
    finally:
        writer.close()
    return back, False


async def test_a_whole_wire_passes_everything_on() -> None:
    async with _wired() as wire:
        assert await _said(wire) == (WORDS, False)
        assert wire.met == 0


@pytest.mark.parametrize("harm", ["reset", "truncate", "cut"])
async def test_a_harmed_wire_ends_connections_and_a_healed_one_is_whole(harm: Harm) -> None:
    async with _wired() as wire:
        wire.harm(harm, 1.0)
        back, _ = await _said(wire)
        assert len(back) < len(WORDS)
        assert wire.met > 0
        wire.heal()
        assert await _said(wire) == (WORDS, False)


async def test_a_stalled_wire_holds_everything_back_until_it_is_healed() -> None:
    async with _wired() as wire:
        wire.harm("stall")
        saying = asyncio.create_task(_said(wire))
        done, _ = await asyncio.wait([saying], timeout=0.3)
        assert not done
        wire.heal()
        assert await saying == (WORDS, False)


async def test_what_goes_to_the_server_is_heard_and_what_comes_back_is_not() -> None:
    heard: list[bytes] = []
    async with _wired() as wire:
        wire.heard = heard.append
        assert await _said(wire) == (WORDS, False)
    assert b"".join(heard) == WORDS
