"""Build the deployment zip: what ships and nothing else, the same bytes every time."""

import compileall
import hashlib
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from infra.build import precompile

# Lambda takes 250 MB; what a cold start unpacks and reads is another matter.
BYTES_MAX = 4_000_000
BYTES_WITH_PYC_MAX = 6_000_000

# The earliest instant that a zip can say. Every entry has it, so that equal contents make equal zips.
_EPOCH = (1980, 1, 1, 0, 0, 0)

# Sources of templates and catalogues are compiled when building.
_SOURCES = ("__pycache__", "*.pyc", "*.mjml", "*.po", "*.pot", "*.md", ".DS_Store")

# pydantic's copy of its first version and its mypy plugin are for programs that Lazo is not.
_UNUSED_SUFFIXES = (".pyc", ".pyi", ".dist-info")
_UNUSED_PLACES = ("bin", "pydantic/mypy.py", "pydantic/v1")


class TooBig(Exception):
    """The zip is larger than the budget allows."""


class NoPackages(Exception):
    """The packages that ship could not be fetched."""


def stage_source(project: Path, target: Path) -> None:
    """Copy what Chalice shall see: the app without sources of templates, and no requirements.txt.

    Without requirements Chalice leaves the packages to `fetch_packages`, which takes exactly what is pinned.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(project / "chalicelib", target / "chalicelib", ignore=shutil.ignore_patterns(*_SOURCES))
    _compile_templates(target / "chalicelib" / "templates")
    (target / ".chalice").mkdir()
    for name in ("app.py", ".chalice/config.json", ".chalice/policy.json"):
        shutil.copy2(project / name, target / name)


def _compile_templates(templates: Path) -> None:
    """Put modules in the place of the templates that they are made of: Lambda then starts without parsing any."""
    if not templates.is_dir():
        return
    precompile(templates / "compiled", templates)
    for source in [*templates.rglob("*.html"), *templates.rglob("*.txt")]:
        source.unlink()


def fetch_packages(requirements: Path, cache: Path, *, machine: str) -> Path:
    """Return the folder of the packages that ship, for Lambda's Linux on `machine` and this Python's version."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256(requirements.read_bytes() + f"{version} {machine}".encode()).hexdigest()[:16]
    target = cache / f"packages-{key}"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-compile", "--only-binary=:all:", "--python-version", version]
        command += ["--implementation", "cp", "--platform", f"manylinux2014_{machine}"]
        command += ["--target", f"{scratch}/packages", "--requirement", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise NoPackages(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pip failed")
        Path(f"{scratch}/packages").rename(target)
    return target


def _is_used(name: str) -> bool:
    parts = PurePosixPath(name).parts
    if "__pycache__" in parts or any(part.endswith(_UNUSED_SUFFIXES) for part in parts):
        return False
    return not any(name == place or name.startswith(f"{place}/") for place in _UNUSED_PLACES)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def collect(chalice_zip: Path, packages: Path) -> dict[str, bytes]:
    """Return the contents of the zip by name: what Chalice packed, and the used part of the packages."""
    contents = {name: data for name, data in _files(packages) if _is_used(name)}
    with zipfile.ZipFile(chalice_zip) as source:
        contents.update({name: source.read(name) for name in source.namelist() if _is_used(name)})
    return contents


def with_bytecode(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Add this Python's bytecode, which is never checked against its source (files in the zip have no honest times)."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name, data in contents.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(
            scratch, maxlevels=20, quiet=2, stripdir=scratch, prependdir="/var/task", invalidation_mode=mode
        )
        return dict(_files(root))


def write(contents: Mapping[str, bytes], target: Path, *, bytes_max: int) -> int:
    """Write the zip, bit for bit the same for the same contents; return its size or raise TooBig."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, contents[name], compresslevel=9)
    size = target.stat().st_size
    if size > bytes_max:
        raise TooBig(f"{target} has {size:,} bytes, more than the {bytes_max:,} allowed.")
    return size
