"""Where sentences end, in any script. Pure.

A full stop may close a sentence, an abbreviation, an initial or an ordinal, or several of them at once. So an end is
*sure*, *likely* or none: to compare two texts the likely ones will do, to quote one only the sure ones.
Every function takes any text at all, answers in time that grows with its length, and never raises.
"""

# ruff: noqa: SIM905 -- long lists of words are read, and mended, as words.

from __future__ import annotations

import re
from collections.abc import Iterator

NONE, LIKELY, SURE = 0, 1, 2
_REACH = 2_000  # characters that are looked back over for a quotation still open
_CLOSES_WITHIN = 600  # characters: one that is left open longer was never meant as one

_CLOSERS = "\"'”’»«›‹)\\]}」』）】》〉"
_OPENERS = "\"'“‘„«»‹›([{¿¡—–-"
_CJK_STOPS = "。！？｡．"
_STOPS = re.compile(rf"[.!?…‽؟۔।॥։።፧။។;{_CJK_STOPS}]+[{_CLOSERS}]*(?: ?»(?= |$))?(?:\[\d+\])*")
_GLUED = re.compile(r"[a-zß-ÿ]{3}[.!?][\"”’]?[A-ZÀ-Þ][a-zß-ÿ]")  # the space was lost
_GREEK = re.compile(r"[α-ωά-ώ]")  # there a semicolon asks
_PARAGRAPH = re.compile(r"\n\s*\n")
_PLACE = re.compile(r"(?:\S+ ){0,3}?(?:\([^()]{1,30}\)|[A-ZÀ-ÞА-ЯЁ]{4,})\.$")  # a dateline: "KIRNSTADT (dpa)."
_NEXT_WORD = re.compile(rf"\s*[{_OPENERS}]*([^\s.,;:!?]*)")
_GUILLEMET = re.compile(r"«|(?<!\S)»(?=\w)")  # the first that opens: Germans open with the other
_SAME_MARK = re.compile(r"^[^“„”]*(?<!\S)”(?=\w)")  # Swedes and Finns open with what closes
_DOTTED = re.compile(r"(?:[^\W\d]{1,3}\.)+[^\W\d]{1,3}$")
_SHORT_NUMBER = re.compile(r"(?:\d{1,2}\.)?\d{1,3}$|[IVXLC]+$")
_NUMBER = re.compile(r"\d{1,2}$")
_INITIAL = re.compile(rf" [{_OPENERS}]*[^\W\d_]\.")
_PARTS = re.compile(r"[.’'/]")
_ATTRIBUTED = re.compile(
    r"\s*(?:[—–-]|(?:\S+\s+){0,4}?(?:said|says|asked|asks|told|added|wrote|cried|replied|shouted|wondered|recalled)\b)"
)
_SPOKEN_ON = re.compile(r"[とはがをにもでのなへやかって、，,]|.{0,8}?[说道问称答喊说表示認認為話]")

# Titles and words that always lean on the next one, as they stand before a full stop.
_NEVER_LAST = frozenset(
    "Dr Mr Mrs Ms Mx Prof St Ste Gen Col Sgt Lt Capt Cpl Maj Cmdr Cdr Adm Brig Sen Rep Gov Rev Hon Pres Supt Insp Det"
    " Amb Atty Msgr Messrs Fr Sr Sra Srta Srs Dra Drs Mme Mmes Mlle Mgr Hr Frau Hrn Dipl Ing Mag Abs Abt Art Nr Bd Hl"
    " Hrsg Ltg Str Mt Ft vs cf viz ca bzw resp evtl ggf inkl exkl sog vgl max min approx est al fig Fig eq vol Vol"
    " pp ed eds Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Dez Okt Mio Mrd Tsd Dña Lic"
    " Arq Gral Cnel Tte Uds Ud Av Avda"
    " núm pág janv févr avr juil déc Dott Avv Sig On dhr mevr drs bijv np tzw prof ul św tzv např Doç Sn"
    " ул им ім вул тыс тис млн млрд руб стр рис см проф акад пр просп обл доц канд ред гл κ κκ δηλ".split()
)
_SOMETIMES_LAST = frozenset("Inc Ltd Co Corp Jr Sr Bros etc usw al GmbH Std Min Sek EE UU".split())
_BEFORE_NUMBER = frozenset("No no Nos nos Nr nr n № art Art sec Sec p S Ch ch č".split())
_STARTERS = frozenset(
    "The A An In It He She They We I You This That These Those There But And Or So If When While After Before At On"
    " For From With As By To His Her Its Their Our My Not No Then Now What Who Why How Where Here One Some Many Most"
    " Der Die Das Ein Eine Er Sie Es Wir Ihr Ich In Im Am Auf Mit Nach Vor Bei Aus Aber Und Oder Doch Dann Wenn Als"
    " Le La Les Un Une Il Elle Ils Elles Dans Mais El Los Las Una En Pero Y"
    " Он Она Они Оно Это В На Но И А По Он Мы Вы Я Він Вона Вони Це У Та Але".split()
)
_MONTHS = frozenset(
    "Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember Jahrhundert januar"
    " februar mars april mai juni juli august september oktober november desember december maj".split()
)
_BEFORE_ORDINAL = frozenset(
    "am vom zum der die das dem den des im ins seit bis ab beim jeder jede jedes jeden ein einen eine und zur".split()
)
# What may be an abbreviation at the end of a sentence or in the middle of it: not to be quoted up to.
_MAYBE = frozenset(map(str.casefold, _NEVER_LAST | _BEFORE_NUMBER | _SOMETIMES_LAST)) | frozenset(
    "assn assoc ave blvd rd dept univ messrs pvt pfc spc const esq approx incl excl ext no nos art sec ch p pp para vol"
    " ed eds fig figs cap col gen sgt mon tue tues wed thu thur thurs fri sat sun jan feb mar apr jun jul aug sep sept"
    " oct nov dec hrs hr min mins sec ft in lb lbs oz mph inc ltd co corp plc jr sr bros etc al intl natl govt"
    " allg bes bez bhf hbf fa fam geb gem gest jh jhd jhdt kap kath ev lat di mi do fr so sa orig röm städt tel usf usw"
    " verh vorm wg zw zzgl abzgl ggü insb jährl mill mind östl südl nördl westl rd tab verf std sek min okt dez"
    " mrz mwst stk stv teilw tägl urspr zt ua zb uvm me pr cie av bd boul chap env éd ex hab"
    " réf tél apr hôp gal janv févr avr"
    " juil déc d lic ing arq prof profa pdte pdta vd vds ctra pza núms págs aprox ej máx mín ene abr ago dic mons hnos"
    " cía excmo ilmo rvdo sto sta sgto ff aa rr cc jj oo ss mm exmo eng séc obs ltda cia sigg geom ecc pag pagg nr cit"
    " cfr es ten on bijv blz enz evt excl incl jl ong pag resp zgn str gld tzn tj tys mln mld zł godz im pkt ok ub ww"
    " atd apod mil kč sv roč vb örn yy cad sok mah bkz alm kl st kr pct mia mio dvs osv ekskl esim ym klo mrd milj n kb"
    " stb dl dna dv jl dll dsb rp"
    " attys reps sens comdr surg hosp hwy expy dist sect ibid op cit capts sgts lts mgrs"
    " almte cmdte comdte cdte comte pte gob mtro mtra lcdo lcda excma ilma rvda pbro hno hna vda cnel gral sgto dpto"
    " depto apdo cdad izqdo izqda dcha dcho admón ayto febr párr tfno des gov exa card mons cav comm"
    " suiv contr dergl sogen pfr pfrn judr mudr phdr mgr bc bp abp ks dn"
    " calif ariz ark colo conn del fla ga ill ind kan ky mass md mich minn miss mo mont neb nev okla ore pa tenn tex va"
    " vt wash wis wyo ont que alta sask"
    " styc stycz lut marz kwiec czerw lip sierp wrz paź paźdz grud led ún břez květ čvn čvc srp zář říj pros genn febbr"
    " magg giu lug sett ott out mrt oca şub nis haz ağu eyl eki kas phil med jur rer nat theol habil hon kand reg inv"
    " янв февр июн июл сент нояб січ лют берез квіт черв лип серп верес жовт листоп груд год"
    " пос дер сел гор мкр мкрн наб бул ш ал зав зам исп гос мин макс мест ориг псевд ок пом рук сокр соч филос юр"
    " г гг в вв н э пер пл д кв корп коп трлн чел шт изд табл ср напр др т р рр пров смт грн ст св о пп п ч мин сек час"
    " долл барр изд инст моск иностр заруб дисс стат св отв рук сост худ реж"
    " экз кг км м мм англ нем лат тел зам нач ген янв фев апр авг сент окт нояб дек пн вт чт пт сб вс етц тощо"
    " κα αρ σελ τηλ εκ δισ χλμ αγ κλπ κτλ"
    " أ د م ه هـ ص ج ط ت ق س ف ب ا تر ע ד".split()
)
_SHORT = frozenset(  # words that are whole, of the languages where many sentences end in one
    "it him her us me you them ago day year way war man men law job run out off now one two all too own end car tax oil"
    " gas new old bad big up do go be is was are not yet so he she we who how why say said see use get got him his its"
    " ab an auf aus ein er es hat ist ihn ihm ihr los mit nie nun tun tut um uns war wie wir wo zu zum da du gut"
    " pas lui eux moi toi là ici mal fin vie roi mer non oui sol luz mar paz ley voz vez sí ya más día mes año rey él"
    " он она его её им их ей ей мы вы нас вас нет да год дом все всё ним она мир час лет дня раз так там тут був"
    " дім".split()
)
_CLIPPED = re.compile(r"[а-яёіїєґ]{0,4}[бвгджзйклмнпрстфхцчшщґ]{2}$|.*[ªº]$")  # "долл.", "Profª."
_CASELESS = re.compile(r"[\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff]")


def sentences(text: str) -> list[str]:
    """The sentences of ``text`` in order, each on one line with its closing quotes; an empty line ends one too.

    Knows the full stops of Latin, Greek, Arabic, Urdu, Indic, CJK, Armenian, Ethiopic, Burmese and Khmer, and doesn't
    stop at abbreviations, initials, decimals, ordinals or an ellipsis in mid-sentence. The last may lack its full stop.
    """
    return [s for paragraph in _PARAGRAPH.split(text) for s in split(" ".join(paragraph.split()), LIKELY)]


def split(paragraph: str, least: int = SURE) -> Iterator[str]:
    """The sentences of one paragraph, whose white space is folded, that end at least so surely; read as they are asked.

    Where an end is in doubt, two sentences stay one. The last may lack its full stop.
    """
    start = 0
    for match in _STOPS.finditer(paragraph):
        if match.end() < len(paragraph) and _how_sure(paragraph, start, match) < least:
            continue
        yield paragraph[start : match.end()].strip()
        start = match.end()
    if rest := paragraph[start:].strip():
        yield rest


def _how_sure(paragraph: str, start: int, match: re.Match[str]) -> int:
    """Whether the stop found, which is not the paragraph's last, ends a sentence: NONE, LIKELY or SURE."""
    stop = match.group()
    window = paragraph[match.end() : match.end() + 60]
    if stop[0] in _CJK_STOPS:
        sure = _after_cjk(stop, window)
    elif window[0] != " ":
        return LIKELY if _GLUED.match(paragraph, max(start, match.start() - 3)) else NONE
    elif stop[0] == ";" and not _GREEK.match(paragraph, match.start() - 1):
        return NONE
    else:
        following = _NEXT_WORD.match(window)
        next_word = following.group(1) if following else ""
        if next_word[:1].islower() or paragraph[match.start() - 1 : match.start()] in ("(", "["):
            return NONE
        sure = (
            _after_stop(paragraph, start, match, next_word)
            if stop[0] == "."
            else _after_mark(paragraph, match, next_word)
        )
    return LIKELY if sure == SURE and _inside(paragraph, start, match.end()) else sure


def _after_cjk(stop: str, window: str) -> int:
    if stop[-1] in _CJK_STOPS:
        return NONE if stop[0] in "！？" and window[0] in "とって、，" else SURE
    return NONE if _SPOKEN_ON.match(window) else LIKELY


def _after_mark(paragraph: str, match: re.Match[str], next_word: str) -> int:
    """A question or a shout may be quoted, or part of a name ("Yahoo! Mail"), and an ellipsis only a pause."""
    stop = match.group()
    if stop[0] == "…" or _INITIAL.match(paragraph, match.end()):
        return LIKELY
    if stop == "!" and next_word[:1].isupper() and next_word not in _STARTERS:
        last = paragraph[max(0, match.start() - 40) : match.start()].rpartition(" ")[2]
        return LIKELY if last[:1].isupper() and len(last) > 1 else SURE
    if stop[-1] not in "!?؟۔।॥;" and _CASELESS.match(next_word):
        return LIKELY
    return LIKELY if stop[-1] not in "!?؟۔।॥;" and _ATTRIBUTED.match(paragraph, match.end(), match.end() + 60) else SURE


def _after_stop(paragraph: str, start: int, match: re.Match[str], next_word: str) -> int:
    if match.group().startswith(".."):
        return LIKELY
    earlier, _, word = paragraph[max(start, match.start() - 40) : match.start()].rpartition(" ")
    word = word.rpartition("—")[2].rpartition("–")[2].rpartition("-")[2].lstrip(_OPENERS)
    if _leans(word, earlier, next_word, at_start=match.start() - start < 4):
        return NONE
    if start == 0 and match.start() < 40 and _PLACE.match(paragraph, 0, match.end()):
        return LIKELY
    if len(match.group()) > 1 and match.group()[1] in '"”’»':
        return LIKELY if _ATTRIBUTED.match(paragraph, match.end(), match.end() + 60) else SURE
    doubt = (
        (earlier[-1:] == "." and word.islower())
        or next_word[:1].isdigit()
        or paragraph[match.end() + 1] in "(["
        or word.endswith("str")
        or _INITIAL.match(paragraph, match.end())  # a rank or title nobody listed: "the arch. M. L. Sala"
        or (word[:1].isupper() and next_word in _NEVER_LAST)  # "Excma. Sra."
    )
    return LIKELY if doubt or _doubtful(word, next_word) else SURE


def _leans(word: str, earlier: str, next_word: str, at_start: bool) -> bool:
    """Whether the word before the stop needs the one behind it."""
    if _NUMBER.match(word):
        return at_start or next_word in _MONTHS or earlier.rpartition(" ")[2].casefold() in _BEFORE_ORDINAL
    if word in _NEVER_LAST:
        return True
    if word in _BEFORE_NUMBER and next_word[:1].isdigit():
        return True
    if (len(word) == 1 and word.isalpha()) or _DOTTED.match(word) or word in _SOMETIMES_LAST:
        return next_word not in _STARTERS
    return False


def _doubtful(word: str, next_word: str) -> bool:
    """Whether the stop may belong to the word: an abbreviation, an initial or an ordinal of whatever language."""
    tail = _PARTS.split(word)[-1] if len(word) < 40 else ""
    if len(tail) < 2 or tail.casefold() in _MAYBE or _DOTTED.match(word) or _SHORT_NUMBER.match(word):
        return not (tail.isdigit() and "." in word and len(word) > 5)
    return not tail.isdigit() and _looks_cut(tail, next_word)


def _looks_cut(word: str, next_word: str) -> bool:
    """Whether a word of unknown meaning has the looks of an abbreviation before what follows."""
    if _CASELESS.match(word):
        return len(word) < 4 or "\u0900" <= word[0] < "\u0e00"  # where a danda ends sentences
    if len(word) < 5 and word[0].isupper() and next_word not in _STARTERS:
        return True
    if len(word) < 4 and word.islower() and word not in _SHORT and next_word not in _STARTERS:
        return True
    if _CLIPPED.match(word) and word not in _SHORT and next_word not in _STARTERS:
        return True
    return not word.isupper() and _VOWELS.isdisjoint(word[-4:].casefold())


_VOWELS = frozenset("aeiouyäöüáéíóúàèìòùâêîôûãõåæøœıаеёиоуыэюяєіїαεηιουωάέήίόύώ")


def _inside(paragraph: str, start: int, end: int) -> bool:
    """Whether a quotation or bracket that was opened is closed only later."""
    piece = paragraph[max(start, end - _REACH) : end]
    ahead = paragraph[end : end + _CLOSES_WITHIN]
    if piece.count('"') % 2 and '"' in ahead:
        return True
    if "”" in ahead and piece.count("”") % 2 and _SAME_MARK.search(piece):
        return True
    if piece.rfind("‘") > 0 and "’" in ahead and not re.search(r"’(?!\w)", piece[piece.rfind("‘") :]):
        return True
    return any(
        opened in piece and piece.count(opened) > sum(map(piece.count, closers)) and any(c in ahead for c in closers)
        for opened, closers in _pairs(piece)
    )


def _pairs(piece: str) -> tuple[tuple[str, str], ...]:
    """What is opened and closed by which mark; Germans close with the English opening one."""
    quotes = ("„", "“”") if "„" in piece else ("“", "”")
    first = _GUILLEMET.search(piece) if "»" in piece else None
    guillemets = ("»", "«") if first and first.group() == "»" else ("«", "»")
    return (quotes, guillemets, ("(", ")"), ("[", "]"), ("「", "」"), ("『", "』"), ("（", "）"), ("《", "》"))
