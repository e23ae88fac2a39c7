"""The build requests of one task as a Buildbot master with the plugin keeps them."""

from dataclasses import dataclass, field, replace

from bridge.core.request import BuildState, RequestState
from bridge.core.verdict import Results
from tests.unit.core.samples import AT, TASK, build


@dataclass
class Buildbot:
    """The automaton: requests by the run that they were created for. Builds take their worker in turn."""

    requests: dict[int, RequestState] = field(default_factory=dict)
    stops: set[int] = field(default_factory=set)
    """Runs whose request's cancel was accepted and has not come to its end."""
    builds: int = 0

    def submit(self, number: int) -> RequestState:
        """The request under this run's key: the same however often it is asked for."""
        if number not in self.requests:
            request = RequestState(100 + number, f"{TASK}/{number}", False, False, None, None, AT, 2, False, ())
            self.requests[number] = request
        return self.requests[number]

    def state(self, request_id: int) -> RequestState | None:
        return self.requests.get(request_id - 100)

    def cancel(self, number: int) -> RequestState | None:
        request = self.requests.get(number)
        if request is not None and not request.complete:
            self.stops.add(number)
        return request

    def open(self) -> list[int]:
        return [number for number, request in self.requests.items() if not request.complete]

    def start(self, number: int) -> None:
        if number in self.open() and not self._running(number) and number not in self.stops:
            self.builds += 1
            started = build(self.builds, worker=f"linux-{self.builds % 3}")
            request = self.requests[number]
            self.requests[number] = replace(request, claimed=True, builds=(*request.builds, started))

    def retry(self, number: int) -> None:
        """The build ends RETRY; the request is queued again."""
        if self._running(number):
            self._end_build(number, Results.RETRY)

    def finish(self, number: int, results: int) -> None:
        """The build ends and completes its request."""
        if self._running(number):
            self._end_build(number, results)
            self._complete(number, results)

    def cancelled(self, number: int) -> None:
        """A person's cancel, or the end of ours."""
        if number in self.open():
            if self._running(number):
                self._end_build(number, Results.CANCELLED)
            self._complete(number, Results.CANCELLED)
            self.stops.discard(number)

    def master_stopped(self) -> None:
        """A graceful stop: running builds end CANCELLED with the mark, waiting requests stay."""
        for number in self.open():
            if self._running(number):
                self.cancelled(number)
                self.requests[number] = replace(self.requests[number], master_shutdown=True)

    def collapsed(self, number: int) -> None:
        if number in self.open() and not self.requests[number].builds:
            self._complete(number, Results.SKIPPED)

    def newest(self, number: int) -> BuildState | None:
        return self.requests[number].newest

    def _running(self, number: int) -> bool:
        if number not in self.open():
            return False
        newest = self.newest(number)
        return newest is not None and newest.results is None

    def _end_build(self, number: int, results: int) -> None:
        request = self.requests[number]
        ended = replace(request.builds[-1], results=int(results), complete_at=AT)
        self.requests[number] = replace(request, claimed=False, builds=(*request.builds[:-1], ended))

    def _complete(self, number: int, results: int) -> None:
        self.requests[number] = replace(self.requests[number], complete=True, results=int(results), complete_at=AT)
