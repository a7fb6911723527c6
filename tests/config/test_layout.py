"""Our folder names are import names: nobody else may ship them, and importing does no work."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ["auth", "config", "ogcapi", "openapi", "processes", "providers"]

WATCHED_IMPORT = """
import importlib, sys, sysconfig, threading

STDLIB = (sysconfig.get_path("stdlib"), "<")
EVENTS = {"socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.mkdir"}
work = []

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if not writes and event not in EVENTS:
        return
    frame = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith(STDLIB) and not library(frame):
        frame = frame.f_back
    if frame and not library(frame):  # what libraries do at import is theirs
        work.append(f"{frame.f_code.co_filename}: {event} {arguments[0]}")

def library(frame):
    return "site-packages" in frame.f_code.co_filename

sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
work += [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
print(*work, sep="\\n")
"""


def modules_of(package: str) -> list[str]:
    """Every module of the package by name; the scripts that alembic runs are no modules."""
    files = [f for f in sorted((ROOT / package).rglob("*.py")) if "migrations" not in f.parts]
    names = [".".join(f.relative_to(ROOT).with_suffix("").parts) for f in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


@pytest.mark.parametrize("package", OURS)
def test_no_dependency_ships_a_package_of_our_name(package):
    distributions = set(packages_distributions().get(package, []))
    assert distributions <= {"destine-ogcapi"}


def test_the_names_are_those_of_the_folders():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert folders == set(OURS)


def watched_import(folder: Path, modules: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED_IMPORT, *modules],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_module_that_works_at_import_is_noticed(tmp_path):
    (tmp_path / "busy.py").write_text("open('left-behind', 'w').close()")
    assert "left-behind" in watched_import(tmp_path, ["busy"])


@pytest.mark.parametrize("package", OURS)
def test_importing_opens_nothing_and_starts_no_thread(package):
    assert watched_import(ROOT, modules_of(package)) == ""
