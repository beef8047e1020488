"""Loads a server as people and dashboards do: `python -m tests.benchmarks.load ADDRESS` asks a
`jaxrig serve` of `Years()`, and says how long its answers took, as JSON.

Each client has a connection that it keeps, and asks anew as soon as it is answered. A machine, a
target, a case or a run is drawn for each request, so that hardly any two ask for the same; now and
then one asks again for what it saw lately, as a browser does, and as a dashboard that polls.
"""

import argparse
import json
import random
import statistics
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from harness.report.site import addresses
from tests.benchmarks.years import Years

CLIENTS = 16
REQUESTS = 4000
"""Of all clients together."""

WARM_UP = 400
SEED = 1

AGAIN = 0.2
"""So often a client asks for one of the addresses that it saw lately, and tells what it knows."""

LATELY = 10


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What one client asks for. `runs`: names of all."""

    years: Years
    runs: Sequence[str]
    dice: random.Random

    def machine(self) -> str:
        return self.years.fingerprint(self.dice.randrange(self.years.machines))

    def target(self) -> str:
        return self.years.target(self.dice.randrange(self.years.targets))

    def case(self) -> str:
        return self.years.case(self.dice.randrange(self.years.cases))

    def run(self) -> str:
        return self.dice.choice(self.runs)

    def number(self, most: int) -> int:
        return self.dice.randrange(most)


Make = Callable[[Drawn], str]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`share`: of a thousand new requests."""

    name: str
    share: int
    make: Make


def _asking(path: str, **asked: object) -> str:
    return f"/{path}?{urlencode(asked)}" if asked else f"/{path}"


def _there(drawn: Drawn) -> dict[str, object]:
    return {"machine": drawn.machine(), "target": drawn.target()}


def _everywhere(drawn: Drawn) -> str:
    return _asking(addresses.of_case(drawn.case()), everywhere="true")


def _compared(drawn: Drawn) -> str:
    return _asking("compare.html", base=drawn.run(), candidate=drawn.run())


MIX = (
    Kind(name="overview", share=30, make=lambda _: _asking("index.html")),
    Kind(
        name="overview of a machine",
        share=20,
        make=lambda d: _asking("index.html", machine=d.machine()),
    ),
    Kind(
        name="cases",
        share=70,
        make=lambda d: _asking("cases.html", page=1 + d.number(2), **_there(d)),
    ),
    Kind(
        name="case",
        share=240,
        make=lambda d: _asking(addresses.of_case(d.case()), **_there(d)),
    ),
    Kind(name="case, wherever it ran", share=10, make=_everywhere),
    Kind(name="runs", share=40, make=lambda d: _asking("runs.html", page=1 + d.number(100))),
    Kind(
        name="runs of a machine",
        share=40,
        make=lambda d: _asking("runs.html", machine=d.machine()),
    ),
    Kind(name="run", share=190, make=lambda d: _asking(addresses.of_run(d.run()))),
    Kind(name="machines", share=15, make=lambda d: _asking("machines.html", page=1 + d.number(5))),
    Kind(name="compare", share=5, make=_compared),
    Kind(
        name="/api/history",
        share=140,
        make=lambda d: _asking("api/history", case=d.case(), machine=d.machine()),
    ),
    Kind(name="/api/runs", share=80, make=lambda d: _asking("api/runs", machine=d.machine())),
    Kind(name="/api/runs/{run}", share=50, make=lambda d: _asking(f"api/runs/{d.run()}")),
    Kind(name="/api/cases", share=20, make=lambda d: _asking("api/cases", offset=d.number(90))),
    Kind(
        name="/api/machines", share=20, make=lambda d: _asking("api/machines", offset=d.number(40))
    ),
    Kind(
        name="/api/changes",
        share=20,
        make=lambda d: _asking("api/changes", offset=d.number(80), **_there(d)),
    ),
    Kind(
        name="/api/regressions",
        share=10,
        make=lambda d: _asking("api/regressions", machine=d.machine()),
    ),
)
assert sum(each.share for each in MIX) == 1000


@dataclass(kw_only=True)
class Took:
    """Seconds of every answer, by kind, and whatever was no good answer."""

    answers_s: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    bytes: int = 0
    unchanged: int = 0
    addresses: set[str] = field(default_factory=set)

    @property
    def all_s(self) -> list[float]:
        return [each for some in self.answers_s.values() for each in some]


@dataclass(kw_only=True)
class Client:
    """One that asks, on a connection of its own."""

    address: str
    drawn: Drawn
    lately: deque[tuple[str, str, str]] = field(default_factory=lambda: deque(maxlen=LATELY))
    """Kind, path, and the tag that came with it."""

    def ask(self, requests: int, took: Took, lock: threading.Lock) -> None:
        connection = connected(self.address)
        for _ in range(requests):
            kind, path, known = self._next()
            start = time.perf_counter()
            connection.request("GET", path, headers={"If-None-Match": known} if known else {})
            response = connection.getresponse()
            body = response.read()
            lasted_s = time.perf_counter() - start
            self.lately.append((kind, path, response.headers.get("ETag", "")))
            with lock:
                took.answers_s.setdefault(kind, []).append(lasted_s)
                took.bytes += len(body)
                took.unchanged += response.status == 304
                took.addresses.add(path)
                if response.status not in (200, 304):
                    took.wrong.append(f"{path}: {response.status} {body[:200]!r}")
        connection.close()

    def _next(self) -> tuple[str, str, str]:
        dice = self.drawn.dice
        if self.lately and dice.random() < AGAIN:
            return dice.choice(self.lately)
        (kind,) = dice.choices(MIX, [each.share for each in MIX])
        return kind.name, kind.make(self.drawn), ""


def load(address: str, *, clients: int = CLIENTS, requests: int = REQUESTS) -> dict[str, object]:
    """Raises AssertionError where any answer was not good."""
    runs = names_of_runs(address)
    _together(address, runs, clients, WARM_UP, SEED + 1)
    start = time.perf_counter()
    took = _together(address, runs, clients, requests, SEED)
    lasted_s = time.perf_counter() - start
    assert not took.wrong, took.wrong[:3]
    return {
        "clients": clients,
        "requests": len(took.all_s),
        "addresses": len(took.addresses),
        "unchanged": took.unchanged,
        "bytes": took.bytes,
        "requests_per_s": round(len(took.all_s) / lasted_s, 1),
        "p50_s": round(statistics.median(took.all_s), 4),
        "p95_s": round(percentile(took.all_s, 95), 4),
        "longest_s": round(max(took.all_s), 4),
        "by_kind": {
            each.name: _summary(took.answers_s[each.name])
            for each in MIX
            if each.name in took.answers_s
        },
    }


def _summary(answers_s: Sequence[float]) -> dict[str, float]:
    p50, p95 = (round(percentile(answers_s, share), 4) for share in (50, 95))
    return {"requests": len(answers_s), "p50_s": p50, "p95_s": p95}


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest one that so many of a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * share // 100) - 1, 0)]


def names_of_runs(address: str) -> Sequence[str]:
    """Names of all, as the server tells them."""
    years, connection = Years(), connected(address)
    count = years.machines * years.targets * years.nights
    found: list[str] = []
    while len(found) < count:
        connection.request("GET", f"/api/runs?limit=1000&offset={len(found)}")
        some = json.loads(connection.getresponse().read())
        assert some, f"{address} has {len(found)} runs, and not {count}: is it of Years()?"
        found += [run["run"] for run in some]
    connection.close()
    return found


def _together(address: str, runs: Sequence[str], clients: int, requests: int, seed: int) -> Took:
    took, lock = Took(), threading.Lock()
    asking = [
        Client(
            address=address,
            drawn=Drawn(years=Years(), runs=runs, dice=random.Random(f"{seed}/{number}")),  # noqa: S311
        )
        for number in range(clients)
    ]
    threads = [
        threading.Thread(target=each.ask, args=(requests // clients, took, lock)) for each in asking
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def connected(address: str) -> HTTPConnection:
    place = urlsplit(address)
    assert place.hostname is not None, f"{address} is no address of a server"
    return HTTPConnection(place.hostname, place.port, timeout=60)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load")
    parser.add_argument("address", help="as `jaxrig serve` says it")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    arguments = parser.parse_args(argv)
    told = load(arguments.address, clients=arguments.clients, requests=arguments.requests)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
