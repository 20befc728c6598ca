"""The letter that every sender of ``bench.send`` sends: about 29 KB, three personal links in its bodies."""

from __future__ import annotations

import random

SLOT = "HANDBILL-READER-TOKEN"
SENDER, SUBJECT = "The Paper <news@paper.example>", "Today: eight reports"
ARTICLES, CHOSEN = 40, 8

_LINK = f"https://paper.example/reader/{SLOT}/"
ONE_CLICK = f"https://paper.example/unsubscribe/{SLOT}/"
HTML_TOP = '<html><body style="font-family:sans-serif"><h1>The Paper</h1>\n'
HTML_END = f'<p><a href="{_LINK}">Your topics</a> <a href="{ONE_CLICK}">Unsubscribe</a></p></body></html>\n'
TEXT_TOP, TEXT_END = "The Paper\n\n", f"Your topics: {_LINK}\n"


def articles() -> list[tuple[str, str]]:
    """HTML and text of each article, about 2.6 and 1 KB."""
    dice = random.Random(8)
    words = ["council", "harbour", "school", "said", "report", "on", "the", "new", "year", "of", "trains", "water"]
    made = []
    for number in range(ARTICLES):
        said = " ".join(dice.choices(words, k=140))
        cells = "".join(
            f'<td style="padding:8px;color:#{n}{n}{n}444;line-height:1.5">{said[:110]}</td>' for n in range(10)
        )
        markup = f'<table role="presentation"><tr>{cells}</tr></table><h2>Report {number}</h2>\n<p>{said}</p>\n'
        made.append((markup, f"Report {number}\n\n{said}\n\nhttps://paper.example/article/{number}/\n\n"))
    return made


def whole() -> tuple[str, str]:
    """HTML and text of the letter of the first eight articles, with their slots."""
    chosen = articles()[:CHOSEN]
    html = HTML_TOP + "".join(markup for markup, _ in chosen) + HTML_END
    return html, TEXT_TOP + "".join(text for _, text in chosen) + TEXT_END


def token(number: int) -> str:
    """A reader's token, as long as a real one."""
    return f"{number:08d}-5d59-4f0e-9f43-0a7b4b8f9d11.Zm9vYmFyLV9iYXpxdXV4"


def reader(number: int) -> str:
    """A reader's address."""
    return f"reader{number}@mail.example"
