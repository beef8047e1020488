"""The JSON Schema of jaxrig.toml says what jaxrig takes, and no more than it can."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from harness.config import FILE_NAME, load
from harness.errors import UsageError
from harness.schema import as_text, schema
from tests.checkout import ROOT

MINE = '[targets.mine]\nplatform = "cpu"\ndockerfile = "x"\n'
VALIDATOR = Draft7Validator(schema())


def examples() -> Iterator[Any]:
    """What the documents show of a jaxrig.toml."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for text in re.findall(r"(?ms)^```toml\n(.*?)^```", path.read_text()):
            if re.search(r"(?m)^\[(targets|suites|floors)\b", text):
                yield pytest.param(text, id=f"{path.name}: {text.splitlines()[0]}")


def mistakes(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def is_taken(folder: Path, text: str) -> bool:
    (folder / FILE_NAME).write_text(text)
    try:
        load(folder)
    except UsageError:
        return False
    return True


def test_the_documented_schema_is_that_of_the_models() -> None:
    Draft7Validator.check_schema(schema())
    kept = (ROOT / "docs/jaxrig.schema.json").read_text()
    assert kept == as_text(), "run `make schema`"


def test_every_key_is_described() -> None:
    found = schema()
    for table in (found, *found["$defs"].values()):
        for key, about in table["properties"].items():
            assert about["description"].endswith("."), key


def test_every_key_of_a_target_is_documented_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| `(\w+)` \| ", (ROOT / "docs/targets.md").read_text())
    assert set(rows) == set(schema()["$defs"]["Target"]["properties"])


@pytest.mark.parametrize("text", list(examples()))
def test_what_the_documents_show_is_taken(tmp_path: Path, text: str) -> None:
    assert mistakes(text) == []
    assert is_taken(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[targets.mine]\nextends = "cpu"\n',
        '[targets.mine]\nplatform = "cpu"\nimage = "sha256:0f"\n',
        '[targets.mine]\nplatform = "cpu"\nisolation = "process"\n',
        MINE + "gpus = true\n",
        MINE + 'gpus = "0,GPU-8d2a"\n',
        MINE + 'memory = "1.5 GiB"\n',
        MINE + "memory = 1073741824\n",
        MINE + 'cpus = "0-3,8"\n',
        MINE + 'env = { A_1 = "x" }\n',
        "[suites.mine]\ncases = []\nlaunches = 1000\n",
    ],
)
def test_what_jaxrig_takes_the_schema_takes(tmp_path: Path, text: str) -> None:
    assert is_taken(tmp_path, text)
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "[target.mine]\n",
        "targets = 3\n",
        "[targets]\nmine = 3\n",
        '[targets.Mine]\nextends = "cpu"\n',
        "[targets.mine]\nextends = 3\n",
        '[targets.mine]\nplatform = "cpu"\n',
        MINE + 'image = "x"\n',
        '[targets.mine]\nplatform = "cpu"\nimage = "x"\nbase = "y"\n',
        '[targets.mine]\nplatform = "cpu"\nimage = "x"\njax = "0.9.2"\n',
        MINE + 'colour = "red"\n',
        MINE.replace('"cpu"', '"gpu"'),
        MINE + "gpus = 0\n",
        MINE + 'gpus = "all"\n',
        MINE + 'memory = "8GB"\n',
        MINE + "shm = 5\n",
        MINE + 'cpus = "0-"\n',
        MINE + "pids = 0\n",
        MINE + 'pids = "many"\n',
        MINE + "case_limit_s = 0\n",
        MINE + 'isolation = "chroot"\n',
        MINE + 'xla_flags = "xla_a"\n',
        MINE + "env = { A = 1 }\n",
        MINE + 'env = { "A=B" = "x" }\n',
        "[suites.mine]\nlaunches = 3\n",
        "[suites.mine]\ncases = [1]\n",
        '[floors]\n"*" = 2.0\n',
    ],
)
def test_what_jaxrig_refuses_the_schema_refuses(tmp_path: Path, text: str) -> None:
    assert not is_taken(tmp_path, text)
    assert mistakes(text)
