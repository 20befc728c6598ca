"""What mail servers say, in many tongues, and what they mean by it: one table for replies and for bounces. Pure.

Read from the top, the first row that fits decides. The one mistake that can't be mended is to take a block for a
reader who left (ADR-0006), so what speaks of us, of blocks, quotas and suspension stands before what says that there
is no such reader. Addresses and links are taken out before the table is read, for they may hold any word.
Codes: RFC 3463, RFC 5248, RFC 7372 (authentication), RFC 7505 (null MX), and the providers' own lists.
"""

from __future__ import annotations

import re

ACCOUNT, AUTHENTICATION, SENDER, RELAYING = "account", "login", "sender", "relaying"
QUOTA, RATE, GREYLISTED, BLOCKED = "quota", "rate", "greylisted", "blocked"
FULL, SUSPENDED, SIZE, CONTENT, POLICY = "full", "suspended", "size", "content", "policy"
GONE, MOVED, DOMAIN, FILTERED, SUPPRESSED = "gone", "moved", "domain", "filtered", "suppressed"
LOOP, NETWORK, EXPIRED, SYSTEM = "loop", "network", "expired", "system"

LIMIT = 4_000  # characters that are read of one answer

_WHO = (
    r"(users?|recipients?|rcpt|mail ?(box|id)?(es)?|addresse?e?s?|(e-?mail )?accounts?|local[- ]?part|person|username"
    r"|alias|customer|member|subscriber|employee|inbox|e-?mail|destination|user ?id|delivery userid)"
)
_SENDER = (
    r"(sender'?s?|from:?|return[- ]?path|envelope[- ]from|mail from"
    r"|mailfrom|helo|ehlo|originator|header from|reply-to)"
)
_ASLEEP = (
    r"(suspended|disabled|inactive|de-?activated|not active|not activated|frozen|locked|dormant|blocked|bloqu[eé]e?"
    r"|archiv[eé]+e?|archived|discontinued|temporarily limited|gesperrt|deaktiviert|bloccat\w|disabilitat\w"
    r"|desativad\w|deshabilitad\w|expired)"
)

ROWS: tuple[tuple[str, str], ...] = (
    # Ours: the relay or the provider speaks of this newsroom.
    (
        POLICY,
        r"resolver\.rst\.(?!recipsize|sendsize)|delivery to this (address|recipient) is restricted"
        r"|not accept(ing)? messages from (this|the) sender",
    ),
    (
        ACCOUNT,
        r"\byour (\S+ ){0,3}?(account|access|service|domain|subscription)\b (\S+ ){0,4}?(suspend|disabl"
        r"|de-?activat|terminat|under review|not (yet )?(been )?activat|inactive|restricted|closed|on hold|locked"
        r"|(pending|awaiting) approval|block)",
    ),
    (
        ACCOUNT,
        r"\b(sending|smtp|sender'?s?|mailgun|sendgrid|postmark|brevo|sendinblue|mailjet|resend|ses|outgoing"
        r"|tenant) account\b.{0,60}(suspend|disabl|de-?activat|terminat|review|not (yet )?(been )?activat|inactive"
        r"|restricted|closed|locked|block|paused|compromised)",
    ),
    (
        ACCOUNT,
        r"sending (has been |is |was )?(paused|suspended|disabled|blocked)|sending privileges"
        r"|(sender|you).{0,30}(is|are|has been|have been) (banned|suspended) from sending"
        r"|(is|are) not allowed to send\b",
    ),
    (
        ACCOUNT,
        r"bad outbound sender|banned sender|spam abuse detected|traffic not accepted from this ip"
        r"|tenant has exceeded|unusual sending activity|outgoing (e?mail|spam).{0,40}(suspend|disabl|block)"
        r"|account (is )?under review|business verification",
    ),
    (
        QUOTA,
        r"(daily|hourly|monthly|weekly) .{0,30}(quota|limit)|(sending|outbound|submission|sender) ?(quota|limit)"
        r"|(maximum|out of|no) credits?\b|credits? (exhausted|exceeded)|max(imum)? e?mails?( per|/) ?hour"
        r"|submissionquotaexceeded|recipient limit (has been )?(exceeded|reached)",
    ),
    (
        AUTHENTICATION,
        r"auth\w*( \S+)? (is )?(required|failed|unsuccessful|failure|invalid)"
        r"|(user ?name|login)( and|/) ?password not accepted|must (first )?(authenticate|issue (a )?starttls)"
        r"|please log ?in|bad credentials|invalid (login|credentials|api key)|pop before smtp|unauthori[sz]ed ip"
        r"|basic authentication",
    ),
    (
        RELAYING,
        r"relay(ing)?( mail| access)?( is)? ?(denied|den[iy]|not (permitted|allowed)|prohibited|forbidden)"
        r"|unable to relay|(permitted|configured|allowed|permission) to relay|(do|does|will|can) ?n[o']t relay"
        r"|tenantattribution|not (a )?(permitted|allowed) relay|no relay|relay restriction",
    ),
    (
        SENDER,
        _SENDER
        + r"( \S+){0,4}? ?(is |was |has |been |are |can|could|did|does|do|not|must|should )*(reject|refus|invalid"
        r"|unknown|not found|n[o']t exist|unverified|n[o']t verif|denied|not allowed|not permitted|unresolvable"
        r"|n[o']t (be )?resol|missing|malformed|not valid|not accept|blank|not owned|has no (mx|a))",
    ),
    (
        SENDER,
        r"(invalid|unknown|unverified|bad|illegal|unresolvable|malformed|nonexistent|non-existent) (sender|from"
        r"|return[- ]?path|envelope|originator|helo|ehlo)|domain of sender|verify (the )?sender|sender verif"
        r"|from: domain|need fully.?qualified hostname|sender domain must|badmailfrom"
        r"|not have permission to (post|send)|may not exist, or you may not",
    ),
    (
        SENDER,
        r"\b(of )?your (\S+ ){0,2}?(domain|mailbox|account|address|e-?mail address|mail ?server)\b"
        r".{0,60}(\bnot\b|n't|unknown|invalid|fail|reject|verif)"
        r"|(in|to|of) (the )?mail from|domain may not exist|dns check failed|sending user"
        r"|(call-?out|callback) .{0,60}(fail|reject|unknown|no such)|sender call-?out",
    ),
    (SUPPRESSED, r"suppression list|suppressed"),
    # How much and how fast.
    (FULL, r"(too many|zu ?viele) (messages|mails) (on|in|auf|im)\b"),
    (RATE, r"excessive .{0,20}unknown"),
    (GREYLISTED, r"gr[ae]y-?list|postgrey"),
    (
        RATE,
        r"too (many|much) (\S+ ){0,3}?(message|connection|e?mail|recipient|session|error|command|request"
        r"|unknown user|invalid|concurrent|simultaneous|deliver|traffic)|rate[- ]?limit|throttl"
        r"|(unusual|excessive|high) (rate|volume)|unexpected volume|too (fast|quickly|frequent)|frequency limit"
        r"|slow(ing)? down|(connection|message|sending|receiving)s? (rate|limit)|maximum (number of )?connections"
        r"|user complaints|rate that",
    ),
    # The reader's box: full or asleep.
    (
        FULL,
        r"over[- ]?quota|quota|(mail)?box( \S+){0,4}? (is |has |too |size |storage )*(full|exceed|over|limit)"
        r"|full mailbox|(in)?sufficient (system |disk )?(storage|space|resources)|out of (storage|disk )?space"
        r"|exhausted|over (its|their|the) .{0,20}(storage|limit)|storage limit|mailfolder is full"
        r"|(not enough|no|lack of) (\S+ )?(disk |storage )?space"
        r"|(disk|storage|inbox|account) (is |limit )?(full|exceeded)|exceeded.{0,40}(storage|space|capacity)"
        r"|exceed\w* the local limit|mailfull|mailbox.{0,60}too (big|large|full)",
    ),
    (
        FULL,
        r"容量|いっぱい|一杯|満杯|(邮箱|信箱|郵箱).{0,6}(满|滿)|已满|переполнен"
        r"|(postfach|mailbox).{0,30}(voll|überfüllt|überschritten)|speicherplatz|bo[iîï]te.{0,40}pleine"
        r"|quota d[ée]pass|plein|buz[oó]n.{0,30}llen|llena\b|cuota|casella.{0,40}pien|caixa.{0,30}cheia"
        r"|postvak.{0,20}vol|pełna|kotası|dolu\b",
    ),
    (
        SUSPENDED,
        _WHO
        + r"(?! unknown)( \S+){0,6}? (is |has been |was |are |currently |temporarily |been |est |ist |wurde )*"
        + _ASLEEP,
    ),
    (
        SUSPENDED,
        _ASLEEP
        + r" (\S+ )?"
        + _WHO
        + r"|suspended|recipient suspend|user is terminated|mail(box)? is (temporarily )?(unavailable|locked)"
        r"|address (is )?temporarily|not currently being accepted|(is|was|been) (now |administratively )?disabled"
        r"|account (is )?unavailable|inactiv[oa]\b|nieaktywn|zablokowan|disat+ivat|bloccat[oa]|expirad[oa]|停止|封锁"
        r"|заблокирован|отключ[её]н|неактив",
    ),
    # Blocks: what we are said to be.
    (
        BLOCKED,
        r"\bblock(ed|ing|s)?\b|block-?list|black-?list|deny-?list|\bbanned\b|dns ?-?bl|\brbl\b|spamhaus|spamcop"
        r"|sorbs|barracudacentral|reputation|(?<!not )\blisted (in|at|on|by)\b|open relay|dynamic (ip|address)"
        r"|dial-?up|residential|smtp server of your isp|\(?s3\d{3}\)|\[tss?\d\d\]"
        r"|ip .{0,40}(reject|denied|refus|not allowed)",
    ),
    (
        BLOCKED,
        r"reverse (dns|lookup|name|hostname|mapping)|\br-?dns\b|\bptr\b|no ptr"
        r"|(client|server|host|connecting ip|remote) (host |hostname |address |ip )?.{0,30}(rejected|refused"
        r"|denied|not allowed|forbidden|does not resolve)|no access from|access denied.{0,20}(ip|host|client)"
        r"|refused to talk|not accepting (connections|mail) from (you|your)|connection refused by policy",
    ),
    # The letter itself.
    (
        SIZE,
        r"too (big|large|long)|(message|mail|header|line)s?( \S+)? (size|length|limit)( \S+){0,4}? exceed"
        r"|exceed(s|ed)?.{0,40}(size|length)|(size|line|length) limit|larger than|maximum (message )?size"
        r"|maximum line|recipsizelimit|line limit",
    ),
    (
        CONTENT,
        r"\bspam|spam\b|virus|malware|phish|trojan|unsolicited|\bube\b|bulk (e?mail|message)|junk|message content"
        r"|content (reject|filter|denied|block|not)|(illegal|prohibited|dangerous|executable|unsafe) attachment"
        r"|attachment.{0,30}(not allowed|reject|block)|improper use of 8-bit|inappropriate|suspicious|infected"
        r"|bare (lf|cr)|header error|invalid header|duplicate header|charset|\bbulk\b",
    ),
    (
        POLICY,
        r"\bspf\b|dkim|dmarc|\barc\b|unauthenticated|not authenticated|authentication (check|result|information)"
        r"|5\.7\.2[0-9]\b|5\.7\.509|policy|policies|\baup\b|not authori[sz]ed|unauthori[sz]ed"
        r"|administrative(ly)? (prohibit|denied)|prohibited|you are not (allowed|permitted)|not compliant"
        r"|rfc ?5?[238]22|security (policy|reason|violation|setting)|encryption|tls (is )?required",
    ),
    # The reader.
    (
        GONE,
        r"5\.4\.1 .{0,60}recipient address(es)? ?rejected ?: access denied",
    ),  # Exchange Online, blocking at the edge
    (
        MOVED,
        r"(has|have) moved|no longer (at|with) (this|our)|new address|user not local|not our user"
        r"|(user|recipient|address) (has )?changed|has been replaced",
    ),
    (FILTERED, r"^[\s:#]*(smtp;? *)?([45]\d\d\b[\s:#]*)*: user unknown"),
    (
        GONE,
        r"(?<!host )(?<!domain )"
        + r"\b"
        + _WHO
        + r"\b,?( \S+){0,4}? ?(is |was |are |an |as |has been |name )*(unknown|not found|unrecogni[sz]ed|invalid"
        r"|not recogni[sz]ed|not known|non-?existent|nonexistant|not exists?|undeliverable|not present|not valid"
        r"|not a valid|unexistent)",
    ),
    (
        GONE,
        r"(unknown|invalid|no such|bad|non-?existent|unrecogni[sz]ed|illegal|undefined|incorrect|wrong|not (a "
        r"|our |the )?(known|valid|local|such|existing)?)( or \S+)? ?(local |destination |rcpt |virtual "
        r"|final delivery |e-?mail |to )?" + _WHO + r"\b(?! (filter|size|is full))",
    ),
    (
        GONE,
        _WHO
        + r"( \S+){0,9}? (does|do|did|could|can|has|was|were|is)( ?n[o']t|n'?t|nt) (be |been )?(exist|found|located"
        r"|find|existing|recogni[sz]ed|valid|defined)",
    ),
    (
        GONE,
        r"no (\S+ )?(mailbox|user|account|person|recipient|addressee|address|one|body)s? (\S+ ){0,2}?(here"
        r"|by (that|this)|with (that|this)|at (this|that)|of that|found|exist)|no mailbox\b"
        r"|does ?n[o']t have an? .{0,60}account|(there is|have) no (such )?(user|account|mailbox)"
        r"|no such .{0,20}here",
    ),
    (
        GONE,
        r"address[ _]not[ _]found|invalid-recipient|incorrectly addressed"
        r"|no longer an? (employee|customer|member|user|valid)|path no exist"
        r"|(recipient|address|user|account)s? (can ?not|could not|can't) be verified|not on this server"
        r"|no mail ?box (available|here)|nie ma takiego|destin(atario|\.)? (sconosciuto|errato)"
        r"|no existe (el|la|ese|esa|tal) |no longer (valid|exist\w*|here|on (this )?server|available|in use"
        r"|employed|work\w*|a (customer|member"
        r"|user|valid)|accept\w* mail|receiv\w*)|not listed in (public|the|our|domino)"
        r"|not found in (the )?(\S+ )?(ldap|director|database|table)"
        r"|not in (the |our |this )?(\S+ )?(directory|address book|user list|database|passwd)"
        r"|recip(ient)?(name)?notfound|recipientnotfound|notfound\b|unknown (in|to) |unknown-?user|unknown local"
        r"|user.?unknown",
    ),
    (
        GONE,
        r"(account|mailbox|address|user|login)( \S+){0,3}? (is |has been |was |been |have )*(closed|deleted"
        r"|cancell?ed|terminated|removed|abolished|retired)|(has|have) left the|couldn'?t be found"
        r"|could not be found|cannot be found|can'?t be found|wasn'?t found"
        r"|not accept(ed)? for this (address|user)|mailbox for .{0,60}not|(?<!recipient )address rejected(?! ?:)"
        r"|invalid mailbox|no account|no valid recipients for this",
    ),
    (
        GONE,
        r"adresse.{0,60}(inconnue|introuvable|invalide|n'existe pas|inexistante)"
        r"|(utilisateur|destinataire|compte|bo[iî]te).{0,40}(inconnue?|invalide|introuvable|inexistante?|n'existe)"
        r"|(empf[äa]e?nger|benutzer|adresse|postfach|konto|teilnehmer|mailbox).{0,60}(unbekannt|existiert nicht"
        r"|nicht gefunden|ungültig|nicht vorhanden|nicht bekannt|nicht verfügbar)"
        r"|unbekannte[rs]? (empf|benutzer|adresse)",
    ),
    (
        GONE,
        r"(usuario|destinatario|cuenta|buz[oó]n|direcci[oó]n|correo).{0,60}(desconocid|no existe|inexistente"
        r"|no encontrad|no se (ha )?(encuentra|encontr)|inv[aá]lid|no v[aá]lid)"
        r"|(utente|destinatario|indirizzo|casella).{0,60}(sconosciut|inesistente|non esiste|non trovat|non valid"
        r"|non .{0,12}trovare)|(usu[aá]rio|destinat[aá]rio|conta|endere[cç]o).{0,60}(desconhecid|inexistente"
        r"|n[aã]o existe|n[aã]o (foi )?encontrad|inv[aá]lid)",
    ),
    (
        GONE,
        r"(gebruiker|ontvanger|adres|postvak).{0,40}(onbekend|bestaat niet|niet gevonden|ongeldig)"
        r"|(użytkownik|odbiorc|adresat|adres|konto|skrzynk).{0,40}(nieznan|nie istnieje|nie znaleziono)"
        r"|(okänd|ukendt|ukjent|tuntematon) (mottag|modtag|användare|bruger|bruker|vastaanottaja|käyttäjä)"
        r"|kullanıcı.{0,20}(bulunamadı|bilinmiyor|yok)|(uživatel|adresát|schránka).{0,40}(neexistuje|neznám)"
        r"|(felhasználó|címzett).{0,40}(ismeretlen|nem létezik)",
    ),
    (
        GONE,
        r"(пользовател|получател|адрес|ящик|аккаунт|абонент|користувач|одержувач).{0,60}(не найден|не существует"
        r"|неизвест|не зарегистрирован|удал[её]н|не знайден|не існує|невідом)|(нет|немає) такого"
        r"|такого (пользователя|ящика|адреса)|(宛先|あて先|アドレス|ユーザ"
        r"|受信者).{0,20}(見つかりません|存在しません|存在しない|不明)"
        r"|(用户|用戶|收件人|收件者|邮箱|信箱|帐号|账号|帳號|地址).{0,10}(不存在|未找到"
        r"|无效|無效|找不到)|(사용자|수신자|계정|주소).{0,20}(없|찾을 수)|존재하지 않"
        r"|غير موجود|לא קיים",
    ),
    # The reader's domain; first what is only the weather of the net.
    (
        NETWORK,
        r"name ?service error.{0,80}(malformed|try again|server failure)"
        r"|name server.{0,60}(failure|timeout|timed out|no response|unreachable)|lookup fail(?!ure: host)"
        r"|host not found, try again|temporar\w+ (failure in name|dns|lookup|unable)"
        r"|dns.{0,40}(time-?out|timed out|temporar|server ?fail|servfail)|servfail",
    ),
    (
        DOMAIN,
        r"(domain|host)( name)?( \S+){0,5}? (is |was |does |do |could |can|has |been )*(unknown|not found|invalid"
        r"|n[o']t exist|nonexistent|couldn'?t be found|n[o']t (be )?(found|resol)|not valid|does ?n[o']t (accept"
        r"|receive)|no (mx|mail))|(unknown|invalid|bad|illegal|no such|nonexistent) (mail )?(host|domain)"
        r"|illegal host|host/domain|bad destination (host|system)",
    ),
    (
        DOMAIN,
        r"nxdomain|null ?-?mx|no (mx|mail exchanger|a record|smtp service)|no relevant answers"
        r"|does ?n[o']t (accept|receive) (any )?(e-?)?mail|not accept(ing)? (any )?mail$"
        r"|couldn'?t find (any host|a mail exchanger)|unrouteable|unroutable|unresolvable"
        r"|host address lookups failed|point to non-?existent|no (address|mx|valid) .{0,30}(found|records?)"
        r"|name or service not known|mx record.{0,40}(not|no|invalid)|indicated no smtp"
        r"|host found but no data record|rejects? all mails?|domain is not reachable"
        r"|dns.{0,30}(non-?existent|no such|does not exist)|domäne.{0,40}nicht"
        r"|doma?i(n|ni)[eo].{0,40}(n'existe|inconnu|no existe|non esiste)",
    ),
    # Weather.
    (LOOP, r"\bhops?\b|\bloop|forwarded more than|duplicated message|too many received"),
    (
        EXPIRED,
        r"expired|(in|been in) the queue too long|(not|n't) (be )?deliver\w* (for|in|within) \d"
        r"|retry (time|timeout)|time ?out (exceeded|waiting)|giv\w+ up|retry limit|maximum (retry|time)"
        r"|delivery time|has been delayed|will (keep|be) (trying|retried)|still being retried",
    ),
    (
        NETWORK,
        r"tim(ed?|e)[- ]?out|connection (refused|reset|closed|lost|dropped|died|failed|aborted)"
        r"|(network|host|server) (is )?unreachable|no route|unreachable"
        r"|(unable|could ?n[o']t|cannot|failed|fail) to connect|could not connect|connect(ing)? to|lost connection"
        r"|did(n't| not) (respond|accept our requests)|not responding|no (answer|response|reply)|broken pipe"
        r"|tls (negotiation|handshake|error|session)|starttls|certificate|all (relevant )?mx",
    ),
    (
        SYSTEM,
        r"(internal|system|local|server|software|configuration|processing) (\S+ )?(error|failure|problem|config)"
        r"|disk|i/o error|resources (are )?(temporarily )?unavailable"
        r"|service (is )?(temporarily )?(unavailable|not available)"
        r"|temporar\w* (failure|problem|error|unavailable|rejected|system)|try (again )?later"
        r"|unable to (open|create|lock|write)|can'?t create|ldap|database"
        r"|(exit|command) (status|died|output|failed)|pipe to|procmail|maildrop|unknown mailer error|mailer error"
        r"|syntax|bad sequence|improper sequence|command (not|unrecogni)|protocol error|transaction failed"
        r"|transient",
    ),
    (FILTERED, r"preferences|access[- ]denied|(message|mail) (was )?refused|refused by|is not allowed"),
)
_TABLE = tuple((reason, re.compile(pattern)) for reason, pattern in ROWS)

# What an enhanced status code means where the words say nothing; the longest prefix decides.
CODES = {
    "1.1": GONE, "1.2": DOMAIN, "1.3": GONE, "1.4": GONE, "1.6": MOVED, "1.7": SENDER, "1.8": SENDER,
    "1.9": DOMAIN, "1.10": GONE, "1.351": GONE, "1.90": QUOTA, "2.1": SUSPENDED, "2.2": FULL, "2.3": SIZE,
    "2": "", "3.1": FULL, "3.4": SIZE, "3": SYSTEM, "4.1": NETWORK, "4.2": NETWORK, "4.3": NETWORK,
    "4.4": DOMAIN, "4.5": QUOTA, "4.6": LOOP, "4.7": EXPIRED, "4.310": DOMAIN, "4.14": LOOP, "4": NETWORK,
    "5.2": "", "5.3": RATE, "5": SYSTEM, "6": CONTENT, "7.13": SUSPENDED, "7.17": MOVED, "7.25": BLOCKED,
    "7.6": BLOCKED, "7.64": RELAYING, "7.8": AUTHENTICATION, "7.7": POLICY, "7.5": POLICY, "7": POLICY,
}  # fmt: skip

ADDRESS = re.compile(
    r"(?<![^\s<>()\[\]\"',;:])<?[^\s<>()\[\]\"',;:]+(@|%40|=40)[^\s<>()\"',;]+>?"
)  # from a word's start
_LINK = re.compile(r"(https?://|www\.)\S+|<>", re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]|\.\d)")
_AGAIN = re.compile(
    r"(?<!\d)([245]\d\d)-(?:\s*[245]\.\d{1,3}\.\d{1,3})?|(?<=\s)[245]\d\d [245]\.\d{1,3}\.\d{1,3}(?=\s)"
)
_SAID = re.compile(r"host \S+ (\[[^\]\s]*\] )?said:|remote host said:|host \S+\[[^\]\s]*\]:?")


def plain_words(text: str) -> str:
    """The text in small letters on one line, without addresses, links and the codes of continued lines."""
    text = _LINK.sub(" ", ADDRESS.sub("…", text[:LIMIT])).lower()
    text = text.replace("’", "'").replace("`", "'")
    text = " ".join(_SAID.sub(" ", " ".join(text.split())).split())
    head, rest = text[:12], text[12:]
    return " ".join((head + _AGAIN.sub(" ", rest)).split())


def reason_of(text: str) -> str:
    """The reason that an answer's words give, or ""."""
    words = plain_words(text)
    return next((reason for reason, pattern in _TABLE if pattern.search(words)), "")


def reason_of_code(status: str) -> str:
    """The reason that an enhanced status code gives by itself, or "" (RFC 3463)."""
    _, _, detail = status.partition(".")
    return CODES[detail] if detail in CODES else CODES.get(detail.partition(".")[0], "")


def status_in(text: str) -> str:
    """The first enhanced status code of 4 or 5 in a text that says more than x.0.0, else the first at all, else ""."""
    found = [match for match in _STATUS.finditer(text[:LIMIT]) if match[1] != "2"]
    telling = next((match for match in found if (match[2], match[3]) != ("0", "0")), None)
    chosen = telling or (found[0] if found else None)
    return ".".join(chosen.groups()) if chosen else ""
