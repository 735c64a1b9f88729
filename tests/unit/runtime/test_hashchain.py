from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.runtime.hashchain import GENESIS, Broken, Entry, Head, Unreadable, follow, parse, sealed

BODIES: list[dict[str, Any]] = [{"kind": "applied", "cap_w": float(watts)} for watts in (22000, 4200, 9000, 0)]


def chain(*bodies: dict[str, Any], head: Head | None = None) -> list[bytes]:
    lines, head = [], head or Head()
    for body in bodies:
        head, line = sealed(head, body)
        lines.append(line)
    return lines


def breaks(lines: list[bytes]) -> list[Broken]:
    return [found for found in follow(lines) if isinstance(found, Broken)]


def test_a_line_can_be_checked_without_our_code() -> None:
    first, second = chain(*BODIES[:2])
    digest, document = first.rstrip(b"\n").split(b" ", 1)
    assert hashlib.sha256(document).hexdigest() == digest.decode()
    assert json.loads(document) == {"n": 1, "prev": GENESIS, "kind": "applied", "cap_w": 22000.0}
    assert json.loads(second.split(b" ", 1)[1])["prev"] == digest.decode()


def test_what_was_written_comes_back() -> None:
    found = list(follow(chain(*BODIES)))
    assert [entry.body for entry in found if isinstance(entry, Entry)] == BODIES
    assert [entry.number for entry in found if isinstance(entry, Entry)] == [1, 2, 3, 4]


@given(line=st.integers(0, 3), place=st.integers(0, 10_000), mask=st.integers(1, 255))
def test_any_changed_byte_breaks_the_chain_at_its_entry_or_the_next(line: int, place: int, mask: int) -> None:
    lines = chain(*BODIES)
    content = bytearray(lines[line])
    content[place % (len(content) - 1)] ^= mask
    if b"\n" in content[:-1]:
        return
    found = breaks([*lines[:line], bytes(content), *lines[line + 1 :]])
    assert found[0].number in (line + 1, line + 2) or line == 0 or "entry" in found[0].why


def test_a_changed_number_does_not_hide_which_entry_was_changed() -> None:
    lines = chain(*BODIES)
    lines[3] = lines[3].replace(b'"n":4', b'"n":6')
    assert [broken.number for broken in breaks(lines)] == [4]


def test_a_changed_value_is_named_with_its_entry() -> None:
    lines = chain(*BODIES)
    lines[1] = lines[1].replace(b"4200.0", b"9200.0")
    (broken,) = breaks(lines)
    assert (broken.number, "changed after it was written" in broken.why) == (2, True)


def test_a_value_changed_together_with_its_digest_breaks_the_next_link() -> None:
    lines = chain(*BODIES)
    document = lines[1].split(b" ", 1)[1].rstrip(b"\n").replace(b"4200.0", b"9200.0")
    lines[1] = hashlib.sha256(document).hexdigest().encode() + b" " + document + b"\n"
    (broken,) = breaks(lines)
    assert (broken.number, "replaced" in broken.why) == (3, True)


def test_a_removed_entry_is_missed() -> None:
    lines = chain(*BODIES)
    del lines[2]
    (broken,) = breaks(lines)
    assert (broken.number, "missing" in broken.why) == (4, True)


def test_exchanged_entries_are_noticed() -> None:
    lines = chain(*BODIES)
    lines[1], lines[2] = lines[2], lines[1]
    assert breaks(lines)[0].number == 3


def test_a_chain_whose_beginning_was_given_up_is_whole() -> None:
    assert breaks(chain(*BODIES)[2:]) == []


def test_a_first_entry_that_names_one_before_it_is_broken() -> None:
    (line,) = chain(BODIES[0], head=Head(0, "a" * 64))
    assert breaks([line])[0].number == 1


def test_a_line_that_is_no_entry_is_named_and_what_follows_is_read() -> None:
    lines = chain(*BODIES)
    lines[1] = b"nonsense\n"
    found = list(follow(lines))
    assert isinstance(found[1], Broken)
    assert found[1].number == 2
    assert isinstance(found[-1], Entry)
    assert found[-1].number == 4


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"a" * 64 + b"\n", b"a" * 64 + b" []\n", b"a" * 64 + b' {"n":"1","prev":"x"}\n', b"\xff" * 70]
)
def test_anything_else_is_unreadable(line: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(line)


@given(st.binary(max_size=200))
def test_no_bytes_are_a_mistake_of_ours(line: bytes) -> None:
    list(follow([line]))
