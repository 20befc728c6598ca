"""Keys, sealing, hashes, tokens."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.crypto import find_number, hide_number, keyed_hash, read_token, seal, sign_token, unseal
from handbill.kit.errors import GiveUp
from handbill.kit.keys import PURPOSES, Key, load_keys, make_keys

OLD, NEW = b"o" * 32, b"n" * 32
FIRST = Key(1, {1: OLD})
ROTATED = Key(2, {1: OLD, 2: NEW})


@given(st.text(), st.text())
def test_what_is_sealed_opens_with_the_same_row(text, row):
    assert unseal(FIRST, seal(FIRST, text, row), row) == text


def test_a_sealed_value_hides_its_text_and_differs_each_time():
    one, two = seal(FIRST, "bob@reader.example", "7"), seal(FIRST, "bob@reader.example", "7")
    assert b"bob" not in one
    assert one != two


def test_another_row_does_not_open_it():
    with pytest.raises(GiveUp, match="doesn't open"):
        unseal(FIRST, seal(FIRST, "bob@reader.example", "7"), "8")


def test_a_changed_byte_does_not_open():
    sealed = bytearray(seal(FIRST, "bob@reader.example", "7"))
    sealed[-1] ^= 1
    with pytest.raises(GiveUp):
        unseal(FIRST, bytes(sealed), "7")


@pytest.mark.parametrize("sealed", [b"", b"\x09", b"\x01", b"\x01short"])
def test_garbage_does_not_open(sealed):
    with pytest.raises(GiveUp):
        unseal(FIRST, sealed, "7")


def test_a_rotated_key_still_opens_what_the_old_one_sealed():
    sealed = seal(FIRST, "bob@reader.example", "7")
    assert unseal(ROTATED, sealed, "7") == "bob@reader.example"
    assert seal(ROTATED, "x", "7")[0] == 2


def test_a_hash_depends_on_the_key():
    assert keyed_hash(FIRST, "a") != keyed_hash(Key(1, {1: NEW}), "a")
    assert len(keyed_hash(FIRST, "a")) == 64


@given(st.text(alphabet="abc123-~", min_size=1))
def test_a_token_gives_back_its_subject(subject):
    assert read_token(FIRST, "reader", sign_token(FIRST, "reader", subject)) == subject


def test_a_token_is_good_for_one_purpose_and_one_key():
    token = sign_token(FIRST, "reader", "bob")
    assert read_token(FIRST, "confirm", token) is None
    assert read_token(Key(1, {1: NEW}), "reader", token) is None
    assert read_token(ROTATED, "reader", token) == "bob"


@given(st.text())
def test_no_other_text_is_a_token(text):
    assert read_token(FIRST, "reader", text) is None


def test_keys_are_made_once_and_private(tmp_path):
    folder = tmp_path / "keys"
    make_keys(folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    make_keys(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert len({*before.values()}) == len(PURPOSES)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert load_keys(folder).token.secret != load_keys(folder).address.secret


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_keys_cut_off_while_being_made_are_made_again(tmp_path, monkeypatch, step):
    def die(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, step, die)
        with pytest.raises(KeyboardInterrupt):
            make_keys(tmp_path)
    make_keys(tmp_path)
    assert load_keys(tmp_path).token.secret
    assert {path.name for path in tmp_path.iterdir()} == {f"{purpose}.key" for purpose in PURPOSES}


@pytest.mark.parametrize("text", ["", "1", "1 short", "x AAAA", "0 " + "A" * 43 + "="])
def test_a_broken_key_file_is_named(tmp_path, text):
    make_keys(tmp_path)
    (tmp_path / "token.key").write_text(text)
    with pytest.raises(GiveUp, match=r"token\.key"):
        load_keys(tmp_path)


@given(st.integers(0, 2**64 - 1))
def test_a_hidden_number_is_found_with_its_key_and_purpose_alone(number):
    hidden = hide_number(FIRST, "one", number)
    assert find_number(ROTATED, "one", hidden) == number
    assert find_number(FIRST, "two", hidden) is None
    assert find_number(Key(1, {1: NEW}), "one", hidden) is None
    assert find_number(FIRST, "one", hidden[:-1]) is None
