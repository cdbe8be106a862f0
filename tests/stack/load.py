"""Constant load: threads that send requests with known responses and count failures and wrong responses."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

RIGHT, FAILED, CUT, WRONG = "right", "failed", "cut", "wrong"  # cut: a correct response that is incomplete


@dataclass(frozen=True)
class Question:
    """A request and its expected response: the status, and the body if it is constant."""

    name: str
    method: str
    path: str
    status: int
    body: bytes | None = None


@dataclass
class Seen:
    """The result of one request, its end (seconds since the load began), and its duration."""

    question: str
    method: str
    outcome: str
    what: str
    ended: float
    seconds: float


@dataclass
class Load:
    """Load on the site at *port* during the with block; *seen* has the result of every request."""

    port: int
    token: str
    questions: list[Question]
    long: Question | None = None  # a download, which a separate thread repeats
    threads: int = 8
    seen: list[Seen] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._end, self._began = threading.Event(), time.monotonic()
        turns = [self.questions[at % len(self.questions) :] + self.questions for at in range(self.threads)]
        turns += [[self.long]] if self.long else []
        self._running = [threading.Thread(target=self._ask_on, args=(cycle(turn),)) for turn in turns]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._end.set()
        for thread in self._running:
            thread.join()

    @property
    def now(self) -> float:
        """Return the seconds since the load began."""
        return time.monotonic() - self._began

    def outcomes(self, method: str | None = None) -> Counter:
        """Return the number of requests by result, optionally of one *method*."""
        return Counter(seen.outcome for seen in self.seen if method in (None, seen.method))

    def bad(self) -> list[Seen]:
        """Return the requests with a wrong response."""
        return [seen for seen in self.seen if seen.outcome != RIGHT]

    def summary(self) -> str:
        """Return a summary in one line."""
        lasted = max((seen.ended for seen in self.seen), default=0)
        slowest = max((seen.seconds for seen in self.seen), default=0)
        gets, posts = self.outcomes("GET"), self.outcomes("POST")
        return (
            f"{len(self.seen)} requests in {lasted:.0f} s ({len(self.seen) / max(lasted, 1):.0f} a second): "
            f"GET {dict(gets)}, POST {dict(posts)}; the slowest took {slowest:.2f} s"
        )

    def _ask_on(self, questions: Iterator[Question]) -> None:
        connection = None
        for question in questions:
            if self._end.is_set():
                break
            start = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("localhost", self.port, timeout=60)
                outcome, what = self._ask(connection, question)
            except (OSError, http.client.HTTPException) as error:
                outcome, what = FAILED, repr(error)
            if outcome != RIGHT and connection:
                connection.close()
                connection = None
            ended = time.monotonic()
            took = ended - start
            self.seen.append(Seen(question.name, question.method, outcome, what, ended - self._began, took))
        if connection:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, question: Question) -> tuple[str, str]:
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request(question.method, question.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status >= 500:
            return FAILED, f"{answer.status} {body[:200]!r}"
        if answer.status == question.status and question.body in (None, body):
            return RIGHT, ""
        is_cut = answer.status == question.status and question.body.startswith(body)
        return CUT if is_cut else WRONG, f"{answer.status} {len(body)} bytes: {body[:200]!r}"


def learn(port: int, token: str, name: str, path: str, method: str = "GET", status: int = 200) -> Question:
    """Send one request and record its result."""
    connection = http.client.HTTPConnection("localhost", port, timeout=60)
    connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == status, f"{path}: {answer.status} {body[:300]!r}"
    return Question(name, method, path, status, body)
