"""Makes the environments that the tests, the demo and the benchmarks run in; nothing is assumed.

    python3 tests/environments.py main            .venv: frameworks, test tools, linters
    python3 tests/environments.py test 3.10,3.13  all that `make test` needs, two at a time
    python3 tests/environments.py core 3.10,3.13  .venvs/core-3.X: of these Pythons, if found; no frameworks
    python3 tests/environments.py NAME            .venvs/NAME: frameworks that can't live beside the others
    python3 tests/environments.py apart NAME      runs the tests of such an environment in it, made before
    python3 tests/environments.py pythons         says which Pythons were found

An environment is made again only when what is to be in it changes. Runs on any Python 3.8 or later,
with nothing but the standard library.
"""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
#: The frameworks are tested on this one; all of them have wheels for it.
MAIN = "3.11"


#: What takes long to import.
IMPORTED = [
    "sklearn.ensemble",
    "torch",
    "torch.distributed.checkpoint",
    "torch.onnx",
    "onnxscript",
    "tensorflow",
    "keras",
    "lightning",
    "pytorch_lightning",
    "transformers",
    "transformers.trainer",
    "accelerate",
    "fastai.tabular.all",
    "xgboost",
    "catboost",
    "lightgbm",
    "skops.io",
    "sqlalchemy",
    "moto.server",
    "s3fs",
]

#: An environment of frameworks, or of releases, that can't be installed beside the others: the Python that
#: it needs, dependency groups of pyproject.toml, the tests that run in it, which of them (`pytest -k`), and
#: why it stands apart.
Apart = namedtuple("Apart", "python groups tests chosen because")

#: name -> the environment made in .venvs/name
APART = {
    "megengine": Apart(
        "3.10", ["core", "megengine"], ["tests"], "megengine", "it needs Python 3.10 and numpy 1"
    ),
    "older": Apart(
        "3.10",
        ["core", "older"],
        ["tests/contract"],
        "captured_as_expected or supports_the_installed",
        "releases of early 2025, which many still use",
    ),
}


def find_python(version):
    """The path of a working Python of this version, None if the machine has none."""
    candidates = [shutil.which("python" + version), *_pyenv(version)]
    for candidate in candidates:
        if candidate and _version(candidate) == version:
            return candidate
    for name in ("python3", "python"):
        found = shutil.which(name)
        if found and _version(found) == version:
            return found
    return None


def _pyenv(version):
    home = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    return sorted(glob.glob(os.path.join(home, "versions", version + ".*", "bin", "python")), reverse=True)


def _version(python):
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return None
    return answer.stdout.strip()


def make(folder, python, groups):
    """An environment with the package (editable) and these dependency groups, unless it is up to date."""
    wanted = hashlib.sha256(repr((python, groups, wants(groups))).encode())
    stamp = os.path.join(folder, "made-for")
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == wanted.hexdigest():
                return
    print(f"making {os.path.relpath(folder, ROOT)} with {python} ({', '.join(groups)})", flush=True)
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    pip = [os.path.join(folder, "bin", "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
    options = [option for group in groups for option in ("--group", group)]
    # Most of what the frameworks bring is never imported; the rest is compiled just below.
    subprocess.run([*pip, "--no-compile", "-e", ".", *options], check=True, cwd=ROOT)
    _drop_what_breaks(os.path.join(folder, "bin", "python"))
    if "frameworks" in groups:
        _import_once(os.path.join(folder, "bin", "python"))
    with open(stamp, "w") as file:
        file.write(wanted.hexdigest())


def wants(groups):
    """What pyproject.toml says is to be in an environment: the package's own table, and these groups."""
    with open(os.path.join(ROOT, "pyproject.toml")) as file:
        package, _, rest = file.read().partition("\n[dependency-groups]\n")
    listed = dict(re.findall(r"^([\w-]+) = (\[.*?\])$", rest.partition("\n[")[0], re.DOTALL | re.MULTILINE))
    return [package, *(listed[group] for group in groups)]


def _drop_what_breaks(python):
    """Take away a torchvision that was built for another torch.

    fastai asks for it, and the registry's is built for CUDA: beside a torch for the CPU its import fails,
    and with it that of Lightning, fastai.vision and transformers.Trainer, which do without if it isn't there.
    """
    installed = subprocess.run(
        [python, "-m", "pip", "show", "-q", "torchvision"], check=False, capture_output=True
    )
    if installed.returncode:
        return
    works = subprocess.run([python, "-c", "import torchvision"], check=False, capture_output=True)
    if works.returncode:
        print("taking torchvision away: it was built for another torch", flush=True)
        subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", "torchvision"], check=True)


def _import_once(python):
    """Import what most tests import, so that it is compiled.

    Tests that are the first to import it do so side by side, and each would compile all of it again.
    """
    print("importing the frameworks for the first time", flush=True)
    code = "import contextlib, importlib, sys\nfor name in sys.argv[1:]:\n"
    code += "    with contextlib.suppress(Exception):\n        importlib.import_module(name)\n"
    # What can't be imported the tests will tell.
    subprocess.run([python, "-W", "ignore", "-c", code, *IMPORTED], check=False, capture_output=True)


def run_apart(name):
    """Run the tests of an environment of its own in it; says so where it can't be made here."""
    apart = APART[name]
    folder = make_apart(name)
    if folder is None:
        return
    python = os.path.join(folder, "bin", "python")
    print(f"== tests of the environment {name!r}: {apart.because}", flush=True)
    command = [python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-k", apart.chosen]
    command += ["--ignore", "tests/browser"]  # their driver is in the main environment alone
    if subprocess.run(command + apart.tests, check=False, cwd=ROOT).returncode:
        sys.exit(f"tests failed in the environment {name!r}")


def make_apart(name):
    """The folder of an environment of its own, None where the Python that it needs is not found."""
    apart = APART[name]
    python = find_python(apart.python)
    if python is None:
        print(
            f"Python {apart.python} is not found: the tests of the environment {name!r} are LEFT OUT",
            flush=True,
        )
        return None
    folder = os.path.join(ROOT, ".venvs", name)
    make(folder, python, apart.groups)
    return folder


def make_main(found):
    """The environment of the frameworks; `found` says where each Python is."""
    version = MAIN if found[MAIN] else next((v for v in reversed(VERSIONS) if found[v]), None)
    if version is None:
        sys.exit(f"none of Python {', '.join(VERSIONS)} was found; install one of them")
    make(os.path.join(ROOT, ".venv"), found[version], ["core", "browser", "lint", "frameworks"])


def find_browser():
    """See that there is a Chromium for the tests of the pages; Debian's is installed where that can be done.

    Where it can't, those tests fail and say so.
    """
    if os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser"):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print("no Chromium: install one (Debian: apt-get install -y chromium), or its tests fail", flush=True)
        return
    print("installing Chromium", flush=True)
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL}
    subprocess.run(["apt-get", "-q", "update"], check=False, **quiet)
    subprocess.run(
        ["apt-get", "-q", "install", "-y", "--no-install-recommends", "chromium"], check=False, **quiet
    )


def make_core(version, python):
    """The environment of a Python without frameworks, if that Python is there."""
    if python:
        make(os.path.join(ROOT, ".venvs", "core-" + version), python, ["core"])


def main(what, name=""):
    """Make what is asked for."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is imported for the first time is kept compiled
    found = {version: find_python(version) for version in VERSIONS}
    if what == "pythons":
        for version, python in found.items():
            print(f"Python {version}: {python or 'not found, its core tests are left out'}")
    elif what == "main":
        make_main(found)
    elif what == "core":
        for version in name.split(","):
            make_core(version, found[version])
    elif what == "test":
        # That of the frameworks takes as long as all others together: begun first, beside them.
        with ThreadPoolExecutor(2) as pool:
            begun = [pool.submit(make_main, found)]
            begun += [pool.submit(find_browser), pool.submit(make_apart, "megengine")]
            begun += [pool.submit(make_core, version, found[version]) for version in name.split(",")]
        for each in begun:
            each.result()
    elif what == "apart" and name in APART:
        run_apart(name)
    elif what in APART:
        make_apart(what)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:3] or [""])
