"""What relays answer, and what that means.

``golden/replies.tsv`` holds the words of many servers: the reason, the stage and the reply.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery.engine.judge import ACTS, CALLS, GIVE_UP, RETRY, STOP, SWITCH, WAIT, judge, without_addresses
from handbill.delivery.engine.phrases import LIMIT, ROWS, reason_of

READER_STAGES = ["data", "dot", "rcpt"]
REPLIES = [
    line.split("\t") for line in (Path(__file__).parent / "golden" / "replies.tsv").read_text("utf-8").splitlines()
]

GONE = [
    (550, "5.1.1 <dee@mail.example>: Recipient address rejected: User unknown in table"),
    (550, "5.1.1 No such user here"),
    (550, "5.1.1 The account you tried to reach does not exist"),
    (550, "5.1.10 Recipient not found by lookup"),
    (550, "5.1.1 Unknown recipient"),
    (553, "5.1.1 no mailbox here by that name"),
]
NOT_GONE = [
    (550, "5.7.1 Service refused, client host blocked using a block list", "blocked"),
    (550, "5.1.1 user unknown (your network is on our blocklist)", "blocked"),
    (554, "5.7.1 Message refused: poor reputation of the sending server", "blocked"),
    (552, "5.2.2 Mailbox is full, no such user can be served", "full"),
    (550, "User over quota", "full"),
    (552, "Requested action aborted", "full"),
    (550, "5.2.1 This account is disabled, mailbox unknown", "suspended"),
    (550, "The account has been suspended; user unknown", "suspended"),
    (552, "5.3.4 Message too big", "size"),
    (550, "5.7.1 SPF check failed", "policy"),
    (554, "Message looks like spam", "content"),
    (550, "5.1.2 Domain not found", "domain"),
    (550, "Requested action not taken: mailbox unavailable", "other"),
    (554, "Transaction failed", "system"),
    (554, "We would rather not", "other"),
]


@pytest.mark.parametrize("stage", READER_STAGES)
@pytest.mark.parametrize(("code", "reply"), GONE)
def test_gone(stage: str, code: int, reply: str):
    found = judge(stage, code, reply)
    assert (found.state, found.reason) == ("refused", "gone")


@pytest.mark.parametrize(("code", "reply", "reason"), NOT_GONE)
def test_blocks_quotas_and_riddles_are_not_gone(code: int, reply: str, reason: str):
    found = judge("rcpt", code, reply)
    assert (found.state, found.reason) == ("refused", reason)


def test_a_word_in_the_address_is_no_reason():
    reply = "5.1.1 <blocked.quota@spamhaus.example>: user unknown"
    assert judge("rcpt", 550, reply).reason == "gone"


@pytest.mark.parametrize(
    ("stage", "code", "reply", "state", "reason"),
    [
        ("dot", 250, "2.0.0 queued", "accepted", ""),
        ("rcpt", 251, "will forward", "accepted", ""),
        ("rcpt", 450, "4.2.0 Greylisted, come back", "deferred", "greylisted"),
        ("rcpt", 450, "4.1.1 user unknown at the moment", "deferred", ""),
        ("rcpt", 452, "4.2.2 mailbox full", "deferred", "full"),
        ("rcpt", 421, "4.7.0 too many connections", "deferred", "rate"),
        ("rcpt", 550, "5.7.1 Relaying denied", "relay", "relaying"),
        ("rcpt", 530, "5.7.0 Must issue STARTTLS", "relay", "login"),
        ("rcpt", 550, "5.1.8 Sender address rejected", "relay", "sender"),
        ("mail", 550, "5.1.1 user unknown", "relay", "policy"),
        ("mail", 421, "closing", "relay", "policy"),
        ("rcpt", 538, "no plain passwords", "relay", "login"),
        ("rcpt", 521, "no", "refused", "domain"),
        ("rcpt", 550, "5.1.1 no", "refused", "gone"),
        ("rcpt", 450, "4.1.1 no", "deferred", ""),
        ("rcpt", 421, "4.3.2 closing", "deferred", "closing"),
        ("rcpt", 550, "No such user", "refused", "gone"),
        ("dot", 550, "No such user", "refused", "filtered"),
        ("connect", 554, "your address is on a blocklist", "relay", "blocked"),
        ("mail", 550, "account disabled", "relay", "account"),
        ("rcpt", 550, "account disabled", "refused", "suspended"),
        ("mail", 530, "authentication required", "relay", "login"),
        ("login", 535, "bad password", "relay", "login"),
        ("connect", 554, "no", "relay", "policy"),
        ("dot", -1, "", "in doubt", "garbled"),
        ("rcpt", -1, "", "deferred", "garbled"),
        ("dot", 354, "go on", "in doubt", "garbled"),
    ],
)
def test_the_table(stage: str, code: int, reply: str, state: str, reason: str):
    found = judge(stage, code, reply)
    assert (found.state, found.reason) == (state, reason)


@pytest.mark.parametrize(("reason", "stage", "reply"), REPLIES, ids=lambda value: value[:60])
def test_the_words_of_many_servers(reason: str, stage: str, reply: str):
    assert judge(stage, int(reply[:3]), reply[4:]).reason == reason


@pytest.mark.parametrize(
    ("stage", "code", "reply", "act", "calls"),
    [
        ("dot", 250, "2.0.0 queued", "", False),
        ("dot", 454, "Throttling failure: Daily message quota exceeded.", SWITCH, False),
        ("dot", 454, "Throttling failure: Maximum sending rate exceeded.", WAIT, False),
        ("dot", 554, "Message rejected: Sending paused for this account.", SWITCH, True),
        ("login", 535, "5.7.8 Username and Password not accepted.", SWITCH, True),
        ("connect", 554, "no", SWITCH, True),
        ("rcpt", 451, "4.7.1 Greylisting in action", RETRY, False),
        ("rcpt", 552, "5.2.2 Mailbox full", RETRY, False),
        ("rcpt", 450, "4.1.1 user unknown at the moment", RETRY, False),
        ("rcpt", 550, "5.1.1 User unknown", GIVE_UP, False),
        ("rcpt", 550, "5.7.1 Client host blocked using a blocklist", SWITCH, True),
        ("dot", 554, "5.7.1 Message rejected as spam", STOP, True),
        ("rcpt", 421, "closing", WAIT, False),
        ("rcpt", 550, "5.1.2 Domain not found", RETRY, False),
    ],
)
def test_each_reason_leads_to_its_act(stage: str, code: int, reply: str, act: str, calls: bool):
    found = judge(stage, code, reply)
    assert (found.act, found.calls) == (act, calls)


def test_only_a_definite_code_at_the_readers_own_name_is_proof_enough():
    assert judge("rcpt", 550, "5.1.1 User unknown").definite
    assert not judge("rcpt", 550, "User unknown").definite
    assert not judge("dot", 550, "5.1.1 User unknown").definite


def test_acts_are_of_reasons_that_there_are():
    assert (set(ACTS) | CALLS) - {"closing"} <= {reason for reason, _ in ROWS}


@given(st.sampled_from(["user ", "not ", "a@b ", "x", "host ", "from: ", "[450", "5.1.1 ", "account is "]))
def test_no_more_of_an_answer_is_read_than_it_takes_to_understand_it(word: str):
    assert reason_of(word * LIMIT + "blocked") == reason_of(word * LIMIT)


@given(stage=st.sampled_from(READER_STAGES), code=st.integers(400, 499), reply=st.text(max_size=100))
def test_a_passing_answer_never_settles_a_copy(stage: str, code: int, reply: str):
    assert judge(stage, code, reply).state in ("deferred", "relay")


@given(reply=st.text(max_size=80), word=st.sampled_from(["blocked", "quota", "suspended", "blacklisted"]))
def test_a_block_is_never_taken_for_a_reader_who_left(reply: str, word: str):
    assert judge("rcpt", 550, f"{reply} {word} user unknown").reason != "gone"


@given(before=st.text(max_size=80), after=st.text(max_size=80))
def test_a_stored_reply_names_nobody(before: str, after: str):
    to = "dee.bounces@mail.example"
    kept = without_addresses(f"{before} <{to}> {to.upper()} user dee.bounces {after}", to)
    assert "dee.bounces" not in kept.lower() and len(kept) <= 500 and "\n" not in kept


@pytest.mark.parametrize(
    "reply", ["see cy@other.example", "<CY@other.example>", "cy%40other.example", "cy=40other.example"]
)
def test_other_addresses_go_too(reply: str):
    assert "other" not in without_addresses(f"550 {reply} end", "dee@mail.example")


@pytest.mark.parametrize("to", ["", "@mail.example"])
def test_a_reply_to_nobody_in_particular_is_kept_as_it_is(to: str):
    assert without_addresses("4.3.2  closing\r\ndown", to) == "4.3.2 closing down"
