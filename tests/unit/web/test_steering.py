"""What operators are told over the API of acts that another side refuses."""

import pytest

from bridge.core import faults
from bridge.web.bodies import OfTask
from bridge.web.steering import _of


@pytest.mark.parametrize(
    "fault", [faults.Conflicting("its deadline is over"), faults.Missing("no such task"), faults.Unfit("not so")]
)
def test_what_is_refused_for_good_is_not_to_be_tried_again(fault: faults.Fault) -> None:
    no = _of(fault, OfTask)
    assert no is not None
    assert (no.status, no.error, no.message) == (409, "Impossible", f"{fault}.")
    assert "Retry-After" not in no.headers


def test_a_side_that_is_away_is_to_be_tried_again() -> None:
    no = _of(faults.Unavailable("away"), OfTask)
    assert no is not None
    assert (no.status, no.headers) == (503, {"Retry-After": "5"})
