"""A piece of a log holds whole lines, each once, and no more than its budget but for a single line."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.master.lines import Lines

line = st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"-"))
TEXT = st.lists(line, min_size=1, max_size=30)


def chunked(lines: list[bytes], cuts: set[int]) -> list[tuple[int, bytes]]:
    edges = sorted({0, len(lines), *(cut % len(lines) for cut in cuts)})
    return [(start, b"\n".join(lines[start:end])) for start, end in pairwise(edges)]


@given(TEXT, st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.integers(1, 60), st.booleans())
def test_pieces_make_up_the_log_however_its_chunks_are_cut_meanwhile(
    lines: list[bytes], first_cuts: set[int], later_cuts: set[int], budget: int, stream: bool
) -> None:
    stored = [b"o" + each for each in lines] if stream else lines
    read, at, cuts = b"", 0, first_cuts
    while at < len(lines):
        piece = Lines(at, stream=stream, budget=budget)
        for first, content in chunked(stored, cuts):
            if first + content.count(b"\n") >= at and not piece.full:
                piece.take(first, content)
        assert piece.next_line > at
        assert piece.text.count(b"\n") == piece.next_line - at
        assert len(piece.text) <= budget or piece.next_line == at + 1
        read, at, cuts = read + piece.text, piece.next_line, later_cuts
    assert read == b"".join(each + b"\n" for each in lines)


def test_lines_that_are_lost_are_passed_over() -> None:
    piece = Lines(3, stream=False)
    piece.take(10, b"ten\neleven")
    assert (piece.text, piece.next_line, piece.full) == (b"ten\neleven\n", 12, False)


def test_without_chunks_there_is_no_text() -> None:
    assert (Lines(7, stream=True).text, Lines(7, stream=True).next_line) == (b"", 7)


def test_only_a_line_feed_ends_a_line() -> None:
    piece = Lines(0, stream=True)
    piece.take(0, "o50 %\r100 %\x0b\x0c\u2028é".encode())
    assert (piece.text.decode(), piece.next_line) == ("50 %\r100 %\x0b\x0c\u2028é\n", 1)
