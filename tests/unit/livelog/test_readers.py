"""Places are counted, and given back."""

import pytest

from bridge.core import faults
from bridge.livelog.address import ExpiredAddressError, WrongAddressError
from bridge.livelog.readers import FullError, Places, SilentError
from bridge.livelog.refusals import REASONS, EndingError, refusal


def test_there_are_so_many_places_in_all_and_so_many_for_one_build() -> None:
    told: list[int] = []
    places = Places(3, 2, told.append)
    with places.taken("a"), places.taken("a"):
        with pytest.raises(FullError) as full, places.taken("a"):
            raise AssertionError
        assert full.value.of_build
        with places.taken("b"):
            with pytest.raises(FullError) as full, places.taken("c"):
                raise AssertionError
            assert not full.value.of_build
        with places.taken("c"):
            pass
    with places.taken("a"), places.taken("a"):
        pass
    assert told == [1, 2, 3, 2, 3, 2, 1, 0, 1, 2, 1, 0]


def test_a_place_is_given_back_when_its_reader_fails() -> None:
    places = Places(1, 1, lambda _: None)
    for _ in range(3):
        with pytest.raises(ConnectionResetError), places.taken("a"):
            raise ConnectionResetError


def test_every_trouble_has_a_status_a_sentence_and_a_word_that_is_known() -> None:
    troubles = {
        WrongAddressError("This is wrong."): ("wrong", 403, None),
        ExpiredAddressError("This is old."): ("expired", 410, None),
        FullError("All are taken.", of_build=False): ("full", 503, 15),
        FullError("All are taken.", of_build=True): ("build_full", 503, 15),
        faults.Missing("no build 7"): ("missing", 404, None),
        faults.Unavailable("away"): ("away", 503, 15),
        faults.Unavailable("away", retry_after=99): ("away", 503, 99),
        faults.NotAllowed("no"): ("closed", 502, None),
        SilentError(): ("silent", 408, None),
        EndingError(): ("ending", 503, 15),
    }
    found = {trouble: refusal(trouble) for trouble in troubles}
    assert {trouble: (no.reason, no.status, no.retry_after) for trouble, no in found.items()} == troubles
    assert {no.reason for no in found.values()} == set(REASONS)
    assert all(no.sentence.endswith(".") for no in found.values())
