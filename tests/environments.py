"""Makes the environments that the tests, the demo and the benchmarks run in; nothing is assumed.

    python3 tests/environments.py main            .venv: frameworks, test tools, linters
    python3 tests/environments.py core            .venvs/core-3.X: one per Python found, no frameworks
    python3 tests/environments.py pythons         says which Pythons were found

An environment is made again only when what is to be in it changes. Runs on any Python 3.8 or later,
with nothing but the standard library.
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
#: The frameworks are tested on this one; all of them have wheels for it.
MAIN = "3.11"


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
    wanted = hashlib.sha256()
    with open(os.path.join(ROOT, "pyproject.toml")) as file:
        # Everything before the tools' own tables: the package and its dependencies.
        wanted.update(file.read().partition("\n[tool.")[0].encode())
    wanted.update(repr((python, groups)).encode())
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
    subprocess.run([*pip, "-e", ".", *options], check=True, cwd=ROOT)
    _drop_what_breaks(os.path.join(folder, "bin", "python"))
    with open(stamp, "w") as file:
        file.write(wanted.hexdigest())


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


def main(what):
    """Make what is asked for."""
    found = {version: find_python(version) for version in VERSIONS}
    if what == "pythons":
        for version, python in found.items():
            print(f"Python {version}: {python or 'not found, its core tests are left out'}")
        return
    if what == "main":
        version = MAIN if found[MAIN] else next((v for v in reversed(VERSIONS) if found[v]), None)
        if version is None:
            sys.exit(f"none of Python {', '.join(VERSIONS)} was found; install one of them")
        make(os.path.join(ROOT, ".venv"), found[version], ["core", "lint", "frameworks"])
    elif what == "core":
        for version, python in found.items():
            if python and version != MAIN:
                make(os.path.join(ROOT, ".venvs", "core-" + version), python, ["core"])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "")
