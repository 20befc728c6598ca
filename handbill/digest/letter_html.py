"""The HTML part: one column of hand-written hybrid tables, styles inlined, readable with none. Pure.

Every value is escaped unless it is ``Markup`` made here. Classes stay in the letter only for the dark colours, which
mail programs take from a ``<style>``.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import css_inline

from handbill.digest.phrases import apart, length_line, more_line, outlets_line, part_line, preheader, read_on
from handbill.digest.records import LetterArticle, LetterModel
from handbill.digest.wording import Words, date_line, words
from handbill.kit.text import language_direction


class Markup(str):
    """HTML that is safe to put in as it is."""

    __slots__ = ()


STYLE = """
.paper { background: #ffffff; color: #1d1d1b; }
body { margin: 0; padding: 0; width: 100%; }
table { border-collapse: collapse; }
.column { max-width: 600px; margin: 0 auto; }
.inside { padding: 26px 22px 34px; }
.preheader { display: none; max-height: 0; max-width: 0; overflow: hidden; font-size: 1px; line-height: 1px;
  opacity: 0; }
.ltr { text-align: left; }
.rtl { text-align: right; }
.name { margin: 0; font-family: Georgia, 'Times New Roman', serif;
  font-size: 34px; line-height: 1.15; font-weight: bold;
  letter-spacing: -0.3px; }
.name a { color: #1d1d1b; text-decoration: none; }
.date { margin: 10px 0 0; padding: 9px 0; border-top: 3px solid #1d1d1b; border-bottom: 1px solid #d4d1c9;
  font-family: Helvetica, Arial, sans-serif; font-size: 14px; line-height: 1.4; color: #5a5955; }
.story { padding: 24px 0 22px; border-bottom: 1px solid #d4d1c9; }
.kicker { margin: 0 0 6px; font-family: Helvetica, Arial, sans-serif;
  font-size: 13px; line-height: 1.4; font-weight: bold;
  color: #96231c; }
.kicker a { color: #96231c; }
h2 { margin: 0 0 9px; font-family: Georgia, 'Times New Roman', serif;
  font-size: 22px; line-height: 1.27; font-weight: bold; }
.lead h2 { font-size: 30px; line-height: 1.18; margin-bottom: 12px; }
h2 a { color: #1d1d1b; text-decoration: none; }
.excerpt { margin: 0 0 11px; font-family: Georgia, 'Times New Roman', serif; font-size: 17px; line-height: 1.56; }
.credit { margin: 0; font-family: Helvetica, Arial, sans-serif;
  font-size: 14px; line-height: 1.55; color: #5a5955; }
.credit a { color: #1d1d1b; text-decoration: underline; }
.more { margin: 0; padding: 22px 0 0; font-family: Georgia, 'Times New Roman', serif;
  font-size: 17px; line-height: 1.5; }
.more a { color: #1d1d1b; }
.foot { padding: 30px 0 0; font-family: Helvetica, Arial, sans-serif;
  font-size: 14px; line-height: 1.6; color: #5a5955; }
.foot p { margin: 0 0 12px; }
.foot a { color: #1d1d1b; text-decoration: underline; }
.gap { padding: 0 9px; }
"""

DARK = """
@media (prefers-color-scheme: dark) {
.paper { background: #15171a !important; color: #e9e6df !important; }
.name a, h2 a, .credit a, .more a, .foot a { color: #e9e6df !important; }
.date { border-top-color: #e9e6df !important; }
.date, .credit, .foot { color: #adb0b5 !important; }
.date, .story { border-bottom-color: #3a3d42 !important; }
.kicker, .kicker a { color: #f2a097 !important; }
}
@media (max-width: 480px) {
.name { font-size: 29px !important; }
.lead h2 { font-size: 26px !important; }
.inside { padding: 20px 18px 30px !important; }
}
"""

_CUT = "<!--cut-->"  # between pieces; nobody can type it, for all that is said is escaped
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)

_PAGE = """<!DOCTYPE html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<title>{subject}</title>
<style>{style}</style>
</head>
<body class="paper" dir="{direction}">
<div class="paper" role="article" aria-roledescription="email" aria-label="{subject}" lang="{language}"
 dir="{direction}">
<div class="preheader"><!--cut-->{preheader}<!--cut--></div>
<!--[if mso]><table role="presentation" width="600" align="center"><tr><td><![endif]-->
<div class="column">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" dir="{direction}">
<tr><td class="inside {direction}">
<h1 class="name"><a href="{address}/">{paper}</a></h1>
<p class="date">{date}<span class="gap">·</span><!--cut-->{length}<!--cut--></p>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
{stories}<!--cut--></table>
<!--cut-->{more}<!--cut-->{foot}</td></tr>
</table>
</div>
<!--[if mso]></td></tr></table><![endif]-->
</div>
</body>
</html>
"""

_STORY = """<!--cut--><tr><td class="story {rank} {direction}">
{kicker}<h2{in_its_language}><a href="{address}">{headline}</a></h2>
{excerpt}{credit}</td></tr>
"""

_FOOT = """<div class="foot">
<p>{why}</p>
<p><a href="{preferences}">{choose}</a><span class="gap">·</span><a href="{unsubscribe}">{leave}</a></p>
<p>{sender}</p>
</div>
"""


def html_part(model: LetterModel, subject: str) -> tuple[str, ...]:
    """The whole HTML document in pieces (``ComposedLetter``), styles inlined.

    ``model`` holds plain text; its links may hold delivery's slot. ``_CUT`` stands where one piece ends and another
    begins: around each article, and around what is the letter's own. An article's piece must be alike in all letters
    that show it at the same rank, or it is stored and encoded anew for each of them.
    """
    said = words(model.language)
    page = _fill(
        _PAGE,
        language=model.language,
        direction=language_direction(model.language),
        subject=subject,
        style=Markup(STYLE),
        preheader=preheader(model),
        address=model.address,
        paper=model.paper,
        date=date_line(said, model.day),
        length=length_line(model, said),
        stories=_join(_story(one, model, said, lead=number == 0) for number, one in enumerate(model.articles)),
        more=_more(model, said),
        foot=_foot(model, said),
    )
    whole = _INLINER.inline(page).replace("</head>", f"<style>{DARK}</style>\n</head>", 1)
    return tuple(whole.split(_CUT))


def _story(one: LetterArticle, model: LetterModel, said: Words, lead: bool) -> Markup:
    language = one.language or model.language
    other = language != model.language
    mark = _fill(' lang="{0}" dir="{1}"', language, language_direction(language)) if other else Markup()
    return _fill(
        _STORY,
        rank="lead" if lead else "next",
        direction=language_direction(language),
        kicker=_kicker(one, said),
        in_its_language=mark,
        address=one.address,
        headline=one.headline,
        excerpt=_fill('<p class="excerpt"{0}>{1}</p>\n', mark, one.excerpt) if one.excerpt else Markup(),
        credit=_credit(one, said),
    )


def _kicker(one: LetterArticle, said: Words) -> Markup:
    parts = [_fill("{0}", apart(name, said)) for name in one.topics]
    if one.series:
        parts.append(_fill("{0}", part_line(one.series, said)))
        if one.series.previous:
            parts.append(_fill('<a href="{0}">{1}</a>', one.series.previous, said.previous))
    return _fill('<p class="kicker">{0}</p>\n', _join(parts, _GAP)) if parts else Markup()


def _credit(one: LetterArticle, said: Words) -> Markup:
    outlets = outlets_line(one, said)
    parts = [_fill("{0}", outlets)] if outlets else []
    if one.source_address:
        parts.append(_fill('<a href="{0}">{1}</a>', one.source_address, read_on(one, said)))
    else:
        parts.append(_fill('<a href="{0}">{1}</a>', one.address, said.read_on))
    return _fill('<p class="credit">{0}</p>\n', _join(parts, _GAP))


def _more(model: LetterModel, said: Words) -> Markup:
    line = more_line(model, said)
    if not line:
        return Markup()
    return _fill('<p class="more">{0}: <a href="{1}/">{2}</a></p>\n', line, model.address, said.all_on_site)


def _foot(model: LetterModel, said: Words) -> Markup:
    lines = [model.paper, *(line.strip() for line in model.postal_address.splitlines() if line.strip())]
    return _fill(
        _FOOT,
        why=said.why.replace("{paper}", model.paper),
        preferences=model.preferences,
        choose=said.choose,
        unsubscribe=model.unsubscribe,
        leave=said.leave,
        sender=_join((_fill("{0}", line) for line in lines), Markup("<br>")),
    )


_GAP = Markup('<span class="gap">·</span>')


def _fill(template: str, *values: str, **named: str) -> Markup:
    return Markup(template.format(*map(_safe, values), **{name: _safe(value) for name, value in named.items()}))


def _safe(value: str) -> str:
    return value if isinstance(value, Markup) else escape(value)


def _join(parts: Iterable[Markup], between: str = "") -> Markup:
    return Markup(between.join(parts))
