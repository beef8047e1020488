"""What pip would install, as requirements with exactly that version and content.

`python missing.py REPORT`, where REPORT is of `pip install --dry-run --report`: see
https://pip.pypa.io/en/stable/reference/installation-report/.
"""

import json
import sys
from pathlib import Path
from typing import Any


def requirement(install: dict[str, Any]) -> str:
    """One line of a requirements file."""
    origin, metadata = install["download_info"], install["metadata"]
    if not install["is_direct"]:
        return f"{metadata['name']}=={metadata['version']}"
    vcs = origin.get("vcs_info")
    url = f"{vcs['vcs']}+{origin['url']}@{vcs['commit_id']}" if vcs else origin["url"]
    return f"{metadata['name']} @ {url}"


def content(install: dict[str, Any]) -> str:
    """The hash of an archive, as pip's option; nothing where there is none."""
    hashes = install["download_info"].get("archive_info", {}).get("hashes", {})
    return f" --hash=sha256:{hashes['sha256']}" if "sha256" in hashes else ""


def main(report: Path) -> None:
    """Prints a requirements file."""
    installs = json.loads(report.read_text())["install"]
    # pip wants a hash of all or of none.
    hashed = all(map(content, installs))
    for install in installs:
        sys.stdout.write(f"{requirement(install)}{content(install) if hashed else ''}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
