"""Result files of pytest-benchmark, asv, pyperf and Google Benchmark, told by their content."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.exchange import asv, google_benchmark, pyperf, pytest_benchmark
from harness.exchange.foreign import ForeignRun
from harness.exchange.reading import Document, document, reading

# Which tool wrote a file, by the keys that only it writes together.
_SIGNS = (
    (frozenset({"benchmarks", "machine_info"}), pytest_benchmark.read),
    (frozenset({"benchmarks", "context"}), google_benchmark.read),
    (frozenset({"results", "result_columns"}), None),  # asv, which needs its neighbours
    (frozenset({"benchmarks", "version"}), pyperf.read),
)
_DEFINITIONS = "benchmarks.json"
_NO_RESULTS = (_DEFINITIONS, "machine.json")
_SUFFIXES = (".json", ".json.gz")

Definitions = Mapping[str, asv.Definition]


def read(path: Path) -> list[ForeignRun]:
    """Every run in a file, or in the files beneath a folder. Raises `UsageError` that names the
    file, and what in it does not fit."""
    return list(read_each(path))


def read_each(path: Path) -> Iterator[ForeignRun]:
    """As `read`, one file at a time: what was read before a bad file is kept."""
    definitions = dict[Path, Definitions]()
    for file in files(path):
        yield read_file(file, definitions)


def files(path: Path) -> list[Path]:
    """The file, or those beneath a folder that may hold results. Raises `UsageError` where there
    is none: what asv writes beside its results is none."""
    if not path.is_dir():
        return [path]
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.name.endswith(_SUFFIXES) and not file.is_dir() and not _is_asv_s(file)
    ]
    if not found:
        raise UsageError(f"cannot import {path}: no .json or .json.gz file in that folder")
    return found


def read_file(path: Path, definitions: dict[Path, Definitions]) -> ForeignRun:
    """The run in a file. `definitions`: of asv, by file; what is read of them is put there."""
    with reading(path):
        found = document(path)
        for keys, reader in _SIGNS:
            if keys <= found.content.keys():
                return reader(found) if reader else _read_asv(path, found, definitions)
        raise ValueError(
            "no results of pytest-benchmark, asv, pyperf or Google Benchmark; its keys are "
            + (", ".join(sorted(found.content)[:8]) or "none")
        )


def _is_asv_s(path: Path) -> bool:
    """Whether it is asv's list of benchmarks or its words on the machine, and not results of the
    same name. What cannot be read is neither: it will be told."""
    if path.name not in _NO_RESULTS:
        return False
    try:
        with reading(path):
            return asv.is_beside_results(document(path).content)
    except UsageError:
        return False


def _read_asv(path: Path, found: Document, definitions: dict[Path, Definitions]) -> ForeignRun:
    """`benchmarks.json`, which tells units, lies a folder above a machine's results."""
    beside = path.absolute().parent.parent / _DEFINITIONS
    if beside not in definitions:
        definitions[beside] = _definitions(beside)
    return asv.read(found, definitions[beside])


def _definitions(path: Path) -> Definitions:
    if not path.is_file():
        return {}
    with reading(path):
        return asv.definitions(document(path))
