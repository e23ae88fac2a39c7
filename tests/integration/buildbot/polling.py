"""Waiting for a condition, with a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(read: Callable[[], Awaitable[T]], condition: Callable[[T], bool], within: float = 60) -> T:
    """Read until the condition holds, and give what was read; fail after so many seconds."""
    end = time.monotonic() + within
    while True:
        value = await read()
        if condition(value):
            return value
        assert time.monotonic() < end, f"still {value}"
        await asyncio.sleep(0.05)
