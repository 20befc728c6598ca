"""Relays on loopback that misbehave by a grammar, from a seed, and write down what they take before they say so."""

from __future__ import annotations

import os
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any
from zlib import crc32

from handbill.testing.relay import OFFERS, Act, Drop, LoopbackRelay, Moment, Reply, Taken

MODES = ("plain", "grouped", "pipelined", "chunked")
STAGES = ("connect", "hello", "tls", "mail", "rcpt", "data", "dot")
READERS_STAGES = ("rcpt", "data", "dot")
ONE_IN = 7  # readers are refused by a relay that refuses readers
HALVES = (b"", b"2", b"25", b"250", b"250-2.0.0 first\r\n", b"354", b"hello world\r\n", b"\xff\xfe\x00\r\n", b"\r\n")
DEFERRALS = (
    Reply(450, "4.2.0 Greylisted, try again later"),
    Reply(451, "4.3.0 Temporary failure"),
    Reply(452, "4.3.1 Insufficient system storage"),
    Reply(450, "4.7.1 Too many messages, slow down"),
    Reply(471, "4.0.0 Not now"),
)
REFUSALS = (
    Reply(550, "5.1.1 User unknown"),
    Reply(550, "5.2.1 Mailbox disabled"),
    Reply(552, "5.2.2 Mailbox full"),
    Reply(554, "5.7.1 Rejected as spam"),
    Reply(550, "5.7.1 Blocked, your address is on a list"),
    Reply(556, "5.1.10 Domain takes no mail"),
)
REPLIES = Path(__file__).parents[1] / "pure" / "golden" / "replies.tsv"


def suspensions() -> list[tuple[str, Reply]]:
    """What providers say, word for word, of an account that may not send, with the stage at which they say it."""
    lines = [line.split("\t") for line in REPLIES.read_text("utf-8").splitlines()]
    ours = [line for line in lines if line[0] in ("account", "quota", "blocked", "rate", "relaying", "sender", "login")]
    stages = {"login": "hello"}
    return [(stages.get(stage, stage), Reply(int(text[:3]), text[4:])) for _, stage, text in ours]


@dataclass
class Mood:
    """Does ``act`` at ``stage``, at every ``every``th chance after ``after``, ``times`` times.

    ``readers``: only with some readers, and always with them. ``dies``: the relay is gone for good.
    """

    name: str
    stage: str
    act: Act
    every: int = 1
    after: int = 0
    times: int = 1 << 30
    readers: bool = False
    dies: bool = False
    seen: int = 0

    @property
    def lasting(self) -> bool:
        return self.dies or (self.times >= 1 << 30 and not self.readers)

    @property
    def loses(self) -> bool:
        """Whether a connection may end while a message's answer is due."""
        return isinstance(self.act, Drop)

    def __call__(self, moment: Moment) -> Act | None:
        if moment.stage != self.stage or self.times <= 0:
            return None
        if self.readers:
            return self.act if crc32(moment.recipients[-1].encode()) % ONE_IN == 0 else None
        self.seen += 1
        if self.seen <= self.after or self.seen % self.every:
            return None
        self.times -= 1
        return self.act


@dataclass
class Plan:
    """One relay: how it talks, and its moods; the first that acts decides."""

    mode: str = "pipelined"
    secure: str = "smtp"
    connections: int = 2
    share: int = 0
    moods: list[Mood] = field(default_factory=list)

    def __str__(self) -> str:
        moods = ", ".join(f"{mood.name} at {mood.stage}" for mood in self.moods) or "calm"
        return f"{self.mode} {self.secure} ×{self.connections}: {moods}"


def plans(seed: int) -> list[Plan]:
    """The relays of a scenario. One of them at least ends well disposed."""
    chance = random.Random(seed)
    made = [_plan(chance) for _ in range(chance.choice((1, 1, 2, 3)))]
    for plan in made:
        plan.moods = [_mood(chance, plan) for _ in range(chance.choice((1, 1, 2)))]
    if all(any(mood.lasting for mood in plan.moods) for plan in made):
        made.append(_plan(chance))
    return made


def _plan(chance: random.Random) -> Plan:
    secure = chance.choice(("smtp", "smtp", "smtp+starttls", "smtps"))
    return Plan(chance.choice(MODES), secure, chance.randint(1, 4), chance.choice((0, 0, 30)))


def _mood(chance: random.Random, plan: Plan) -> Mood:
    """A word of the grammar."""
    stage = chance.choice(STAGES if plan.secure == "smtp+starttls" else [s for s in STAGES if s != "tls"])
    often = {"every": chance.randint(1, 9), "times": chance.randint(1, 4), "after": chance.choice((0, 0, 11))}
    kind = chance.choice(("421", "storm", "refusal", "end", "end", "hang", "suspension", "dies"))
    if kind == "421":
        return Mood(kind, stage, Reply(421, "4.3.2 Closing, try again"), **often)
    if kind == "storm":
        return Mood(kind, stage, chance.choice(DEFERRALS), times=chance.randint(5, 60), after=often["after"])
    if kind == "refusal" and stage in READERS_STAGES:
        return Mood(kind, stage, chance.choice(REFUSALS), readers=True)
    if kind == "refusal":
        return Mood(kind, stage, Reply(554, "5.7.0 Go away"), times=often["times"])
    if kind == "suspension":
        stage, reply = chance.choice(suspensions())
        times = chance.choice((1 << 30, chance.randint(1, 9)))
        return Mood(f"{kind} {reply.code}", stage, reply, after=chance.choice((0, 13)), times=times)
    if kind == "dies":
        return Mood(kind, "dot", Drop(keep=chance.random() < 0.5), after=chance.randint(0, 30), dies=True)
    how = "hang" if kind == "hang" else chance.choice(("close", "reset"))
    words = chance.choice(HALVES) if stage != "tls" else chance.choice((b"", b"junk\r\n"))
    act = Drop(chance.random() < 0.5, words, how)
    often["times"] = min(often["times"], 2) if kind == "hang" else often["times"]
    return Mood(f"{how} after {words!r}" + " and keep" * (act.keep and stage == "dot"), stage, act, **often)


class Sink(LoopbackRelay):
    """A relay by ``plan``. What it takes is a line of ``log`` (see ``read_log``) before it says 250."""

    def __init__(self, plan: Plan, log: Path, context: ssl.SSLContext | None = None, name: str = "r0") -> None:
        self.plan, self.name = plan, name
        self.refused: set[str] = set()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._turn = threading.Lock()
        offers = [*OFFERS, "STARTTLS"] if plan.secure == "smtp+starttls" else list(OFFERS)
        offers += ["CHUNKING"] * (plan.mode == "chunked")
        if plan.mode == "plain":
            offers.remove("PIPELINING")
        super().__init__(
            self.decide,
            offers=offers,
            hurried={"dot": Reply(503, "5.5.1 Wait for the answer first")} if plan.mode == "grouped" else None,
            context=context if plan.secure != "smtp" else None,
        )

    def decide(self, moment: Moment) -> Act | None:
        with self._turn:
            for mood in self.plan.moods:
                act = mood(moment)
                if act is not None:
                    break
            else:
                return None
        if mood.dies:
            threading.Thread(target=self.close).start()
        if moment.stage in READERS_STAGES and isinstance(act, Reply) and act.code >= 500:
            self.refused.add(moment.recipients[-1])
        return act

    def take(self, taken: Taken) -> None:
        name = BytesHeaderParser().parsebytes(taken.data)["Message-ID"]
        line = f"{name}\t{taken.recipients[0]}\t{self.name}\t{time.time():.6f}\t{crc32(taken.data)}\n"
        os.write(self._log, line.encode())
        super().take(taken)

    @property
    def setting(self) -> dict[str, Any]:
        """As the driver takes a relay."""
        return {
            "name": self.name,
            "host": self.host,
            "port": self.port,
            "security": self.plan.secure,
            "connections": self.plan.connections,
            "share": self.plan.share,
        }


def read_log(log: Path) -> list[list[str]]:
    """What relays took: Message-ID, recipient, relay, time, checksum of the bytes."""
    return [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []


def copies_in(log: Path, reference: str) -> Counter[str]:
    """How often which recipient's copy was taken. Every copy of one recipient has the same name and bytes."""
    mine = [row for row in read_log(log) if row[1].startswith(f"{reference}-")]
    assert len({(row[0], row[1], row[4]) for row in mine}) == len({row[1] for row in mine}), "a repeat differs"
    return Counter(row[1] for row in mine)


def describe(made: Sequence[Plan]) -> str:
    return "; ".join(map(str, made))
