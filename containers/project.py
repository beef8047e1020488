"""A project that a target measures, as it goes into an image: a revision, or what lies there."""

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from containers.errors import ImageUnavailable
from containers.own import MOST_BYTES, MOST_FILES

_GIT_LIMIT_S = 120
_SECRETS = (".env", ".env.*", ".envrc", ".netrc", ".pypirc", ".git-credentials", "*.pem", "*.key")
"""Stay out where nobody committed them: what is built of a project may be handed on."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """The Python project in `folder`. `revision`: a commit of its repository; None: the working
    tree as it is, but for what git ignores, and files that are known to hold secrets and are not
    committed."""

    folder: Path
    revision: str | None = None

    def files(self) -> dict[str, bytes]:
        """Contents by path from the folder. Raises `ImageUnavailable` for what cannot be taken."""
        found = dict(self._archived() if self.revision else self._present())
        size = sum(map(len, found.values()))
        if size > MOST_BYTES or len(found) > MOST_FILES:
            raise ImageUnavailable(
                f"project {self.folder} holds more than {MOST_BYTES >> 20} MiB or {MOST_FILES:,} "
                "files, all of which would go into the image; keep data out of it (.gitignore)"
            )
        if not {"pyproject.toml", "setup.py"} & found.keys():
            raise ImageUnavailable(
                f"project {self._name()} has neither pyproject.toml nor setup.py: "
                "pip cannot install it"
            )
        return found

    def _archived(self) -> Iterator[tuple[str, bytes]]:
        """What `git archive` takes of the revision: of the folder, if it lies below the top."""
        archive = self._git("archive", "--format=tar", str(self.revision))
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for entry in tar:
                content = tar.extractfile(entry) if entry.isfile() else None
                if content is not None:
                    yield entry.name, content.read()

    def _present(self) -> Iterator[tuple[str, bytes]]:
        # Every run writes to its database, maybe in this folder: it would make another image.
        left_out = [f"--exclude={each}" for each in ("results.db*", *_SECRETS)]
        chosen = ("--cached", "--others", "--exclude-standard", *left_out)
        listed = self._git("ls-files", "-z", *chosen)
        for name in sorted(filter(None, listed.split(b"\0"))):
            path = self.folder / os.fsdecode(name)
            if path.is_file():  # what was deleted is still in the index; a submodule is a folder
                yield os.fsdecode(name), path.read_bytes()

    def _git(self, *words: str) -> bytes:
        if not self.folder.is_dir():
            raise ImageUnavailable(
                f"project {self._name()}: there is no such folder; correct `project` of this "
                "target in jaxrig.toml"
            )
        try:
            done = subprocess.run(
                ["git", *words],
                cwd=self.folder,
                capture_output=True,
                check=True,
                timeout=_GIT_LIMIT_S,
            )
        except subprocess.CalledProcessError as error:
            reason = error.stderr.decode(errors="replace").strip()
            raise ImageUnavailable(
                f"project {self._name()}: git {words[0]}: {reason}; `project` of a target is a "
                "folder of a git repository"
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ImageUnavailable(f"project {self._name()}: {error}") from error
        return done.stdout

    def _name(self) -> str:
        return f"{self.folder}@{self.revision}" if self.revision else str(self.folder)
