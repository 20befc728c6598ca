"""What months, weekdays, zones and halves of the day are called, as outlets write them: plain tables. Pure.

Words are kept without accents and in lower case, as the reader compares them. A name that means different months in
different languages (listopad) has the meaning of the language more people write.
"""

from __future__ import annotations

import unicodedata

_MONTH_WORDS = (
    # en, de, fr, es, it, pt, ca, nl, sv, da, nb, fi, et, lv, lt, pl, cs, sk, sl, hr, bs, ro, hu, tr, az, id, ms, sw
    """jan january januar jänner janner janv janvier ene enero gen gennaio janeiro gener januari tammikuu tammikuuta
    jaanuar janvaris janvari sausis sausio sty styczen stycznia led leden ledna januara januari sijecanj sijecnja
    ian ianuarie januar januari oca ocak yanvar""",
    """feb february februar feber fev fevr fevrier febrero febbraio fevereiro febrer februari helmikuu helmikuuta
    veebruar februaris februari vasaris vasario lut luty lutego uno unor unora februara veljaca veljace februarie
    februari sub subat fevral""",
    """mar march marz maerz mrz mars marzo marco marc maart maaliskuu maaliskuuta marts kovas kovo marzec marca bre
    brezen brezna ozujak ozujka martie marcius marciusi mart""",
    """apr april avr avril abr abril aprile avril huhtikuu huhtikuuta aprill aprilis aprili balandis balandzio kwi
    kwiecien kwietnia dub duben dubna aprila travanj travnja aprilie aprilisi nis nisan aprel""",
    """may mai mayo mag maggio maio maig mei maj toukokuu toukokuuta maijs maija geguze geguzes maja kve kveten kvetna
    svibanj svibnja majus majusi mayis""",
    """jun june juni juin junio giu giugno junho juny kesakuu kesakuuta juuni junijs junija birzelis birzelio cze
    czerwiec czerwca cer cerven cervna juna junija lipanj lipnja iun iunie junius juniusi haz haziran iyun""",
    """jul july juli juil juillet julio lug luglio julho juliol heinakuu heinakuuta juuli julijs julija liepa liepos
    lip lipiec lipca cervenec cervence jula srpanj srpnja iul iulie julius juliusi tem temmuz iyul""",
    """aug august aout ago agosto agost augustus elokuu elokuuta augusts augusta rugpjutis rugpjucio sie sierpien
    sierpnia srp srpen srpna avgust avgusta kolovoz kolovoza augusztus augusztusi agu agustus ogos agustos avqust""",
    """sep sept september septembre septiembre set settembre setembro setembre syyskuu syyskuuta septembris septembri
    rugsejis rugsejo wrz wrzesien wrzesnia zar zari septembra rujan rujna septembrie szept szeptember szeptemberi eyl
    eylul sentyabr""",
    """oct october okt oktober octobre octubre ott ottobre out outubro lokakuu lokakuuta oktoober oktobris oktobri
    spalis spalio paz pazdziernik pazdziernika rij rijen rijna oktobra octombrie oktoberi eki ekim oktyabr""",
    """nov november novembre noviembre novembro marraskuu marraskuuta novembris novembri lapkritis lapkricio lis
    listopad listopada listopadu novembra studeni studenog studenoga noiembrie nov novemberi kas kasim noyabr
    nopember""",
    """dec december dez dezember decembre dic diciembre dicembre dezembro desembre desember joulukuu joulukuuta
    detsember decembris decembri gruodis gruodzio gru grudzien grudnia pro prosinec prosince decembra prosinac prosinca
    decembrie decemberi ara aralik dekabr des""",
)
_MORE_MONTH_WORDS = (
    # ru, uk, be, bg, sr, mk; el; ar (three ways), fa, ur; he; hi; th; ka; hy
    """янв январь января январа јануар јануара јануари січ січень січня студзень студзеня януари ян ιαν ιανουαριος
    ιανουαριου ιανουάριος يناير جانفي ژانویه جنوری ינואר בינואר जनवरी มกราคม ม.ค იანვარი հունվար|كانون الثاني""",
    """фев февр февраль февраля фебруар фебруара фебруари лют лютий лютого лютаго люты февруари φεβ φεβρουαριος
    φεβρουαριου فبراير فيفري شباط فوریه فروری פברואר בפברואר फरवरी फ़रवरी กุมภาพันธ์ თებერვალი փետրվար""",
    """мар март марта берез бер березень березня сакавік сакавіка μαρ μαρτιος μαρτιου μαω μαρτ مارس آذار اذار مارچ
    מרץ מרס במרץ मार्च มีนาคม მარტი մարտ""",
    """апр апрель апреля април априла квіт кві квітень квітня красавік красавіка апрел απρ απριλιος απριλιου أبريل
    ابريل إبريل أفريل نيسان آوریل اپریل אפריל באפריל अप्रैल เมษายน აპრილი ապրիլ""",
    """май мая мај маја трав тра травень травня май μαι μαιος μαιου ماي مايو أيار ايار مه مئی מאי במאי मई พฤษภาคม
    მაისი մայիս""",
    """июн июнь июня јун јуна јуни чер черв червень червня чэрвень чэрвеня юни ιουν ιον ιουνιος ιουνιου يونيو يونيه
    جوان حزيران ژوئن جون יוני ביוני जून มิถุนายน ივნისი հունիս""",
    """июл июль июля јул јула јули лип липень липня ліпень ліпеня юли ιουλ ιολ ιουλιος ιουλιου يوليو يوليه جويلية تموز
    ژوئیه ژوئيه جولائی יולי ביולי जुलाई กรกฎาคม ივლისი հուլիս""",
    """авг август августа серп сер серпень серпня жнівень жніўня αυγ αυγουστος αυγουστου أغسطس اغسطس أوت آب اوت اگست
    אוגוסט באוגוסט अगस्त สิงหาคม აგვისტო օգոստոս""",
    """сен сент сентябрь сентября септ септембар септембра септември вер верес вересень вересня верасень верасня σεπ
    σεπτ σεπτεμβριος σεπτεμβριου سبتمبر أيلول ايلول سپتامبر ستمبر ספטמבר בספטמבר सितंबर सितम्बर กันยายน სექტემბერი
    սեպտեմբեր""",
    """окт октябрь октября октобар октобра октомври жовт жов жовтень жовтня кастрычнік кастрычніка οκτ οκτωβριος
    οκτωβριου أكتوبر اكتوبر اکتبر اکتوبر אוקטובר באוקטובר अक्टूबर अक्तूबर ตุลาคม ოქტომბერი հոկտեմբեր|تشرين الأول""",
    """ноя нояб ноябрь ноября нов новембар новембра ноември лист лис листопад листопада лістапад лістапада νοε νοεμ
    νοεμβριος νοεμβριου نوفمبر نوامبر نومبر נובמבר בנובמבר नवंबर नवम्बर พฤศจิกายน ნოემბერი նոյեմբեր|تشرين الثاني""",
    """дек декабрь декабря дец децембар децембра декември груд гру грудень грудня снежань снежня δεκ δεκεμβριος
    δεκεμβριου ديسمبر دسامبر دسمبر דצמבר בדצמבר दिसंबर दिसम्बर ธันวาคม დეკემბერი դեկտեմբեր|كانون الأول""",
)
_WEEKDAY_WORDS = """
monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun
montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so
lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo
lunedì martedì mercoledì giovedì venerdì sabato domenica segunda terça quarta quinta sexta segunda-feira terça-feira
quarta-feira quinta-feira sexta-feira maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
måndag tisdag onsdag torsdag fredag lördag söndag mandag tirsdag lørdag søndag maanantai tiistai keskiviikko torstai
perjantai lauantai sunnuntai poniedziałek wtorek środa czwartek piątek sobota niedziela pondělí úterý středa čtvrtek
pátek sobota neděle pazartesi salı çarşamba perşembe cuma cumartesi pazar hétfő kedd szerda csütörtök péntek szombat
vasárnap luni marți miercuri joi vineri sâmbătă duminică
понедельник вторник среда среду четверг пятница пятницу суббота субботу воскресенье понеділок вівторок середа
четвер пʼятниця п'ятниця субота неділя الاثنين الإثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد
دوشنبه سه‌شنبه چهارشنبه پنجشنبه جمعه شنبه یکشنبه δευτέρα τρίτη τετάρτη πέμπτη παρασκευή σάββατο κυριακή
सोमवार मंगलवार बुधवार गुरुवार शुक्रवार शनिवार रविवार
"""
_ZONE_WORDS = """
z 0 ut 0 utc 0 gmt 0 wet 0 west 60 bst 60 met 60 mest 120 mez 60 mesz 120 cet 60 cest 120 eet 120 eest 180 msk 180
msd 240 trt 180 ast -240 adt -180 est -300 edt -240 et -300 cst -360 cdt -300 ct -360 mst -420 mdt -360 mt -420
pst -480 pdt -420 pt -480 akst -540 akdt -480 hst -600 nst -210 ndt -150 brt -180 art -180 clt -240 clst -180 cot -300
pet -300 wat 60 cat 120 sast 120 eat 180 idt 180 irst 210 gst 240 pkt 300 ist 330 npt 345 bdt 360 ict 420 wib 420
wita 480 wit 540 hkt 480 sgt 480 myt 480 pht 480 awst 480 jst 540 kst 540 acst 570 acdt 630 aest 600 aedt 660
nzst 720 nzdt 780 мск 180
"""
_FILLERS = """
of at on the de del den der le la las el il lo o a as di da do dia um uhr h hs hrs hr hours kl klo om г года год р року
рік roku saat yil anul ob u v в о об os st nd rd th er ter e ngay luc thang t в. ص م يوم الساعة klockan klokken uur par
"""


def bare(text: str) -> str:
    """A word as these tables have it: without accents, in lower case."""
    text = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")
    return unicodedata.normalize("NFC", "".join(c for c in text if not unicodedata.combining(c)))


def _months() -> dict[str, int]:
    found: dict[str, int] = {}
    for table in (_MONTH_WORDS, _MORE_MONTH_WORDS):
        for number, words in enumerate(table, 1):
            single, _, double = words.partition("|")
            for word in [*single.split(), *double.split("|")]:
                if word.strip():
                    found.setdefault(bare(word.strip()), number)
    return found


MONTHS = _months()
WEEKDAYS = frozenset(map(bare, _WEEKDAY_WORDS.split()))
ZONES = {name: int(minutes) for name, minutes in zip(_ZONE_WORDS.split()[::2], _ZONE_WORDS.split()[1::2], strict=True)}
FILLERS = frozenset(map(bare, _FILLERS.split()))
HOURS_LATER = {
    bare(word): later
    for later, words in ((0, "am ص 오전 上午 午前 πμ"), (12, "pm م 오후 下午 午後 μμ"))
    for word in words.split()
}
