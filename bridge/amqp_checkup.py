"""A look at the broker for people who set it up: what the listener needs there, tried without leaving a trace."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelClosed,
    ChannelNotFoundEntity,
    ConnectionClosed,
    InvalidFrameError,
    ProbableAuthenticationError,
)

TIMEOUT = 10.0  # seconds


class UnreachableError(Exception):
    """There is no broker that answers at the address."""


class NotAcceptedError(Exception):
    """The broker does not accept name and password, or does not open the vhost to them."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found: exchanges that are missing, whether queues of the name's prefix are allowed, and our queue's state.

    `refused` is the broker's reason against a queue bound to the exchanges, or None. `waiting` and `consumers` are None
    while there is no such queue yet.
    """

    missing: tuple[str, ...]
    refused: str | None
    waiting: int | None
    consumers: int | None


async def facts(url: str, exchanges: Sequence[str], queue: str) -> Facts:
    """Connect and look. Raises `UnreachableError`, `NotAcceptedError`."""
    connection = await _connected(url)
    try:
        async with asyncio.timeout(TIMEOUT):
            missing = tuple([name for name in exchanges if not await _exists(connection, name)])
            present = [name for name in exchanges if name not in missing]
            waiting, consumers = await _queue(connection, queue)
            return Facts(missing, await _refused(connection, present, queue), waiting, consumers)
    except (TimeoutError, OSError, AMQPError) as error:
        raise UnreachableError(f"the broker stopped answering: {error!r}") from error
    finally:
        await connection.close()


async def _connected(url: str) -> AbstractConnection:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await aio_pika.connect(url, timeout=TIMEOUT, client_properties={"connection_name": "bbb doctor"})
    except (AuthenticationError, ProbableAuthenticationError):
        raise NotAcceptedError("name and password are not accepted") from None
    except InvalidFrameError:  # a broker closes the connection where aiormq waits for the vhost to be opened
        raise NotAcceptedError("the vhost does not exist, or is not open to this user") from None
    except ConnectionClosed as error:
        raise NotAcceptedError(_words(error)) from None
    except (OSError, TimeoutError, AMQPError) as error:
        raise UnreachableError(_words(error)) from None


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _exists(connection: AbstractConnection, exchange: str) -> bool:
    try:
        async with connection.channel() as channel:  # a refusal closes the channel, so each question has one of its own
            await channel.get_exchange(exchange, ensure=True)
    except ChannelNotFoundEntity:
        return False
    return True


async def _queue(connection: AbstractConnection, queue: str) -> tuple[int | None, int | None]:
    try:
        async with connection.channel() as channel:
            found = (await channel.declare_queue(queue, passive=True)).declaration_result
            return found.message_count, found.consumer_count
    except ChannelClosed:  # no such queue yet, or one that may not be looked at
        return None, None


async def _refused(connection: AbstractConnection, exchanges: Sequence[str], queue: str) -> str | None:
    """Try a queue beside ours, exclusive, so that it is gone with the connection, and bind it as ours would be."""
    try:
        async with connection.channel() as channel:
            trial = await channel.declare_queue(f"{queue}-doctor-{secrets.token_hex(4)}", exclusive=True, auto_delete=True)
            for exchange in exchanges:
                # A pattern that matches no message of anybody.
                await trial.bind(exchange, routing_key="none.of.the.doctor")
            await trial.delete(if_unused=False, if_empty=False)
    except ChannelClosed as error:
        return _words(error)
    return None
