"""The doctor says of each part whether it is well, and how to mend it where it is not."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import docker
import pytest

from containers.accelerators import accelerator, missing
from harness import doctor
from harness.cli import dispatch
from harness.doctor import Finding, examine
from harness.store.writer import Store
from tests.harness.nvidia_smi import with_nvidia_smi
from tests.nodes import Nodes

CHECKS = {
    "engine",
    "base image",
    "proxy and CA",
    "CPU governor",
    "memory",
    "disk (results)",
    "GPU",
    "AMD GPU, TPU",
    "JAX for --isolation process",
    "database",
}


def found(url: str) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(url)}


class _Ailing(BaseHTTPRequestHandler):
    """An engine that says hello and fails at everything else."""

    def do_GET(self) -> None:
        well = self.path.endswith(("/_ping", "/version"))
        self.send_response(200 if well else 500)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(
            b'{"ApiVersion": "1.41", "Version": "20.10"}' if well else b'{"message": "ailing"}'
        )

    def log_message(self, *words: object) -> None:
        """Nothing on stderr."""


@contextmanager
def ailing_engine() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Ailing) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


def test_with_an_engine_all_of_it_is_looked_at(engine: docker.DockerClient, url: str) -> None:
    findings = found(url)
    assert set(findings) == CHECKS | {"disk (engine)"}
    assert findings["engine"].status == "ok"
    assert findings["engine"].found.startswith("Docker ")
    assert findings["disk (engine)"].status in ("ok", "warn")


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_the_rest_is_still_looked_at(url: str) -> None:
    findings = found(url)
    assert set(findings) == CHECKS
    assert findings["engine"].status == "fail"
    assert "docker/engine.sh start" in findings["engine"].mend
    assert findings["base image"].status == "warn"


def test_in_a_folder_that_is_gone_the_rest_is_still_looked_at(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_engine: None
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert set(found(url)) == CHECKS


def test_an_engine_that_answers_but_cannot_describe_itself_is_a_failure(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ailing_engine() as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        finding = found(url)["engine"]
    assert finding.status == "fail"
    assert "describe itself" in finding.found


@pytest.mark.usefixtures("no_engine")
def test_every_check_that_is_not_well_says_what_to_do(url: str) -> None:
    sick = [each for each in examine(url) if each.status == "fail"]
    assert sick
    assert all(each.mend for each in sick)


@pytest.mark.usefixtures("no_engine")
def test_a_ca_bundle_that_is_not_there_is_found(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "gone.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    finding = found(url)["proxy and CA"]
    assert (finding.status, finding.mend) == ("fail", "correct or unset PIP_CERT")
    (tmp_path / "gone.pem").touch()
    finding = found(url)["proxy and CA"]
    assert finding.status == "ok"
    assert finding.found == "proxy from HTTPS_PROXY, CA bundle from PIP_CERT"


@pytest.mark.usefixtures("no_engine")
def test_the_database_is_looked_at_and_not_made(url: str, tmp_path: Path) -> None:
    assert found(url)["database"].found == "none yet; the first run makes it"
    assert list(tmp_path.iterdir()) == []
    Store(url).close()
    assert found(url)["database"] == Finding(check="database", status="ok", found=url)
    (tmp_path / "results.db").write_bytes(b"no database" * 1000)
    broken = found(url)["database"]
    assert broken.status == "fail"
    assert "another kind of file" in broken.found


@pytest.mark.usefixtures("no_engine")
def test_the_command_s_exit_code_follows(url: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    assert dispatch(["doctor", "--db", url, "--format", "csv"], out, err) == 5
    assert out.getvalue().startswith("check,status,found,mend\nengine,fail,")


@pytest.mark.usefixtures("no_engine")
def test_amd_s_gpus_and_tpus_are_found_by_their_device_files(url: str) -> None:
    finding = found(url)["AMD GPU, TPU"]
    if missing("rocm") is not None and missing("tpu") is not None:
        assert finding.found == "no AMD GPU (/dev/kfd); no TPU (/dev/accel[0-9]*, /dev/vfio/vfio)"
    assert finding.status in ("ok", "warn")


@pytest.mark.usefixtures("no_engine")
def test_one_that_a_launch_could_not_open_is_a_warning(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node = Nodes(tmp_path / "dev")
    for name, function in {"accelerator": accelerator, "missing": missing}.items():
        monkeypatch.setattr(doctor, name, partial(function, dev=node.dev))
    kfd, rendering = node("kfd"), node("dri/renderD128")
    finding = found(url)["AMD GPU, TPU"]
    assert finding.found.startswith(f"{kfd}, {rendering}; no TPU (")
    kfd.chmod(0o600)
    finding = found(url)["AMD GPU, TPU"]
    assert (finding.status, bool(finding.mend)) == ("warn", True)
    assert f"may not open {kfd}" in finding.found


@pytest.mark.usefixtures("no_engine")
def test_a_gpu_that_others_use_is_found(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gpus, others = "echo 'NVIDIA H100, 81559, 580.65'", "echo 'GPU-1, 1234, python, 71852'"
    with_nvidia_smi(monkeypatch, tmp_path, gpus=gpus, tenants=others)
    finding = found(url)["GPU"]
    assert (finding.status, bool(finding.mend)) == ("warn", True)
    assert finding.found.endswith("driver 580.65; python (process 1234) uses 70.2 GiB of GPU-1")
