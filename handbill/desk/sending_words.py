"""What the Delivery screen says: states, reasons and acts in plain words. Tables only."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

PARTS = {  # of a mailing's bar, in its order
    "accepted": _("accepted"),
    "waiting": _("waiting"),
    "held": _("held"),
    "deferred": _("deferred"),
    "in_doubt": _("in doubt"),
    "refused": _("refused"),
    "suppressed": _("not to be mailed"),
    "lapsed": _("lapsed"),
}
RELAY_STATES = {
    "first": _("in use"),
    "share": _("in use for its share"),
    "standby": _("stands by"),
    "resting": _("left alone"),
    "used up": _("used up for today"),
    "off": _("switched off"),
}
ABOUT_US = {  # why a relay or a provider won't have our mail
    "account": _("The account is suspended or closed."),
    "rush": _("Many more people sign up than usual, so their confirmations wait."),
    "quota": _("The quota is used up."),
    "login": _("The login was refused."),
    "relaying": _("It doesn't relay mail for us."),
    "sender": _("It doesn't take our sender's address."),
    "blocked": _("It blocks us."),
    "rate": _("It asks for less mail at a time."),
    "greylisted": _("It puts strangers off for a while."),
    "policy": _("Its rules don't let the mail in."),
    "closing": _("It closed the connection."),
    "system": _("It has trouble of its own."),
    "setup": _("Something is missing in our own settings."),
    "": _("It can't be reached, or failed several copies in a row."),
}
ABOUT_READERS = {  # why copies are deferred or refused
    "full": _("the mailbox is full"),
    "gone": _("there is no such reader"),
    "moved": _("the reader has moved"),
    "domain": _("the address's domain takes no mail"),
    "suspended": _("the mailbox is asleep or locked"),
    "content": _("the letter was refused for what it says"),
    "policy": _("the receiver's rules don't let the letter in"),
    "size": _("the letter is too large"),
    "filtered": _("a filter refused it"),
    "blocked": _("the receiver blocks us"),
    "rate": _("the receiver asks for less mail at a time"),
    "greylisted": _("the receiver puts strangers off for a while"),
    "quota": _("the relay's quota is used up"),
    "account": _("the relay's account is suspended"),
    "login": _("the relay refused the login"),
    "relaying": _("the relay doesn't relay mail for us"),
    "sender": _("our sender's address wasn't taken"),
    "smtputf8": _("the address needs a relay that takes addresses beyond ASCII"),
    "lost": _("the connection was lost"),
    "closing": _("the relay closed the connection"),
    "system": _("the receiver has trouble of its own"),
    "network": _("the receiver can't be reached"),
    "expired": _("tried for three days, then given up"),
    "sealed": _("the address can't be opened; look at the keys"),
    "address": _("it is no address that mail can be sent to"),
    "loop": _("the mail runs in a circle"),
    "suppressed": _("the relay keeps the address on a list of its own"),
    "garbled": _("the answer made no sense"),
    "other": _("the receiver gave no clear reason"),
    "": _("no reason was given"),
}
TO_DO = {  # what a person does about a call
    "account": _("Speak to the provider. When it is settled, switch the relay on again."),
    "login": _("Check the relay's user and password, then switch it on again."),
    "relaying": _("Check the relay's login and what it may send, then switch it on again."),
    "sender": _("See that the relay knows the sender's domain, then switch it on again."),
    "blocked": _("Ask why: most have a page for it. See also what “handbill doctor mail” says."),
    "setup": _("“handbill doctor” says what is missing."),
    "surge": _("Find out whether that provider is in trouble. Then keep its readers, or end their subscriptions."),
    "rush": _("Look at the sign-ups that wait: let them go, or throw them away. Left alone, most of them lapse."),
    "content": _("Look at the letter, then let it go on or stop it."),
}
ACTS = {
    "hold": _("held"),
    "go on": _("let go on"),
    "stop": _("stopped for good"),
    "on": _("switched on"),
    "off": _("switched off"),
    "keep": _("held readers kept"),
    "end": _("held readers' subscriptions ended"),
}
PROVIDERS = {"gmx": "GMX, WEB.DE", "telekom": "Telekom", "wp": "WP", "qq": "QQ", "sfr": "SFR", "laposte": "La Poste"}


def provider_name(word: str) -> str:
    """A receiving provider as the screen names it."""
    return str(_("Others")) if word == "other" else PROVIDERS.get(word, word.replace("-", " ").title())
