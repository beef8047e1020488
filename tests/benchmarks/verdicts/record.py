"""Results as they come, a JSON object a line: what was measured is kept, and not measured again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Result = dict[str, Any]


class Other(Exception):
    """The record is of another image or rule."""


class Record:
    """Of one image and rule (`identity`, the first line); each result names the machine that it was
    measured on. Raises `Other`."""

    def __init__(self, path: Path, identity: Mapping[str, Any], machine: str | None = None) -> None:
        self._path, self._machine = path, machine
        self.identity = dict(identity)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append({"identity": self.identity})
        first, *lines = map(json.loads, path.read_text().splitlines())
        if first != {"identity": self.identity}:
            raise Other(
                f"{path} is of {first.get('identity')}, not of {self.identity}: move it away, "
                "or name another folder (--state)"
            )
        self.results: dict[str, Result] = {line["id"]: line["result"] for line in lines}
        self.machines: dict[str, str] = {line["id"]: line["machine"] for line in lines}

    def add(self, name: str, result: Result) -> None:
        if self._machine is None:
            raise ValueError("a record without a machine is only read")
        self.results[name], self.machines[name] = result, self._machine
        self._append({"id": name, "machine": self._machine, "result": result})

    def _append(self, line: Mapping[str, Any]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
