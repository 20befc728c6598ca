"""The words that count the parts of a series, by language: "Day 12", "Teil 3", "第3回". Plain data."""

# ruff: noqa: SIM905 -- long lists of words are read, and mended, as words.

COUNTERS = (
    # English, German
    r"day week month part pt\.? episode ep\.? chapter instal?lment volume vol\.? issue edition lecture lesson session"
    r" dispatch tag woche kw monat teil folge kapitel ausgabe lektion"
    # French, Spanish, Portuguese, Italian
    r" jour semaine mois partie [ée]pisode chapitre volet d[ií]a semana mes m[eê]s parte episodio epis[oó]dio"
    r" cap[ií]tulo entrega dia giorno settimana puntata capitolo"
    # Dutch, Danish, Norwegian, Swedish, Finnish
    r" deel aflevering hoofdstuk del dag afsnit avsnitt avsnitt vecka uge uke kapittel osa päivä jakso"
    # Polish, Czech, Turkish
    r" dzień tydzień część odcinek rozdział den týden část díl kapitola gün hafta bölüm kısım"
    # Russian, Ukrainian
    r" день неделя часть серия выпуск глава эпизод тиждень частина серія випуск розділ епізод"
    # Arabic, Persian, Hebrew, Hindi
    r" اليوم الأسبوع الجزء الحلقة الفصل يوم أسبوع جزء حلقة روز هفته بخش قسمت חלק יום פרק שבוע भाग"
    r" दिन सप्ताह अध्याय एपिसोड"
).split()

WORDS = "one two three four five six seven eight nine ten eleven twelve".split()
ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split()
ARABIC = "الأول الثاني الثالث الرابع الخامس السادس السابع الثامن التاسع العاشر".split()
ARABIC_FEMININE = "الأولى الثانية الثالثة الرابعة الخامسة السادسة السابعة الثامنة التاسعة العاشرة".split()
HAN_DIGITS = "一二三四五六七八九"

ORDINALS = (  # counters that stand behind an ordinal: "12. Tag", "3e partie", "12-й день"
    "Tag Woche Monat Teil Folge Kapitel Ausgabe dag del dzień tydzień część odcinek den díl část gün hafta Bölüm bölüm"
    " jour semaine partie épisode volet parte día semana capítulo entrega giorno puntata день неделя часть серия выпуск"
    " тиждень частина випуск серія"
).split()
HAN = "回 話 话 集 章 部 期 天 日目 日 弾 編 编 篇 週 周 巻 卷 号 號 回目 話目".split()
HANGUL = "회 화 부 편 장 호 일차 주차".split()

HOLIDAYS = (  # what "Day" ends without counting
    "christmas election independence memorial labor labour boxing mother's mothers father's fathers valentine's"
    " valentines d opening earth veterans columbus thanksgiving tax patriots patrick's bastille canada australia"
    " republic groundhog inauguration match game wedding snow pay year's years per a every one remembrance victory"
    " bloomsday may national"
    " international world draft super signing media transfer fashion holy spirit restaurant design climate"
    " infrastructure"
).split()
