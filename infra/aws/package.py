"""Package one stage: `python -m infra.aws.package --stage dev` makes a template and a zip in build/package/dev/."""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from infra.aws import archive, template

PROJECT = Path(__file__).resolve().parents[2]
OVERLAY = "infra/aws/overlay.yaml"
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


class CannotPackage(Exception):
    """Packaging stopped; the message is for the person who asked."""


@dataclass(frozen=True)
class Package:
    """What was made, and how large the zip is."""

    template: Path
    translated: Path
    zip: Path
    zip_bytes: int


def parameters(project: Path, stage: str) -> dict[str, str]:
    """Return the stack's parameters of a stage, from its file in infra/aws/stages/."""
    folder = project / "infra/aws/stages"
    known = sorted(path.stem for path in folder.glob("*.json"))
    if stage not in known:
        raise CannotPackage(f"There is no stage {stage!r}: add infra/aws/stages/{stage}.json or use one of {known}.")
    values: dict[str, str] = json.loads((folder / f"{stage}.json").read_text())
    return {"Stage": stage, **values}


def generate(project: Path, source: Path, out: Path, stage: str) -> template.Template:
    """Have Chalice generate the template and merge the overlay; return it checked and completed."""
    archive.stage_source(project, source)
    chalice = "import sys; from chalice.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", chalice, "package", "--stage", stage]
    command += ["--merge-template", str(project / OVERLAY), str(out)]
    # The staged app is imported, so this project must not be found first, nor leave bytecode behind.
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "AWS_PROFILE"}}
    region = {"AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=source, env=clean | region, capture_output=True, text=True)
    if done.returncode:
        raise CannotPackage(f"Chalice could not package the app:\n{done.stdout}{done.stderr}".rstrip())
    merged = yaml.safe_load((out / "sam.yaml").read_text())
    (out / "sam.yaml").unlink()
    template.check(merged)
    return template.complete(merged)


def write_templates(sam: template.Template, out: Path, values: dict[str, str]) -> tuple[Path, Path]:
    """Write and lint the SAM template and what CloudFormation will make of it."""
    paths = (out / "template.json", out / "translated.json")
    for path, contents in zip(paths, (sam, template.translate(sam, values)), strict=True):
        path.write_text(json.dumps(contents, indent=1, sort_keys=True) + "\n")
        template.lint(path)
    return paths


def package(stage: str, *, project: Path = PROJECT, with_pyc: bool = False) -> Package:
    """Make the deployable artefact of a stage; raise when anything about it is not as it must be."""
    values = parameters(project, stage)
    build = project / "build/package"
    out = build / stage
    out.mkdir(parents=True, exist_ok=True)
    sam = generate(project, build / f"{stage}-source", out, stage)
    machine = MACHINES[sam["Resources"]["APIHandler"]["Properties"]["Architectures"][0]]
    packages = archive.fetch_packages(project / "requirements.txt", build, machine=machine)
    contents = archive.collect(out / "deployment.zip", packages)
    if with_pyc:
        contents = archive.with_bytecode(contents)
    bytes_max = archive.BYTES_WITH_PYC_MAX if with_pyc else archive.BYTES_MAX
    size = archive.write(contents, out / "deployment.zip", bytes_max=bytes_max)
    sam_path, translated = write_templates(sam, out, values)
    return Package(sam_path, translated, out / "deployment.zip", size)


def main(arguments: list[str] | None = None) -> int:
    """Package a stage from the command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.aws.package", description=__doc__)
    parser.add_argument("--stage", default="dev", help="one of infra/aws/stages/ (default: dev)")
    parser.add_argument("--with-pyc", action="store_true", help="ship this Python's bytecode: larger, quicker to start")
    options = parser.parse_args(arguments)
    try:
        made = package(options.stage, with_pyc=options.with_pyc)
    except (CannotPackage, template.BadTemplate, archive.TooBig, archive.NoPackages) as problem:
        print(problem, file=sys.stderr)
        return 1
    here = Path.cwd()
    for path in (made.template, made.translated, made.zip):
        print(path.relative_to(here) if path.is_relative_to(here) else path)
    print(f"zip_bytes {made.zip_bytes}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
