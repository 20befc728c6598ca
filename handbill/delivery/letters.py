"""Letters of a mailing as they are stored: what they have in common once, and each as a list of pieces (ADR-0086)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from handbill.delivery.engine.stamp import Stamp, Template, compile_letter, compile_piece
from handbill.delivery.models import Body, Mailing, Piece, Pieces
from handbill.delivery.records import LetterBody, Written

CHUNK = 500  # letters at a time, so that memory stays flat
SHORT = 100  # characters; a shorter piece stands in each letter's own list, where a reference would save nothing
LIST_MAIL = ("issue", "alert")  # kinds of mailings that readers asked for as a list
MOST_PIECES = 4096  # kept compiled: some 15 MB


def file_letters(mailing: Mailing, letters: Iterable[LetterBody]) -> None:
    """Store letters of a mailing; all or none. One that is there already, by its key, stays as it was."""
    stream, known = iter(letters), dict[str, int]()
    with transaction.atomic():
        while chunk := list(islice(stream, CHUNK)):
            _file_pieces(mailing, chunk, known)
            Body.objects.bulk_create([_body(mailing, letter, known) for letter in chunk], ignore_conflicts=True)


def _file_pieces(mailing: Mailing, letters: Collection[LetterBody], known: dict[str, int]) -> None:
    """Store the pieces that letters share, and note the id of each in ``known``, by its content."""
    found = dict.fromkeys(piece for one in letters for written in (one.html, one.text) for piece in _shared(written))
    new = {_key(content): content for content in found if content not in known}
    if not new:
        return
    rows = [Piece(mailing=mailing, key=key, content=content) for key, content in new.items()]
    Piece.objects.bulk_create(rows, ignore_conflicts=True)
    keys = Piece.objects.filter(mailing=mailing, key__in=list(new)).values_list("key", "pk")
    known.update((new[key], pk) for key, pk in keys)


def _shared(written: Written) -> Iterable[str]:
    return () if isinstance(written, str) else (piece for piece in written if len(piece) >= SHORT)


def _key(content: str) -> str:
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()


def _body(mailing: Mailing, letter: LetterBody, known: dict[str, int]) -> Body:
    return Body(
        mailing=mailing,
        key=letter.key,
        sender=letter.sender,
        subject=letter.subject,
        html_pieces=_listed(letter.html, known),
        text_pieces=_listed(letter.text, known),
        one_click=letter.one_click,
        language=letter.language,
    )


def _listed(written: Written, known: dict[str, int]) -> Pieces:
    return [written] if isinstance(written, str) else [known.get(piece, piece) for piece in written]


def sample(body: int, kind: str) -> Stamp:
    """A letter of a mailing of that kind, compiled by itself. Raises StampError."""
    compiler = Compiler()
    compiler.read([body])
    return compiler.compile(body, kind)


def host() -> str:
    """Where the newsroom is at home."""
    return urlsplit(settings.HANDBILL.public_address).hostname or "localhost"


class Letter(NamedTuple):
    """A letter as it is stored; a plain row, for an object of the ORM costs more than compiling it."""

    sender: str
    subject: str
    html: Pieces
    text: Pieces
    one_click: str
    language: str


class Compiler:
    """Compiles letters by their ids, each shared piece once."""

    def __init__(self) -> None:
        self._letters: dict[int, Letter] = {}  # read, and not compiled yet
        self._pieces: dict[int | str, Template] = {}  # shared ones by id, short ones by what they say
        self._issue_headers = (("List-Id", f"<digest.{host()}>"),)
        self._other_headers = (("Auto-Submitted", "auto-generated"),)

    def read(self, bodies: Iterable[int]) -> None:
        """Read letters and the pieces they share, by two statements for all of them."""
        missing = set(bodies) - self._letters.keys()
        if not missing:
            return
        rows = Body.objects.filter(pk__in=missing).values_list(
            "pk", "sender", "subject", "html_pieces", "text_pieces", "one_click", "language"
        )
        found = {pk: Letter(*row) for pk, *row in rows}
        self._letters.update(found)
        self._learn({piece for one in found.values() for piece in (*one.text, *one.html) if isinstance(piece, int)})

    def compile(self, body: int, kind: str) -> Stamp:
        """A letter that was read, of a mailing of that kind, with the headers of ours. Raises StampError."""
        one, issue = self._letters.pop(body), kind in LIST_MAIL
        return compile_letter(
            sender=one.sender,
            subject=one.subject,
            html=[self._compiled(piece) for piece in one.html],
            text=[self._compiled(piece) for piece in one.text],
            language=one.language,
            one_click=one.one_click if issue else "",
            headers=self._issue_headers if issue else self._other_headers,
        )

    def _learn(self, named: set[int]) -> None:
        missing = named - self._pieces.keys()
        if not missing:
            return
        if len(self._pieces) + len(missing) > MOST_PIECES:
            self._pieces.clear()
            missing = {
                piece for one in self._letters.values() for piece in (*one.text, *one.html) if isinstance(piece, int)
            }
        rows = Piece.objects.filter(pk__in=missing).values_list("pk", "content")
        self._pieces.update((pk, compile_piece(content)) for pk, content in rows)

    def _compiled(self, piece: int | str) -> Template:
        found = self._pieces.get(piece)
        if found is None:
            assert isinstance(piece, str)
            found = compile_piece(piece)
            if len(piece) < SHORT and len(self._pieces) < MOST_PIECES:
                self._pieces[piece] = found
        return found
