"""Check that a wheel installs tinygrad_edu alone, and every file of it: ``python .ci/check_wheel.py WHEEL``."""

import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
# folder in the repository -> folder in the wheel
FOLDERS = {"tinygrad_edu": "tinygrad_edu", "layers": "tinygrad_edu/layers", "optim": "tinygrad_edu/optim"}
PLUGIN = "pytest_tinygrad_edu.py"  # which pytest loads in every session, and so without the package


def files_of_the_package() -> set[str]:
    """Name every file that stands in the package's folders, as the wheel should name it."""
    files = set()
    for source, target in FOLDERS.items():
        for path in (ROOT / source).rglob("*"):
            inside = path.relative_to(ROOT / source)
            hidden = any(part.startswith(".") or part == "__pycache__" for part in inside.parts)
            linked = source == "tinygrad_edu" and inside.parts[0] in ("layers", "optim")
            if path.is_file() and not hidden and not linked:
                files.add(f"{target}/{inside.as_posix()}")
    return files


def main() -> None:
    """Print what is wrong and exit with 1, or print the size of what is right."""
    wheel = Path(sys.argv[1])
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = files_of_the_package() | {PLUGIN}
    outside = sorted(name for name in names - {PLUGIN} if not name.startswith("tinygrad_edu/"))
    faults = [f"{name}: outside tinygrad_edu" for name in outside]
    faults += [f"{name}: missing (see packages and package_data in setup.cfg)" for name in sorted(wanted - names)]
    faults += [f"{name}: not in the repository" for name in sorted(names - wanted) if name.startswith("tinygrad_edu/")]
    if faults:
        sys.exit("\n".join([f"{wheel.name} is not what it should be:", *faults]))
    size = wheel.stat().st_size / 1e6
    print(f"{wheel.name}: {len(names)} files, {size:.1f} MB, all inside tinygrad_edu but the plugin")


if __name__ == "__main__":
    main()
