"""The paging of listPendingTasks as measured: rows repeat, repeat for ever, or are skipped inside one millisecond."""

from typing import Any

from tests.contract.taskcluster.drive import QUEUE, Drive

PENDING = f"/task-queues/{QUEUE.replace('/', '%2F')}/pending"


def _page(drive: Drive, limit: int, token: str | None = None) -> tuple[list[str], Any]:
    query = {"limit": str(limit)} | ({} if token is None else {"continuationToken": token})
    body = drive.call("GET", PENDING, **query).body
    return [row["taskId"] for row in body["tasks"]], body.get("continuationToken")


def _created(drive: Drive, count: int, apart: int) -> list[str]:
    """Create tasks that are so many microseconds apart."""
    found = []
    for _ in range(count):
        found.append(drive.create())
        drive.now += apart
    return found


def test_rows_of_other_milliseconds_come_once() -> None:
    drive = Drive()
    ids = _created(drive, 6, apart=1500)
    first, token = _page(drive, 4)
    assert (first, _page(drive, 4, token)) == (ids[:4], (ids[4:], None))


def test_rows_of_the_last_millisecond_of_a_page_repeat_on_the_next() -> None:
    drive = Drive(now=Drive().now + 100)
    ids = _created(drive, 6, apart=200)  # five of them in one millisecond, with a fraction of it
    first, token = _page(drive, 2)
    assert first == ids[:2]
    assert _page(drive, 6, token)[0] == [ids[0], *ids[2:]]


def test_a_full_page_inside_one_millisecond_never_ends() -> None:
    drive = Drive(now=Drive().now + 1)
    _created(drive, 5, apart=1)
    seen, token = _page(drive, 2)
    for _ in range(20):
        found, token = _page(drive, 2, token)
        assert token is not None
        seen += found
    assert len(set(seen)) < 5


def test_rows_stamped_without_a_fraction_of_a_millisecond_are_skipped() -> None:
    drive = Drive()
    ids = _created(drive, 4, apart=0)
    first, token = _page(drive, 2)
    assert first == ids[:2]
    assert _page(drive, 2, token) == ([], None)


def test_a_page_holds_a_thousand_rows_at_most() -> None:
    drive = Drive()
    _created(drive, 1002, apart=1000)
    found, token = _page(drive, 5000)
    assert len(found) == 1000
    assert len(_page(drive, 5000, token)[0]) == 2
