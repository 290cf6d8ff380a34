"""The hard cases, each written once for every framework; runs where the framework is, without pytest.

    python cases.py DRIVER FOLDER

It imports the framework, and does three things in processes of their own, forked from there: `prepare` has no
autolog and leaves files that nobody recorded; `train` calls init() and saves; `infer` calls init() and
loads, as another task. Each case works in a folder of its own name. A driver (drivers/<key>.py) says how its
framework builds, saves and loads a small model; see drivers/README.md.
"""

import gc
import importlib.util
import io
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))


def load_driver(name):
    """The driver module: it imports its framework, and binds its functions by name, right here."""
    spec = importlib.util.spec_from_file_location(
        f"driver_{name}", os.path.join(HERE, "drivers", f"{name}.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Cases:
    """Every case as a method; `run` calls those that the driver doesn't call impossible."""

    def __init__(self, driver):
        self.driver = driver
        self.suffix = driver.SUFFIX

    def build(self, seed):
        """A model; another seed makes other weights."""
        return self.driver.build(seed)

    def save(self, seed, target):
        """Build and save one."""
        self.driver.save(self.build(seed), target)

    # -- saves ------------------------------------------------------------------------------------

    def early(self):
        """The framework, and names out of it, were imported before init()."""
        self.save(1, f"early{self.suffix}")

    def buffer(self):
        """Into an io.BytesIO, then written to a file by hand."""
        buffer = io.BytesIO()
        self.save(2, buffer)
        Path(f"from_buffer{self.suffix}").write_bytes(buffer.getvalue())

    def file(self):
        """Into an open file."""
        with open(f"open{self.suffix}", "wb") as file:
            self.save(3, file)

    def pathlike(self):
        """To a pathlib.Path."""
        self.save(4, Path("in") / f"path{self.suffix}")

    def chdir(self):
        """To a relative path, and the working folder changes at once."""
        self.save(5, f"relative{self.suffix}")
        os.chdir("..")

    def unicode(self):
        """To a name of 200 bytes that is not ASCII."""
        self.save(6, f"ünï 码 {'long ' * 34}end{self.suffix}")

    def symlink(self):
        """Through a symbolic link."""
        self.save(7, f"real{self.suffix}")
        for extra in self.driver.files_of(f"real{self.suffix}"):
            os.symlink(extra, extra.replace("real", "link"))
        self.save(8, f"link{self.suffix}")

    def overwrite(self):
        """Three times to one name."""
        for seed in (9, 10, 11):
            self.save(seed, f"same{self.suffix}")

    def rename(self):
        """To a temporary name, then put in place."""
        self.save(12, f"temporary{self.suffix}")
        for name in self.driver.files_of(f"temporary{self.suffix}"):
            os.rename(name, name.replace("temporary", "final"))

    def raises(self):
        """A save that fails."""
        try:
            self.driver.save_failing(f"broken{self.suffix}")
        except Exception as error:  # noqa: BLE001 - whatever it raises
            Path("error.txt").write_text(type(error).__name__)
        else:
            raise AssertionError("the save did not fail")

    def nested(self):
        """A save that goes through several hooked functions."""
        self.driver.save_nested(self.build(13), f"nested{self.suffix}")

    def threads(self):
        """Two threads at once, two saves each."""

        def work(number):
            for turn in range(2):
                self.driver.save(models[number * 2 + turn], f"thread{number}{self.suffix}")

        models = [self.build(14 + number) for number in range(4)]
        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def fork(self):
        """In a forked child."""
        model = self.build(18)
        pid = os.fork()
        if not pid:
            status = 1
            try:
                self.driver.save(model, f"forked{self.suffix}")
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0

    def spawn(self):
        """In a spawned child."""
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        child = context.Process(target=save_in_child, args=(NAME, os.getcwd()))
        child.start()
        child.join()
        assert child.exitcode == 0

    def deleted(self):
        """Deleted right after it was saved."""
        self.save(20, f"deleted{self.suffix}")
        for name in self.driver.files_of(f"deleted{self.suffix}"):
            shutil.rmtree(name) if os.path.isdir(name) else os.unlink(name)

    def folder_over(self):
        """A folder saved over an existing one, if possible in a way that leaves old files behind."""
        target = f"folder{self.suffix}"
        self.save(21, target)
        before = what_is_in(".")
        time.sleep(0.05)  # no file's time is of this very moment: a training would have gone on
        getattr(self.driver, "save_over", self.driver.save)(self.build(22), target)
        after = what_is_in(".")
        left = [name for name in before if before[name] == after.get(name)]
        Path("left.json").write_text(json.dumps(left))

    def copied(self):
        """Saved here; `infer` loads a renamed copy."""
        self.save(23, f"original{self.suffix}")

    # -- what `infer` does ---------------------------------------------------------------------------

    def load_copied(self):
        """A copy under another name, elsewhere."""
        os.makedirs("elsewhere", exist_ok=True)
        for name in self.driver.files_of(f"original{self.suffix}"):
            to = os.path.join("elsewhere", name.replace("original", "renamed"))
            shutil.copytree(name, to) if os.path.isdir(name) else shutil.copy(name, to)
        self.driver.load(os.path.join("elsewhere", f"renamed{self.suffix}"))

    def load_over(self):
        """The folder that was saved over another one: what of it is read is up to the framework."""
        if hasattr(self.driver, "save_over"):
            self.driver.load(f"folder{self.suffix}")

    def load_external(self):
        """A file that nobody recorded; `prepare` made it."""
        self.driver.load(f"external{self.suffix}")

    def load_fails(self):
        """A file that can't be loaded."""
        for target in (f"missing{self.suffix}", f"damaged{self.suffix}"):
            try:
                self.driver.load(target)
            except Exception as error:  # noqa: BLE001 - whatever it raises
                Path("error.txt").write_text(type(error).__name__)
            else:
                raise AssertionError(f"{target} was loaded")


SAVES = (
    "early",
    "buffer",
    "file",
    "pathlike",
    "chdir",
    "unicode",
    "symlink",
    "overwrite",
    "rename",
    "raises",
    "nested",
    "threads",
    "fork",
    "spawn",
    "deleted",
    "folder_over",
    "copied",
)
LOADS = {
    "load_over": "folder_over",
    "load_copied": "copied",
    "load_external": "load_external",
    "load_fails": "load_fails",
}


def what_is_in(folder):
    """Every file below, and what tells that it was written again."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            status = os.stat(path)
            found[os.path.relpath(path, folder)] = (status.st_ino, status.st_mtime_ns)
    return found


def save_in_child(driver, folder):
    """What the spawned process does; it has imported this module, which called init()."""
    os.chdir(folder)
    driver = load_driver(driver)
    driver.save(driver.build(19), f"spawned{driver.SUFFIX}")


def run(names, driver, folder):
    """Run cases, each in its own folder."""
    cases = Cases(driver)
    for name, inside in names:
        if name in driver.IMPOSSIBLE or inside in driver.IMPOSSIBLE:
            continue
        place = os.path.join(folder, inside)
        os.makedirs(os.path.join(place, "in"), exist_ok=True)
        os.chdir(place)
        getattr(cases, name)()
        os.chdir(folder)


def prepare(driver, folder):
    """Files that nobody recorded."""
    for inside in ("load_external", "load_fails"):
        os.makedirs(os.path.join(folder, inside), exist_ok=True)
    os.chdir(os.path.join(folder, "load_external"))
    driver.save(driver.build(24), f"external{driver.SUFFIX}")
    os.chdir(os.path.join(folder, "load_fails"))
    driver.save(driver.build(25), f"damaged{driver.SUFFIX}")
    driver.damage(f"damaged{driver.SUFFIX}")


def settings(driver):
    """What `init()` is to be told for this framework."""
    return getattr(driver, "INIT", {})


def begin(task, driver):
    """`autolog.init()`, which imports no framework, whatever others are there."""
    before = set(sys.modules)
    import autolog
    from autolog import hooks

    begun = autolog.init(task=task, **settings(driver))
    roots = {point.module.partition(".")[0] for hook in hooks.discover() for point in hook.points}
    roots -= set(sys.stdlib_module_names) | {name.partition(".")[0] for name in before}
    imported = roots & {name.partition(".")[0] for name in sys.modules}
    assert not imported, imported
    return begun


def main(driver, folder):
    """What a process does; the forked ones return from here, too."""
    gc.collect()
    gc.freeze()  # what imports made needn't be looked through in each fork
    for what in ("prepare", "train"):
        child = os.fork()
        if child == 0:
            break
        assert os.waitpid(child, 0)[1] == 0, what
    else:
        what = "infer"
    if what == "prepare":
        prepare(driver, folder)
        return
    with begin(what, driver):
        run([(name, name) for name in SAVES] if what == "train" else list(LOADS.items()), driver, folder)


if __name__ == "__main__":
    NAME = sys.argv[1]
    gc.disable()  # the import makes next to no garbage, and collections take a quarter of its time
    DRIVER = load_driver(NAME)
    gc.enable()
    main(DRIVER, sys.argv[2])
elif __name__ == "__mp_main__":
    import autolog

    autolog.init(task="train", **settings(load_driver(sys.argv[1])))
