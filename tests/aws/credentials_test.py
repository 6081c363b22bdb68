"""A worker that finds its credentials and its services as AWS's own tools do: keys from moto's STS for a web identity's
token, and services behind TLS, whose authority AWS_CA_BUNDLE names."""

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "blackbox")]

from foreign_system import EMULATORS, share_models, start_localcloud, start_moto, write_profile  # noqa: E402
from system import BINARY, wait_until, without_aws  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/worker"


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """The local cloud's doors, which take any key."""
    with start_localcloud(tmp_path_factory.mktemp("cloud")) as url:
        yield url


@contextlib.contextmanager
def worker(folder: Path, **told: str):
    """One in no fleet, which knows of AWS what it is told here; its log."""
    share_models(folder)
    profile = write_profile(folder / "profile.toml", "default", {"id": "found"})
    environment = without_aws() | {"HOME": str(folder), "AWS_REGION": "us-east-1",
                                   "AWS_EC2_METADATA_DISABLED": "true", **told}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([BINARY, "worker", "--profile", profile, "--data", folder, "--instance-id", "ours"],
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
    try:
        yield log
    finally:
        process.terminate()
        process.wait()


def says(log: Path, what: str) -> str:
    wait_until(lambda: what in log.read_text(), 60, f"the log says {what}")
    return log.read_text()


@pytest.mark.skipif(not EMULATORS.is_dir(), reason="./dev test installs moto")
def test_a_web_identitys_token_is_exchanged_at_sts(tmp_path, services):
    token = tmp_path / "token"
    token.write_text("a.web.token\n")
    with start_moto(tmp_path) as sts, worker(tmp_path / "worker", AWS_ENDPOINT_URL=services, AWS_ENDPOINT_URL_STS=sts,
                                             AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN=ROLE) as log:
        said = says(log, " ready ")
    assert f"STS for {ROLE}" in said and "until=2" in said, said


@contextlib.contextmanager
def tls_in_front(url: str, folder: Path):
    """A server that speaks TLS as localhost and hands on what it hears; its URL and its certificate."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    host, port = url.removeprefix("http://").split(":")
    sockets: list[socket.socket] = [socket.create_server(("127.0.0.1", 0))]

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve(plain: socket.socket) -> None:
        with contextlib.suppress(OSError):  # a client that does not trust us leaves
            near = context.wrap_socket(plain, server_side=True)
            far = socket.create_connection((host, int(port)))
            sockets.extend((near, far))
            threading.Thread(target=pump, args=(far, near), daemon=True).start()
            pump(near, far)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(sockets[0].accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"https://localhost:{sockets[0].getsockname()[1]}", certificate
    finally:
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def test_services_behind_tls_are_trusted_only_where_their_authority_is(tmp_path, services):
    keys = {"AWS_ACCESS_KEY_ID": "AKIAFACEFLEETTEST000", "AWS_SECRET_ACCESS_KEY": "a secret of the test"}
    with tls_in_front(services, tmp_path) as (url, certificate):
        with worker(tmp_path / "strange", AWS_ENDPOINT_URL=url, **keys) as log:
            assert " ready " not in says(log, "AWS_CA_BUNDLE")
        with worker(tmp_path / "trusted", AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=str(certificate), **keys) as log:
            says(log, " ready ")
