"""Files of a site: only what changed is written, and only its own ever go."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.report.site.files import MANIFEST, Part, Written, write_site
from tests.checkout import ROOT


def one(name: str, content: bytes) -> Part:
    return lambda: [(name, content)]


def test_what_is_as_it_was_is_not_written(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    pages = [one("index.html", b"1"), one("run/a.html", b"2")]
    assert write_site(folder, pages) == Written(files=2, written=2, removed=0)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert write_site(folder, [*pages[:1], one("run/a.html", b"3")]).written == 1
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {path.name for path in before if before[path] != after[path]} == {"a.html"}
    assert (folder / "run" / "a.html").read_bytes() == b"3"


def test_what_is_no_longer_part_of_it_goes_and_nothing_else(tmp_path: Path) -> None:
    write_site(tmp_path / "site", [one("index.html", b"1"), one("run/a.html", b"2")])
    other = tmp_path / "site" / "run" / "mine.txt"
    other.write_text("mine")
    assert write_site(tmp_path / "site", [one("index.html", b"1")]).removed == 1
    assert other.exists()
    assert not (tmp_path / "site" / "run" / "a.html").exists()


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(UsageError, match="holds other things"):
        write_site(tmp_path, [one("index.html", b"1")])
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', "{}"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(UsageError, match="is damaged"):
        write_site(tmp_path, [one("index.html", b"1")])


def test_a_manifest_that_names_files_elsewhere_removes_none(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    site = tmp_path / "site"
    site.mkdir()
    (site / MANIFEST).write_text(f'{{"files": ["../mine", "{tmp_path}/mine"]}}')
    write_site(site, [one("index.html", b"1")])
    assert (tmp_path / "mine").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is no folder"):
        write_site(tmp_path / "file", [])


SEVERAL = """
import os, sys
from functools import partial
from pathlib import Path
from harness.report.site.files import write_site

def part(number):
    if number == int(sys.argv[2]):
        raise ValueError("part %s is wrong" % number)
    yield "%s.html" % number, str(os.getpid()).encode()

print(write_site(Path(sys.argv[1]), [partial(part, each) for each in range(7)], 3))
"""
"""In a process of its own: this one has threads, which no copy of it would have."""


def several(site: Path, wrong: int = -1) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SEVERAL, str(site), str(wrong)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_several_processes_make_what_one_would(tmp_path: Path) -> None:
    done = several(tmp_path / "site")
    assert done.stdout == f"{Written(files=7, written=7, removed=0)}\n", done.stderr
    made = {path.name: path.read_text() for path in (tmp_path / "site").glob("*.html")}
    assert sorted(made) == [f"{number}.html" for number in range(7)]
    assert made["0.html"] == made["3.html"] == made["6.html"]
    assert len(set(made.values())) > 1


@pytest.mark.parametrize("wrong", range(3))
def test_what_goes_wrong_in_any_of_them_is_told(tmp_path: Path, wrong: int) -> None:
    done = several(tmp_path / "site", wrong)
    assert done.returncode == 1
    assert f"part {wrong} is wrong" in done.stderr
    assert not (tmp_path / "site" / MANIFEST).exists()
