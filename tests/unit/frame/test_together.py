"""Groups of tasks: whoever waited for one that failed can wait for other things as before, on every Python."""

import asyncio

import pytest

from bridge.together import Together


async def _fails() -> None:
    raise ValueError


async def _forever() -> None:
    await asyncio.Event().wait()


async def _failed(*, early: bool) -> None:
    """Live through a group that fails, with the parent in its body or at its end."""
    with pytest.raises(ExceptionGroup):
        async with Together() as group:
            group.create_task(_fails())
            group.create_task(_forever())
            if early:
                await _forever()


def _marks() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


@pytest.mark.parametrize("early", [True, False])
async def test_a_group_that_failed_leaves_no_mark_on_its_parent(*, early: bool) -> None:
    for _ in range(2):
        await _failed(early=early)
        assert _marks() == 0


@pytest.mark.parametrize("early", [True, False])
async def test_after_a_group_that_failed_a_timeout_is_a_timeout(*, early: bool) -> None:
    await _failed(early=early)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await _forever()


@pytest.mark.parametrize("early", [True, False])
async def test_who_cancels_the_parent_cancels_it(*, early: bool) -> None:
    began, children = asyncio.Event(), list[asyncio.Task[None]]()

    async def parent() -> None:
        async with Together() as group:
            children.append(group.create_task(_forever()))
            began.set()
            if early:
                await _forever()

    task = asyncio.create_task(parent())
    await began.wait()
    await asyncio.sleep(0)  # to where it waits
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert task.cancelling() == 1
    assert children[0].cancelled()


async def test_a_group_that_ends_well_changes_nothing() -> None:
    async with Together() as group:
        made = group.create_task(asyncio.sleep(0, "done"))
    assert made.result() == "done"
    assert _marks() == 0
