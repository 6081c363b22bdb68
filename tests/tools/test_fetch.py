"""What is fetched is used only if it is, bit for bit, what was written down; nothing is fetched twice."""

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import fetch  # noqa: E402


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry of archives in memory, in place of PyPI and npm: registry.archives[package] = bytes."""
    class Registry:
        archives: dict[str, bytes] = {}
        downloads: list[str] = []

        def download(self, source, folder):
            self.downloads.append(source["package"])
            if source["package"] not in self.archives:
                raise fetch.FetchError("no such package")
            (folder / "archive").write_bytes(self.archives[source["package"]])

        def add(self, package: str, files: dict[str, bytes]) -> dict:
            path = tmp_path / package
            with zipfile.ZipFile(path, "w") as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
            self.archives[package] = path.read_bytes()
            return {"registry": "pypi", "package": package, "name": package, "version": "1",
                    "sha256": digest(self.archives[package])}

    registry = Registry()
    registry.archives, registry.downloads = {}, []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "DOWNLOADS", {"pypi": registry.download, "npm": registry.download})
    (tmp_path / "deps").mkdir()
    return registry


def test_a_folder_and_a_file_of_a_package(registry, tmp_path):
    package = registry.add("lib", {"lib/include/a.h": b"a", "lib/include/deep/b.h": b"b", "lib/c": b"c", "rest": b"r"})
    package["take"] = {"lib/include": "x/include", "lib/c": "y.txt"}
    fetch.fetch_package(package, tmp_path / "deps")
    files = {str(path.relative_to(tmp_path / "deps")) for path in (tmp_path / "deps").rglob("*") if path.is_file()}
    assert files == {"x/include/a.h", "x/include/deep/b.h", "y.txt"}


def test_an_archive_with_another_hash_is_thrown_away(registry, tmp_path):
    package = registry.add("lib", {"a": b"a"})
    package.update(sha256=digest(b"other"), take={"a": "a"})
    with pytest.raises(fetch.FetchError, match="thrown away"):
        fetch.fetch_package(package, tmp_path / "deps")
    assert not (tmp_path / "deps/a").exists()


def test_an_archive_is_downloaded_once_and_again_if_its_copy_rots(registry, tmp_path):
    package = registry.add("lib", {"a": b"a"})
    package["take"] = {"a": "a"}
    fetch.fetch_package(package, tmp_path / "deps")
    fetch.fetch_package(package, tmp_path / "deps")
    assert registry.downloads == ["lib"]
    (tmp_path / "cache/facefleet" / package["sha256"]).write_bytes(b"rot")
    fetch.fetch_package(package, tmp_path / "deps")
    assert registry.downloads == ["lib", "lib"]


def card(*sources: dict, data: bytes) -> dict:
    return {"name": "model", "file": "model.onnx", "sha256": digest(data), "source": list(sources)}


def test_a_model_comes_from_the_next_source_where_one_fails(registry, tmp_path):
    gone = {"registry": "npm", "package": "gone", "version": "1", "sha256": digest(b"?"), "path": "m"}
    other = {**registry.add("other", {"m": b"another model"}), "path": "m"}
    good = {**registry.add("good", {"dir/m": b"weights"}), "path": "dir/m"}
    fetch.fetch_model(card(gone, other, good, data=b"weights"), tmp_path / "deps")
    assert (tmp_path / "deps/models/model.onnx").read_bytes() == b"weights"


def test_a_model_that_no_source_has_is_refused_with_each_reason(registry, tmp_path):
    other = {**registry.add("other", {"m": b"another model"}), "path": "m"}
    with pytest.raises(fetch.FetchError, match="another file than the card's"):
        fetch.fetch_model(card(other, data=b"weights"), tmp_path / "deps")
    assert not (tmp_path / "deps/models/model.onnx").exists()


def test_a_model_is_converted_where_its_card_says_so(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "CONVERSIONS", {"double": lambda data: data + data})
    source = {**registry.add("good", {"m": b"weights"}), "path": "m"}
    fetch.fetch_model({**card(source, data=b"weightsweights"), "convert": "double"}, tmp_path / "deps")
    assert (tmp_path / "deps/models/model.onnx").read_bytes() == b"weightsweights"
    for wrong in ({"convert": "double"}, {"convert": "absent"}):
        with pytest.raises(fetch.FetchError, match="no source gave"):
            fetch.fetch_model({**card(source, data=b"weights"), **wrong}, tmp_path / "deps")
        assert not (tmp_path / "deps/models/model.onnx").exists()


def test_nothing_is_done_twice_and_a_changed_card_is_fetched_again(registry, tmp_path):
    package = registry.add("lib", {"a": b"a"})
    (tmp_path / "root/tools").mkdir(parents=True)
    (tmp_path / "root/models").mkdir()
    (tmp_path / "root/tools/packages.toml").write_text(
        f'[[package]]\nregistry = "pypi"\nname = "lib"\nversion = "1"\nsha256 = "{package["sha256"]}"\n'
        'take = { "a" = "a" }\n')
    assert fetch.fetch_all(tmp_path / "root", tmp_path / "deps") == 1
    assert fetch.fetch_all(tmp_path / "root", tmp_path / "deps") == 0
    (tmp_path / "deps/a").unlink()
    assert fetch.fetch_all(tmp_path / "root", tmp_path / "deps") == 1
    model = registry.add("model", {"m": b"weights"})
    (tmp_path / "root/models/own.toml").write_text(
        f'name = "own"\nfile = "own.onnx"\nsha256 = "{digest(b"weights")}"\n[[source]]\nregistry = "npm"\n'
        f'package = "model"\nversion = "1"\nsha256 = "{model["sha256"]}"\npath = "m"\n')
    assert fetch.fetch_all(tmp_path / "root", tmp_path / "deps") == 1
    assert (tmp_path / "deps/models/own.onnx").exists()


def test_a_member_never_leaves_the_folder(tmp_path):
    take = {"lib": "lib"}
    assert fetch.target_of("lib/a", take) == "lib/a"
    assert fetch.target_of("lib/../../a", take) is None
    assert fetch.target_of("/lib/a", take) is None
    assert fetch.target_of("library/a", take) is None


def test_a_tar_archive_is_read_as_well(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        archive.add(tmp_path / "a", "package/a")
    assert [(name, open_member().read()) for name, open_member in fetch.members_of(tmp_path / "a.tgz")] == [
        ("package/a", b"a")]


def test_a_machine_without_npm_takes_the_archive_from_the_registry_itself(tmp_path, monkeypatch):
    asked = []

    def answer(address, timeout):
        asked.append(address)
        return io.BytesIO(b"archive")

    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    monkeypatch.setattr(fetch.urllib.request, "urlopen", answer)
    fetch.download_from_npm({"package": "@scope/lib", "version": "1.2"}, tmp_path)
    assert asked == ["https://registry.npmjs.org/@scope/lib/-/lib-1.2.tgz"]
    assert (tmp_path / "archive").read_bytes() == b"archive"
