"""A real PostgreSQL server of the tests' own: in a fresh folder, gone with the process."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Self

import psycopg

USER = "jaxrig"
PASSWORD = "not:a/secret@all"  # noqa: S105

_PATIENCE_S = 60.0


def programs() -> Path | None:
    """The folder of the newest server's programs; None where there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0))
    on_path = shutil.which("postgres")
    return None if on_path is None else Path(on_path).resolve().parent


class Server:
    """Answers on a socket in its folder, and with passwords on 127.0.0.1.

    PostgreSQL refuses to run as root: there it runs as nobody.
    """

    def __init__(self, folder_of_programs: Path) -> None:
        self._programs = folder_of_programs
        # Not beneath pytest's folders, which are root's alone; sockets need a short path as well.
        self.folder = Path(tempfile.mkdtemp(prefix="jaxrig-pg-", dir="/tmp"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)

    def __enter__(self) -> Self:
        try:
            if os.geteuid() == 0:
                os.chown(self.folder, *_nobody())
            self._initialise()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def url(self, name: str = "postgres", *, user: str = USER) -> str:
        """Through the socket, where the server trusts everyone."""
        return f"postgresql+psycopg://{user}@/{name}?host={self.folder}&port={self.port}"

    def tcp_url(self, name: str = "postgres", *, login: str = USER) -> str:
        """Through the network, where it wants a password. `login`: USER or USER:PASSWORD."""
        return f"postgresql+psycopg://{login}@127.0.0.1:{self.port}/{name}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database, which is dropped at the end, whoever is in it."""
        name = f"test{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """As the superuser, outside of transactions."""
        with self.connect(database) as connection:
            connection.execute(statement.encode())

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.folder), port=self.port, user=USER, dbname=database, autocommit=True
        )

    def start(self) -> None:
        """Returns once the server answers."""
        settings = {
            "unix_socket_directories": self.folder,
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            # Nothing here has to outlive a power cut.
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
            "max_connections": "25",
            "autovacuum": "off",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self.folder / "data"), *words),
                cwd=self.folder,
                env=_environment(),
                stdout=log,
                stderr=log,
            )
        self._wait_for_answer()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends sessions with a word to each, SIGQUIT is like a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_S)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.stop(how)
        self.start()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def _initialise(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)  # for nobody's eyes, in a folder that is nobody's alone
        subprocess.run(
            self._command(
                *("initdb", "-D", str(self.folder / "data"), f"--username={USER}"),
                *("--pwfile", str(password), "--auth-local=trust", "--auth-host=scram-sha-256"),
                *("--encoding=UTF8", "--locale=C", "--no-sync"),
            ),
            cwd=self.folder,
            env=_environment(),
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _command(self, program: str, *words: str) -> Sequence[str]:
        # Tests that are killed take their server with them.
        how = ["setpriv", "--pdeathsig=QUIT"]
        if os.geteuid() == 0:
            user, group = _nobody()
            how += [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        return [*how, str(self._programs / program), *words]

    def _wait_for_answer(self) -> None:
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                assert self._process is not None
                ended = self._process.poll() is not None
                if ended or time.monotonic() > end:
                    raise RuntimeError(f"no server came up:\n{self.log.read_text()}") from None
                time.sleep(0.02)
            else:
                return


def _nobody() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _environment() -> dict[str, str]:
    """The locale is the tests': what they read is what the server says in English."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "Asia/Kolkata"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
