"""Any run that a row can hold."""

from datetime import timedelta

from hypothesis import strategies as st

from bridge.core.run import (
    BuildId,
    Building,
    Claim,
    Facts,
    Queued,
    Refused,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    Stopping,
    Wanted,
)
from bridge.core.verdict import Resolution, Verdict
from tests.unit.core.samples import AT, TASK, WORKER

moments = st.integers(-20_000, 20_000).map(lambda seconds: AT + timedelta(seconds=seconds))
words = st.sampled_from(("lowest", "low", "high"))
claims = st.builds(Claim, moments, moments)
requests = st.builds(Request, st.integers(1, 9).map(RequestId), st.integers(0, 3).map(RunId))
builds = st.integers(1, 9).map(BuildId)
verdicts = st.builds(Verdict, st.sampled_from(Resolution), words, st.none() | st.integers(-1, 9))
worker = st.just(WORKER)
no = st.none()
phases = st.one_of(
    st.builds(Wanted, no | words, st.booleans()),
    st.builds(Queued, requests, no | worker, no | claims, no | builds, no | words),
    st.builds(Building, requests, builds, worker, no | claims),
    st.builds(Reporting, requests, no | builds, worker, verdicts, moments, no | claims),
    st.builds(Refused, worker, words, no | claims),
    st.builds(Stopping, no | requests, words, moments, no | builds, no | worker, st.integers(0, 99), st.booleans()),
    st.builds(Settled, words, no | requests, no | builds),
)
facts = st.builds(Facts, words, words, words, words, moments, moments, moments)
runs = st.builds(
    Run,
    st.just(RunKey(TASK, RunId(0))),
    st.just("linux"),
    phases,
    moments,
    moments,
    no | facts,
    no | words,
    st.integers(0, 9),
)
