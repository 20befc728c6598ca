"""Know the lines of a text that no outlet wrote to be quoted: offers, links to elsewhere, credits, cookie notes. Pure.

What a line begins with tells most of it. A line is looked up by its first two letters, so that a text's other lines,
which are nearly all, cost next to nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict

from handbill.kit.text import word_count

LONGEST_LINE = 25  # words; a longer paragraph is told, whatever it begins with
READ_CHARACTERS = 400  # of a line

_DAY = r"(?:\d|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]*,? \d)"
# How such lines begin, as regular expressions whose first two letters are plain.
_OFFERS = (
    # English
    "subscribe (?:now|today|to|here|for)",
    "sign up (?:now|today|for|to|here)",
    "(?:sign in|sign-in) to",
    "log in to",
    "already (?:a|have) (?:\\w+ )?(?:subscriber|member|account)",
    "register (?:now|here|for free)",
    "join (?:us\\b|our\\b|the newsletter|the conversation)",
    "get (?:our|the) (?:\\w+ ){0,3}(?:newsletter|app\\b|inbox)",
    "become an? (?:\\w+ )?(?:member|subscriber)",
    "support (?:us\\b|our\\b|independent)",
    "donate (?:now|today|here)",
    "follow us",
    "follow [\\w@' .-]{2,60} on (?:twitter|x|facebook|instagram|telegram|bluesky|mastodon|threads|linkedin)\\b",
    "share (?:this|on|via)",
    "download (?:our|the) (?:\\w+ )?app",
    "enter your e-?mail",
    "thank you for (?:signing|subscribing|reading)",
    "thanks for (?:signing|subscribing|reading)",
    "this (?:post|article) is for (?:paid|paying)",
    "this (?:story|article|report|post) (?:has been|was) (?:updated|corrected|amended|(?:first|originally) published)",
    "this (?:site|website) (?:uses|is protected)",
    "this video (?:can|is)(?:no|n.)t",
    "please enable javascript",
    "your browser (?:does not|doesn)",
    "click here",
    "tap here",
    "read (?:more|also|next|on\\b|the full)",
    "continue reading",
    "keep reading",
    "scroll down to",
    "listen to this",
    "watch (?:the video|this video|live)",
    "watch:",
    "watch \\|",
    "video:",
    "see also\\b",
    "related (?:stories|articles|news|topics|:)",
    "more (?:on this|from|like this|stories)\\b",
    "you may also",
    "you might also",
    "don't miss:",
    "recommended for you",
    "editor[s'’]{1,2} note",
    "the post .{1,200}appeared first on",
    "all rights reserved",
    "copyright (?:©|\\(c\\)|\\d)",
    "skip to (?:main )?content",
    "leave a (?:comment|reply)",
    "comments are closed",
    "filed under",
    "posted (?:in|by|on)\\b",
    rf"published (?:on )?{_DAY}",
    "published:",
    "last (?:updated|modified)",
    "updated:",
    rf"updated (?:on )?{_DAY}",
    "reporting by [A-ZÀ-Þ]",
    "accept (?:all )?cookies",
    "we use cookies",
    "we value your privacy",
    "by (?:signing up|subscribing|clicking)",
    "ap photo",
    "reuters/[A-ZÀ-Þ]",
    # German
    "jetzt (?:abonnieren|anmelden|lesen|registrieren|bestellen|testen)",
    "melden sie sich .{0,60}an\\b",
    "abonnieren sie",
    "hier (?:klicken|anmelden|abonnieren|geht es)",
    "weiterlesen",
    "mehr (?:dazu|zum thema|lesen)",
    "lesen sie (?:auch|mehr|weiter|hier)",
    "lesen sie .{0,40}:",
    "das könnte sie",
    "folgen sie uns",
    "alle rechte vorbehalten",
    "dieser artikel (?:ist|erschien|wurde) (?:zuerst|ursprünglich|erstmals|aktualisiert)",
    "anmerkung der redaktion",
    "wir verwenden cookies",
    "diese (?:seite|website|webseite) (?:verwendet|benutzt|nutzt)",
    "zum (?:inhalt springen|newsletter)",
    "stand: ?\\d",
    "aktualisiert (?:am )?\\d",
    "veröffentlicht (?:am )?\\d",
    # French
    "abonnez-vous",
    "inscrivez-vous",
    "lire (?:aussi|la suite|également|plus)",
    "à lire (?:aussi|également)",
    "suivez-nous",
    "partagez? (?:sur|cet|par)",
    "cliquez ici",
    "tous droits réservés",
    "nous utilisons des cookies",
    "ce site utilise",
    "publié le \\d",
    "mis à jour le \\d",
    "article réservé",
    "recevez (?:notre|la) ",
    # Spanish, Portuguese, Italian
    "suscríb[ae]",
    "suscribe",
    "lee (?:también|más)",
    "leer más",
    "lea también",
    "síguenos",
    "siga leyendo",
    "comparte (?:en|este|esta)",
    "haz clic",
    "todos los derechos",
    "utilizamos cookies",
    "este sitio (?:web )?utiliza",
    "regístrate",
    "únete a (?:nuestr|la comunidad)",
    "assine (?:já|agora|a nossa|nossa|o)",
    "leia (?:também|mais)",
    "siga-nos",
    "todos os direitos",
    "clique aqui",
    "inscreva-se",
    "subscreva",
    "usamos cookies",
    "iscriviti",
    "abbonati",
    "leggi anche",
    "leggi l['’]articolo",
    "seguici",
    "tutti i diritti",
    "clicca qui",
    "questo sito utilizza",
    "utilizziamo i cookie",
    # Dutch, Danish, Norwegian, Swedish
    "lees (?:ook|meer|verder)",
    "abonneer",
    "meld je aan",
    "schrijf je in",
    "volg ons",
    "alle rechten voorbehouden",
    "læs (?:også|mere)",
    "les (?:også|mer\\b|hele saken)",
    "läs (?:också|även|mer|hela)",
    "prenumerera",
    "tilmeld dig",
    "meld deg på",
    "følg oss",
    "følg os",
    "följ oss",
    # Polish, Czech, Turkish
    "czytaj (?:także|też|również|więcej|dalej)",
    "zapisz się",
    "wszelkie prawa",
    "čtěte (?:také|více)",
    "přihlaste se k",
    "abone ol",
    "devamını oku",
    "tüm hakları",
    "bizi takip",
    # Russian, Ukrainian
    "подписывайтесь",
    "подпишитесь",
    "читайте (?:также|нас|ещё|еще|подробнее|далее|також|нас|більше)",
    "читать (?:далее|также|подробнее|полностью)",
    "смотрите также",
    "поделиться",
    "все права защищены",
    "мы используем (?:файлы )?cookie",
    "нажмите (?:здесь|сюда)",
    "следите за (?:нами|нашими)",
    "підпишіться",
    "підписуйтесь",
    "підписуйтеся",
    "дивіться також",
    "поділитися",
    "усі права захищено",
    "всі права захищено",
    # Arabic, Persian, Hebrew
    "(?:اشترك|اشتركوا|سجل الآن|سجّل الآن|انضم إلي|انضم إلى نشرتنا|تابعنا|تابعونا)",
    "الاشتراك في",
    "(?:اقرأ|إقرأ|اقرؤوا) (?:أيضا|أيضاً|أيضًا|المزيد|كذلك)",
    "اقرأ المزيد",
    "(?:للمزيد|المزيد من|جميع الحقوق|انقر هنا|اضغط هنا)",
    "شارك (?:هذا|المقال|على)",
    "نستخدم ملفات تعريف",
    "بیشتر بخوانید",
    "قراءة المزيد",
    "הירשמו",
    "קראו (?:גם|עוד)",
    "לחצו כאן",
    "כל הזכויות שמורות",
    # Hindi
    "यह भी पढ़",
    "ये भी पढ़",
    "और पढ़ें",
    "सब्सक्राइब कर",
    "हमें फॉलो",
    "सर्वाधिकार सुरक्षित",
    # Chinese, Japanese, Korean
    "相关(?:阅读|新闻|报道|链接)",
    "相關(?:閱讀|新聞|報導)",
    "阅读(?:更多|原文|全文)",
    "閱讀更多",
    "点击(?:这里|此处|订阅|查看|阅读)",
    "點擊(?:這裡|此處)",
    "扫码关注",
    "关注我们",
    "订阅",
    "責任編輯",
    "责任编辑",
    "版权所有",
    "續きを読む",
    "続きを読む",
    "あわせて読みたい",
    "関連記事",
    "会員登録",
    "無断転載",
    "購読",
    "구독하기",
    "관련 ?기사",
)
_CREDITS = (
    "photo(?:graph)?s?(?: credit| by)?",
    "image(?:s| credit)?",
    "pictures?",
    "credit",
    "caption",
    "file photo",
    "tags?",
    "categories",
    "topics",
    "fotos?",
    "bild(?:er|quelle)?",
    "quelle",
    "legende",
    "légende",
    "crédit(?:s| photo)?",
    "imagen",
    "imagem",
    "immagine",
    "beeld",
    "zdjęcie",
    "fot",
    "fotoğraf",
    "صورة",
    "الصورة",
    "تصوير",
    "عکس",
    "צילום",
    "फोटो",
    "фото",
    "图片(?:来源)?",
    "图",
    "圖(?:片|說)?",
    "写真",
    "사진",
)
_LONE = (
    "subscribe|sign up|sign in|log in|newsletter|newsletters|advertisement|advertising|sponsored"
    "|recommended|related|loading|share|shares|comments?|copyright|getty images|file photo"
    "|most read|trending|latest news|read more|menu|print"
    "|e-?mail"
    "|\\d+ min(?:ute)?s? read|reading time.{0,20}|anzeige|werbung|abonnieren|teilen|drucken|lesezeit.{0,20}|kommentare"
    "|publicité|partager|publicidad|publicidade|compartir|compartilhar|pubblicità|condividi|advertentie|annonce|reklame"
    "|annons|reklama|udostępnij|reklam|paylaş|реклама|поделиться|комментарии|поділитися|إعلان|إعلانات|شارك|مشاركة"
    "|פרסומת|विज्ञापन|广告|廣告|広告|分享|分享到|광고"
)
_LONELY = re.compile(rf"\W*(?:{_LONE})\W*$", re.IGNORECASE)
_BYLINE = re.compile(
    r"(?:[Bb]y|BY|[Vv]on|VON|[Pp]ar|PAR|[Pp]or|POR|[Dd]i|DI|[Dd]oor|DOOR|[Aa]v|AV|[Aa]f|AF|Автор:|Текст:|بقلم:?|כתב:)\s"
    r"(?:[^\W\d_a-zß-öø-ÿ][\w.'’-]*|and|und|et|y|e|en|og|och|de|van|von|,|\||/|&|\s)+\.?$"
)
_CREDITED = re.compile(
    r"[(\[](?:AP |file |handout )?(?:photos?|image|picture|foto|bild|photo credit|crédit|фото|صورة)\b"
    r"[^)\]]{0,80}[)\]]\W*$|(?:\bgetty images|/\s?(?:AFP|reuters|dpa|shutterstock))\)?\s*$",
    re.IGNORECASE,
)
_OUR_OFFER = re.compile(
    r"\b(?:our|unseren|unserem|notre|nuestro|nuestra|nossa|nostra|onze) (?:\w+ ){0,3}newsletter\b"
    r"|\bnewsletter (?:abonnieren|anmelden|here)|نشرتنا"
    r"|\b(?:use|uses|accept|verwende[nt]|nutzen|akzeptieren|utilis\w+|utiliz\w+|gebruik\w*|используе\w*) "
    r"(?:\w+ ){0,3}cookies?\b",
    re.IGNORECASE,
)


def _table() -> dict[str, re.Pattern[str]]:
    """Which pattern a line must match that begins with these two letters."""
    begins: dict[str, list[str]] = defaultdict(list)
    for pattern in (*_OFFERS, *(rf"{credit}\s?[:：©/]" for credit in _CREDITS), "photos? by\\b"):
        for start in _starts(pattern):
            begins[start].append(pattern)
    return {start: re.compile("|".join(patterns), re.IGNORECASE) for start, patterns in begins.items()}


def _starts(pattern: str) -> set[str]:
    """The first two letters of each way that a pattern may begin."""
    if not pattern.startswith("(?:"):
        return {pattern[:2]}
    return {way[:2] for way in pattern[3 : pattern.index(")")].split("|")}


_BEGINS = _table()
_ONE_LETTER = re.compile(r"©|(?:图|圖)\s?[:：]")
_JUNK = " \t\"'“”‘’«»()[]{}<>|*•·–—-_~+=>►▶→#@📷🔴👉"


def is_boilerplate(line: str) -> bool:
    """Whether a line, or a sentence, is none of the report's own."""
    start = line[:READ_CHARACTERS].lstrip(_JUNK)
    pattern = _BEGINS.get(start[:2].lower())
    if (pattern is not None and pattern.match(start)) or _ONE_LETTER.match(start):
        return word_count(line[:READ_CHARACTERS]) <= LONGEST_LINE
    return len(line) < 300 and (_stands_alone(line, start) or _credits(line) or _offers(line))


def _stands_alone(line: str, start: str) -> bool:
    return len(start) < 120 and bool(_BYLINE.match(start) or (len(start) < 40 and _LONELY.match(line)))


def _credits(line: str) -> bool:
    signed = "(" in line or "[" in line or "/" in line or "etty" in line  # spelt out: half the time of ``any``
    return signed and bool(_CREDITED.search(line, max(0, len(line) - 100)))


def _offers(line: str) -> bool:
    return ("ewsletter" in line or "ookie" in line or "نشرتنا" in line) and bool(_OUR_OFFER.search(line))
