"""Starts it, by QEMU without KVM: some ten times as slow as this one, and the same everywhere."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.need import need

_HERE = Path(__file__).parent
_PACKAGES = ("linux-image-amd64", "busybox-static")
_MODULES = (
    *("net/9p", "fs/9p", "fs/netfs", "fs/fscache", "drivers/virtio"),
    *("fs/ext4", "fs/jbd2", "fs/mbcache.ko", "fs/overlayfs", "drivers/block"),
    *("crypto", "arch/x86/crypto", "lib"),
)
"""Of the kernel: folders of another machine, a disk, and what these two need."""
_LISTS = ("modules.order", "modules.builtin", "modules.builtin.modinfo")


def run_inside(folder: Path, program: str, timeout_s: float) -> str:
    """What a shell program prints in the machine, in which `folder` is /shared.

    Raises AssertionError with that where its exit status is not 0.
    """
    need(shutil.which("qemu-system-x86_64"), "QEMU (on Debian: apt-get install qemu-system-x86)")
    need(shutil.which("mkfs.ext4"), "mkfs.ext4 (on Debian: apt-get install e2fsprogs)")
    shutil.copy(_HERE / "main.sh", folder)
    (folder / "asked.sh").write_text(program)
    parts = folder / "parts"
    packages = _packages(parts)
    _write_files(packages, parts / "first")
    console = _run(*_machine(folder, packages, parts), timeout_s=timeout_s)
    log, status = folder / "log", folder / "status"
    assert status.exists(), console
    assert status.read_text() == "0\n", log.read_text()
    return log.read_text()


def _machine(folder: Path, packages: Path, parts: Path) -> Iterator[str]:
    """The command that starts it. In `parts` lies its first disk, which it begins with."""
    disk, kernel = parts / "disk", next((packages / "boot").glob("vmlinuz-*"))
    with disk.open("wb") as file:
        file.truncate(20 << 30)
    _run("mkfs.ext4", "-q", "-F", str(disk))
    yield from ("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,la57=off")
    yield from ("-smp", "2", "-m", "4G", "-nographic", "-no-reboot", "-nic", "none")
    yield from ("-kernel", str(kernel), "-initrd", str(parts / "first.cpio"))
    yield from ("-append", "console=ttyS0 panic=1 quiet")
    plain = "security_model=none,multidevs=remap"
    yield from ("-virtfs", f"local,path=/,mount_tag=files,readonly=on,{plain}")
    yield from ("-virtfs", f"local,path={folder},mount_tag=shared,{plain}")
    yield from ("-drive", f"file={disk},if=virtio,format=raw,cache=unsafe")


def _packages(folder: Path) -> Path:
    """Where a kernel and a shell of this distribution's packages are unpacked."""
    folder.mkdir()
    depends = _run("apt-cache", "depends", "--important", *_PACKAGES)
    kernel = next(word for word in depends.split() if word.startswith("linux-image-6"))
    _run("apt-get", "download", "-qq", kernel, "busybox-static", cwd=folder)
    for package in folder.glob("*.deb"):
        _run("dpkg", "-x", str(package), str(folder / "packages"))
    return folder / "packages"


def _write_files(packages: Path, folder: Path) -> None:
    """What the kernel starts with: a shell, its program and modules, packed beside `folder`."""
    (modules,) = (packages / "lib" / "modules").iterdir()
    kept = folder / "lib" / "modules" / modules.name
    for part in _MODULES:
        target = kept / "kernel" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        _run("cp", "-r", str(modules / "kernel" / part), str(target))
    for name in _LISTS:
        shutil.copy(modules / name, kept)
    shell = packages / "bin" / "busybox"
    _run(str(shell), "depmod", "-b", str(folder), modules.name)
    (folder / "bin").mkdir()
    shutil.copy(shell, folder / "bin")
    shutil.copy(_HERE / "init.sh", folder / "init")
    pack = "find . | bin/busybox cpio -o -H newc >../first.cpio"
    _run("bash", "-c", pack, cwd=folder)


def _run(*words: str, cwd: Path | None = None, timeout_s: float = 300) -> str:
    done = subprocess.run(
        words,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{words[0]}: {done.stderr[-2000:]}"
    return done.stdout
