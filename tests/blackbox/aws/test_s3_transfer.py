"""Large bodies, streams, links and the command line: how people move files in and out."""

import hashlib
import io
import os
import socket
import urllib.error
import urllib.request

import boto3.s3.transfer
import botocore.config
import pytest
from botocore.exceptions import ClientError

MIB = 1 << 20
# A body passes through in pieces of 4 MiB. What the process may need on top of that, and of its start, for a put and a
# get of 200 MiB: two pieces, the connection's buffer, and what the allocator keeps of them.
GROWTH_BYTES_MAX = 24 * MIB


@pytest.fixture(scope="module")
def raw(cloud):
    return cloud.boto3("s3")


@pytest.fixture
def room(raw, name):
    raw.create_bucket(Bucket=name)
    yield name
    for page in raw.get_paginator("list_objects_v2").paginate(Bucket=name):
        for entry in page.get("Contents", []):
            raw.delete_object(Bucket=name, Key=entry["Key"])
    raw.delete_bucket(Bucket=name)


class Noise(io.RawIOBase):
    """So many bytes that no disk and no compressor has seen, and their digest, without holding them."""

    def __init__(self, size):
        self.size, self.at, self.block, self.md5 = size, 0, os.urandom(MIB), hashlib.md5()

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=0):
        self.at = offset + (self.at if whence == 1 else self.size if whence == 2 else 0)
        if self.at == 0:
            self.md5 = hashlib.md5()
        return self.at

    def read(self, size=-1):
        size = min(self.size - self.at, MIB - self.at % MIB, size if size is not None and size >= 0 else MIB)
        piece = self.block[self.at % MIB:self.at % MIB + size]
        self.at += len(piece)
        self.md5.update(piece)
        return piece


def peak_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def test_200_mib_pass_through_little_memory(cloud, raw, room):
    with open(f"/proc/{cloud.process.pid}/clear_refs", "w") as reset:
        reset.write("5")  # the high-water mark begins anew
    before = peak_bytes(cloud.process.pid)
    body = Noise(200 * MIB)
    put = raw.put_object(Bucket=room, Key="large", Body=body, ContentLength=body.size)
    assert put["ETag"] == f'"{body.md5.hexdigest()}"'
    got = hashlib.md5()
    answer = raw.get_object(Bucket=room, Key="large")
    for piece in answer["Body"].iter_chunks(MIB):
        got.update(piece)
    assert got.hexdigest() == body.md5.hexdigest()
    grown = peak_bytes(cloud.process.pid) - before
    print(f"grown by {grown / MIB:.1f} MiB")
    assert grown < GROWTH_BYTES_MAX


def test_a_file_goes_up_in_parts_and_comes_down_in_ranges(raw, room, tmp_path):
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=5 * MIB)
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(17 * MIB + 3))
    raw.upload_file(str(there), room, "file", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    head = raw.head_object(Bucket=room, Key="file")
    assert head["ETag"].endswith('-4"') and head["Metadata"] == {"a": "b"}
    raw.download_file(room, "file", str(back), Config=config)
    assert back.read_bytes() == there.read_bytes()
    raw.copy({"Bucket": room, "Key": "file"}, room, "copy", Config=config)
    assert raw.get_object(Bucket=room, Key="copy")["Body"].read() == there.read_bytes()


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_checksums_in_trailers(raw, room, algorithm):
    stream = Noise(300_000)
    try:
        put = raw.put_object(Bucket=room, Key="k", Body=stream, ChecksumAlgorithm=algorithm)
    except Exception as error:  # boto3 computes the two rarer ones with a library that it does not bring
        if "MissingDependency" in type(error).__name__:
            pytest.skip(str(error))
        raise
    assert put[f"Checksum{algorithm}"]
    assert raw.head_object(Bucket=room, Key="k")["ContentLength"] == 300_000


def test_a_body_that_is_not_what_was_stated_is_refused(raw, room):
    with pytest.raises(ClientError) as refused:
        raw.put_object(Bucket=room, Key="k", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert refused.value.response["Error"]["Code"] == "BadDigest"
    with pytest.raises(ClientError) as refused:
        raw.put_object(Bucket=room, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==")
    assert refused.value.response["Error"]["Code"] == "BadDigest"
    assert "Contents" not in raw.list_objects_v2(Bucket=room)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_link(cloud, room, version):
    env = cloud.credentials
    signer = boto3.client("s3", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
                          aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                          config=botocore.config.Config(signature_version=version, s3={"addressing_style": "path"}))
    parameters = {"Bucket": room, "Key": "a b/ü"}
    put = signer.generate_presigned_url("put_object", parameters)
    with urllib.request.urlopen(urllib.request.Request(put, b"linked", {"Content-Type": ""}, method="PUT")) as answer:
        assert answer.status == 200
    get = signer.generate_presigned_url("get_object", {**parameters, "ResponseContentType": "text/plain"})
    with urllib.request.urlopen(get) as answer:
        assert answer.read() == b"linked" and answer.headers["Content-Type"] == "text/plain"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(get.replace("ignature=", "ignature=0", 1))
    assert refused.value.code == 403 and b"SignatureDoesNotMatch" in refused.value.read()
    old = signer.generate_presigned_url("get_object", parameters, ExpiresIn=-10 if version == "s3" else 0)
    with pytest.raises(urllib.error.HTTPError) as refused:
        while True:  # until the second in which it was made has passed
            urllib.request.urlopen(old).read()
    assert refused.value.code == 403 and b"<Code>AccessDenied</Code>" in refused.value.read()


def test_who_expects_100_continue_is_told_before_the_body(cloud, raw, room):
    host, port = cloud.cloud_endpoint.removeprefix("http://").split(":")

    def ask(bucket):
        url = raw.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"})
        target = url.removeprefix(cloud.cloud_endpoint)
        with socket.create_connection((host, int(port)), timeout=10) as wire:
            wire.sendall(f"PUT {target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 5\r\n"
                         f"Expect: 100-continue\r\n\r\n".encode())
            first = wire.recv(10_000)
            if first.startswith(b"HTTP/1.1 100"):
                wire.sendall(b"hello")
                first += wire.recv(10_000)
            return first

    assert b"HTTP/1.1 200" in ask(room)
    refused = ask("no-such-bucket-anywhere")
    assert refused.startswith(b"HTTP/1.1 404") and b"NoSuchBucket" in refused


def test_a_client_that_breaks_off_leaves_nothing(cloud, raw, room):
    host, port = cloud.cloud_endpoint.removeprefix("http://").split(":")
    target = raw.generate_presigned_url("put_object", {"Bucket": room, "Key": "k"}).removeprefix(cloud.cloud_endpoint)
    files = cloud.data / "objects"
    before = len(list(files.iterdir()))
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(f"PUT {target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {20 * MIB}\r\n\r\n".encode())
        wire.sendall(os.urandom(9 * MIB))
    from system import wait_until

    wait_until(lambda: len(list(files.iterdir())) == before, 20, "the pieces are gone")
    assert "Contents" not in raw.list_objects_v2(Bucket=room)


class TestCommandLine:
    """AWS's command line v1, as people type it."""

    def run(self, aws, *arguments):
        done = aws(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def test_cp_sync_and_rm(self, aws, raw, room, tmp_path):
        photos = tmp_path / "photos"
        (photos / "more").mkdir(parents=True)
        for path in ["a.jpg", "b c.jpg", "more/d.jpg"]:
            (photos / path).write_bytes(path.encode() * 1000)
        self.run(aws, "s3", "cp", photos / "a.jpg", f"s3://{room}/single.jpg")
        self.run(aws, "s3", "sync", photos, f"s3://{room}/photos")
        assert self.run(aws, "s3", "sync", photos, f"s3://{room}/photos") == "", "all is there"
        listed = self.run(aws, "s3", "ls", f"s3://{room}/", "--recursive")
        assert [line.split(maxsplit=3)[3] for line in listed.splitlines()] == [
            "photos/a.jpg", "photos/b c.jpg", "photos/more/d.jpg", "single.jpg"]
        back = tmp_path / "back"
        self.run(aws, "s3", "sync", f"s3://{room}/photos", back)
        assert (back / "more/d.jpg").read_bytes() == (photos / "more/d.jpg").read_bytes()
        self.run(aws, "s3", "cp", f"s3://{room}/single.jpg", f"s3://{room}/copy.jpg")
        self.run(aws, "s3", "rm", f"s3://{room}", "--recursive")
        assert "Contents" not in raw.list_objects_v2(Bucket=room)

    def test_a_large_file(self, aws, raw, room, tmp_path):
        large = tmp_path / "large"
        large.write_bytes(os.urandom(20 * MIB))
        self.run(aws, "s3", "cp", large, f"s3://{room}/large")
        assert raw.head_object(Bucket=room, Key="large")["ETag"].endswith('-3"')
        self.run(aws, "s3", "cp", f"s3://{room}/large", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == large.read_bytes()

    def test_presign(self, aws, raw, room):
        raw.put_object(Bucket=room, Key="k", Body=b"linked")
        link = self.run(aws, "s3", "presign", f"s3://{room}/k").strip()
        with urllib.request.urlopen(link) as answer:
            assert answer.read() == b"linked"
