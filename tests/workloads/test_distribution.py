"""What dpkg's list tells of packages."""

import json
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from workloads.distribution import distribution, installed
from workloads.environment import software

STATUS = """\
Package: libc6
Status: install ok installed
Multi-Arch: same
Architecture: amd64
Version: 2.41-12
Description: GNU C Library
 Version: is not here
 .

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: adduser
Status: hold ok installed
Architecture: all
Version: 3.152~é
"""


def test_installed_packages_are_told_by_name_and_architecture(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(STATUS, encoding="utf-8")
    found = installed(status)
    assert found == {"adduser:all": "3.152~é", "libc6:amd64": "2.41-12"}
    assert list(found) == sorted(found)


def test_an_empty_list_is_not_the_same_as_none(tmp_path: Path) -> None:
    (tmp_path / "status").touch()
    assert installed(tmp_path / "status") == {}
    assert installed(tmp_path / "nothing") is None


def test_bytes_that_are_no_text_are_not_the_end(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_bytes(STATUS.encode().replace("é".encode(), b"\xff"))
    found = installed(status)
    assert found is not None
    assert json.dumps(found["adduser:all"]) == '"3.152~\\ufffd"'


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="no dpkg here")
def test_it_tells_what_dpkg_tells() -> None:
    query = [
        "dpkg-query",
        "-W",
        "-f",
        "${db:Status-Status} ${Package}:${Architecture} ${Version}\n",
    ]
    lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    told = [line.split() for line in lines]
    found = distribution()
    assert found is not None
    assert found["packages"] == {
        name: version for state, name, version in told if state == "installed"
    }
    assert found["name"] == platform.freedesktop_os_release()["ID"]
    assert software()["distribution"] == found
