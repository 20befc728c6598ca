"""Hashes of an address under a key that changes: they lead from one key to the next, and a value tells its key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from handbill.kit.crypto import keyed_hash
from handbill.kit.errors import GiveUp
from handbill.kit.keys import LOOK_EVERY, Key, LiveKeys, load_key, make_keys, rewrite
from handbill.kit.lookup import ending, every_hash, every_later, find_hash, lift

ONE, TWO, THREE = b"1" * 32, b"2" * 32, b"3" * 32
BOB = "bob@mail.example"
first = Key(1, {1: ONE})
coming = Key(1, {1: ONE, 2: TWO})
turned = Key(2, {1: ONE, 2: TWO})
done = Key(2, {1: ONE, 2: TWO}, kept=frozenset({1}))
third = Key(3, {1: ONE, 2: TWO, 3: THREE}, kept=frozenset({1}))


def test_the_first_keys_hash_is_as_it_always_was() -> None:
    assert find_hash(first, BOB) == find_hash(coming, BOB) == keyed_hash(first, BOB)


def test_a_row_is_found_under_the_old_and_the_new_key_until_it_is_done() -> None:
    old, new = find_hash(first, BOB), find_hash(turned, BOB)
    assert every_hash(first, BOB) == (old,) and every_hash(coming, BOB) == (old, new)
    assert every_hash(turned, BOB) == (new, old) and every_hash(done, BOB) == (new,)


def test_an_old_hash_becomes_the_new_one_without_its_address() -> None:
    old, new = find_hash(first, BOB), find_hash(turned, BOB)
    assert lift(turned, old) == new == lift(turned, new) and lift(turned, "") == ""
    assert lift(third, old) == lift(third, new) == find_hash(third, BOB)
    assert lift(coming, new) == new  # another process is a second ahead
    assert every_later(third, new) == (new, find_hash(third, BOB))


def test_a_hash_tells_its_key_and_has_the_same_length() -> None:
    hashes = [find_hash(key, BOB) for key in (first, turned, third)]
    assert [len(found) for found in hashes] == [64] * 3 and len(set(hashes)) == 3
    assert hashes[1].endswith(ending(2)) and hashes[2].endswith(ending(3)) and "~" not in hashes[0]


def test_the_new_hash_is_nothing_without_the_new_key() -> None:
    assert find_hash(Key(2, {1: ONE, 2: THREE}), BOB) != find_hash(turned, BOB)


def test_a_file_says_which_key_comes_and_which_is_kept(tmp_path: Path) -> None:
    make_keys(tmp_path)
    path = tmp_path / "lookup.key"
    line = path.read_text().strip()
    rewrite(path, [line, f"2 {line.split()[1]} 2026-11-27 next"])
    key = load_key(path)
    assert (key.current, key.in_use, key.made) == (1, {1, 2}, {2: date(2026, 11, 27)})
    rewrite(path, [f"{line} kept", f"2 {line.split()[1]} 2026-11-27"])
    assert (load_key(path).current, load_key(path).in_use) == (2, {2})
    rewrite(path, [f"{line} kept"])
    with pytest.raises(GiveUp):
        load_key(path)


def test_a_running_process_learns_of_a_new_key_and_outlives_a_broken_file(tmp_path: Path) -> None:
    make_keys(tmp_path)
    seconds = [0.0]
    keys = LiveKeys(tmp_path, lambda: seconds[0])
    path, line = tmp_path / "lookup.key", (tmp_path / "lookup.key").read_text().strip()
    rewrite(path, [line, f"2 {line.split()[1]}"])
    assert keys.lookup.current == 1
    seconds[0] += LOOK_EVERY
    assert keys.lookup.current == 2
    rewrite(path, ["nonsense"])
    seconds[0] += LOOK_EVERY
    assert keys.lookup.current == 2
    path.unlink()
    seconds[0] += LOOK_EVERY
    assert keys.lookup.current == 2
