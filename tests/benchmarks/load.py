"""Loads a server as people and dashboards do: `python -m tests.benchmarks.load ADDRESS` asks a
`jaxrig serve` of `Years()`, and says how long its answers took, as JSON.

Each client has a connection that it keeps, and asks anew as soon as it is answered. Hardly any two
ask for the same: whatever has a machine, a target, a case or a run in it is drawn for each request.
"""

import argparse
import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import quote, urlencode, urlsplit

from harness.report.site import addresses
from tests.benchmarks.years import Years

CLIENTS = 16
REQUESTS = 4000
"""Of all clients together."""

WARM_UP = 200
SEED = 1

Kind = Callable[["Drawn"], str]


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


def _asking(path: str, **asked: object) -> str:
    return f"/{path}?{urlencode(asked)}" if asked else f"/{path}"


def _case(drawn: Drawn) -> str:
    page = addresses.of_case(drawn.case())
    return _asking(page, machine=drawn.machine(), target=drawn.target())


def _cases(drawn: Drawn) -> str:
    asked = {"machine": drawn.machine(), "target": drawn.target(), "page": 1 + drawn.number(2)}
    return _asking("cases.html", **asked)


def _history(drawn: Drawn) -> str:
    return _asking("api/history", case=drawn.case(), machine=drawn.machine())


def _changes(drawn: Drawn) -> str:
    asked = {"machine": drawn.machine(), "target": drawn.target(), "offset": drawn.number(80)}
    return _asking("api/changes", **asked)


MIX: Sequence[tuple[str, int, Kind]] = (
    ("overview", 3, lambda drawn: _asking("index.html")),
    ("overview of a machine", 3, lambda drawn: _asking("index.html", machine=drawn.machine())),
    ("cases", 8, _cases),
    ("case", 22, _case),
    (
        "case, wherever it ran",
        1,
        lambda drawn: _asking(addresses.of_case(drawn.case()), everywhere="true"),
    ),
    ("runs", 4, lambda drawn: _asking("runs.html", page=1 + drawn.number(100))),
    ("runs of a machine", 4, lambda drawn: _asking("runs.html", machine=drawn.machine())),
    ("run", 18, lambda drawn: _asking(addresses.of_run(drawn.run()))),
    ("machines", 1, lambda drawn: _asking("machines.html", page=1 + drawn.number(5))),
    ("compare", 1, lambda drawn: _asking("compare.html", base=drawn.run(), candidate=drawn.run())),
    ("/api/history", 14, _history),
    ("/api/runs", 8, lambda drawn: _asking("api/runs", machine=drawn.machine())),
    ("/api/runs/{run}", 6, lambda drawn: _asking(f"api/runs/{quote(drawn.run())}")),
    ("/api/cases", 2, lambda drawn: _asking("api/cases", offset=drawn.number(90))),
    ("/api/machines", 2, lambda drawn: _asking("api/machines", offset=drawn.number(40))),
    ("/api/changes", 2, _changes),
    ("/api/regressions", 1, lambda drawn: _asking("api/regressions", machine=drawn.machine())),
)
"""What is asked for, and in how many of a hundred requests."""


@dataclass(kw_only=True)
class Took:
    """Seconds of every answer, by kind, and whatever was no good answer."""

    answers_s: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    bytes: int = 0

    def add(self, kind: str, took_s: float, size: int) -> None:
        self.answers_s.setdefault(kind, []).append(took_s)
        self.bytes += size


def load(address: str, *, clients: int = CLIENTS, requests: int = REQUESTS) -> dict[str, object]:
    """Raises AssertionError where any answer was not good."""
    years = Years()
    runs = _runs(address, years)
    _together(address, runs, years, clients, WARM_UP, SEED + 1)
    start = time.perf_counter()
    took = _together(address, runs, years, clients, requests, SEED)
    lasted_s = time.perf_counter() - start
    assert not took.wrong, took.wrong[:3]
    everything = [each for some in took.answers_s.values() for each in some]
    return {
        "clients": clients,
        "requests": len(everything),
        "requests_per_s": round(len(everything) / lasted_s, 1),
        "bytes": took.bytes,
        "p50_s": round(statistics.median(everything), 4),
        "p95_s": round(percentile(everything, 95), 4),
        "longest_s": round(max(everything), 4),
        "p95_s by kind": {
            kind: round(percentile(took.answers_s[kind], 95), 4)
            for kind, *_ in MIX
            if kind in took.answers_s
        },
    }


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest one that so many of a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * share // 100) - 1, 0)]


def _runs(address: str, years: Years) -> Sequence[str]:
    """Names of all, as the server tells them."""
    connection = _connected(address)
    count = years.machines * years.targets * years.nights
    found: list[str] = []
    while len(found) < count:
        connection.request("GET", f"/api/runs?limit=1000&offset={len(found)}")
        some = json.loads(connection.getresponse().read())
        assert some, f"{address} has {len(found)} runs, and not {count}: is it of Years()?"
        found += [run["run"] for run in some]
    connection.close()
    return found


def _together(
    address: str, runs: Sequence[str], years: Years, clients: int, requests: int, seed: int
) -> Took:
    took, lock = Took(), threading.Lock()

    def client(number: int) -> None:
        dice = random.Random(f"{seed}/{number}")  # noqa: S311 (the same each time)
        drawn = Drawn(years=years, runs=runs, dice=dice)
        connection = _connected(address)
        for _ in range(requests // clients):
            ((kind, _, make),) = dice.choices(MIX, [share for _, share, _ in MIX])
            path = make(drawn)
            start = time.perf_counter()
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            lasted_s = time.perf_counter() - start
            with lock:
                took.add(kind, lasted_s, len(body))
                if response.status != 200:
                    took.wrong.append(f"{path}: {response.status} {body[:200]!r}")
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def _connected(address: str) -> HTTPConnection:
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
