"""Installing, importing and removing a hook, in a process of its own.

Called as `python probe.py HOOK_KEY in_both_orders|lazy_in_thread`; prints a JSON list of what is wrong.
"""

import copy
import functools
import gc
import importlib
import inspect
import json
import pickle
import sys
import threading
import types
from importlib.util import find_spec

from autolog import hooks
from autolog.patching import Patches
from autolog.patching.wrapper import Patched

MISSING = object()
#: Py_TPFLAGS_BASETYPE: many classes written in C or Rust can't be a base of others.
CAN_BE_INHERITED = 1 << 10
FAILED = "failed: "


class Quiet:
    """A recorder that keeps nothing."""

    def begin(self, call): ...

    def pin(self, call): ...

    def belongs(self, inner, outer):
        return False

    def keep(self, call, origins): ...

    def drop(self, call): ...


class Probe:
    """A hook, and what turned out to be wrong with it."""

    def __init__(self, key):
        self.hook = next(each for each in hooks.discover() if each.key == key)
        self.patches = Patches([self.hook], Quiet())
        self.problems = []

    def modules(self):
        """The modules of all points, in the order they are named."""
        return list(dict.fromkeys(point.module for point in self.hook.points))

    def raw(self):
        """target -> (owner, name, what stands in the owner's own namespace)."""
        found = {}
        for point in self.hook.points:
            owner = sys.modules[point.module]
            *parents, name = point.name.split(".")
            for parent in parents:
                owner = getattr(owner, parent)
            found[point.target] = (owner, name, vars(owner).get(name, MISSING))
        return found

    def expect(self, condition, text):
        """Note `text` as a problem unless `condition` holds."""
        if not condition:
            self.problems.append(text)

    def check_wrapped(self, when):
        """Every target must be one wrapper around the original; returns those originals."""
        originals = {}
        for target, (_, _, now) in self.raw().items():
            self.expect(type(now) is Patched, f"{target} is not wrapped {when}")
            self.expect(
                self.patches.results[target] == "applied",
                f"{target} is reported as {self.patches.results[target]!r} {when}",
            )
            inside = getattr(now, "__wrapped__", None)
            self.expect(type(inside) is not Patched, f"{target} is wrapped twice {when}")
            originals[target] = inside
        return originals

    def check_removed(self, originals, when):
        """Every attribute must be the very object that it was, and none of ours left in any module."""
        for target, (owner, name, now) in self.raw().items():
            was = originals[target]
            if now is MISSING and was is not MISSING:  # what had been wrapped was inherited
                self.expect(getattr(owner, name) is was, f"{target} is inherited from elsewhere {when}")
            elif was is MISSING:
                self.expect(now is MISSING, f"{target} was inherited and is now an attribute {when}")
            else:
                self.expect(now is was, f"{target} is {now!r}, not the original, {when}")
        for module in tuple(sys.modules.values()):
            for name, value in tuple(getattr(module, "__dict__", {}).items()):
                self.expect(type(value) is not Patched, f"{module.__name__}.{name} is still ours {when}")

    def functions(self):
        """target -> the function as users get it."""
        return {target: getattr(owner, name) for target, (owner, name, _) in self.raw().items()}

    def facts(self):
        """What can be asked of the functions, to be compared with and without the hook."""
        found = {}
        for target, (owner, name, _) in self.raw().items():
            function = getattr(owner, name)
            found[target] = describe(function)
            if isinstance(owner, type) and owner.__flags__ & CAN_BE_INHERITED:
                found[f"{target} of an instance"] = describe_bound(owner, name)
        return found


def describe(function):
    """What anybody may ask of a function, pickles included; where asking fails, how it fails."""
    facts = {
        "signature": told(lambda: str(inspect.signature(function))),
        "isfunction": inspect.isfunction(function),
        "isroutine": inspect.isroutine(function),
        "ismethod": inspect.ismethod(function),
        "iscoroutinefunction": inspect.iscoroutinefunction(function),
        "callable": callable(function),
        "isinstance": isinstance(function, types.FunctionType),
        "class": repr(function.__class__),
        "source": told(lambda: inspect.getsource(function)),
        "same each time": told(lambda: pickle.loads(pickle.dumps(function)) == function),
        "copy": told(lambda: copy.copy(function) == function),
        "deepcopy": told(lambda: copy.deepcopy({"f": function})["f"] == function),
        "repr": repr(function).partition(" at ")[0],
        "hash": told(lambda: isinstance(hash(function), int)),
        "wraps": functools.wraps(function)(lambda: None).__qualname__,
    }
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__"):
        facts[name] = told(lambda name=name: repr(getattr(function, name)))
    facts["__annotations__"] = told(lambda: repr(function.__annotations__))
    facts["__code__"] = told(lambda: function.__code__.co_filename)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        facts[f"pickle {protocol}"] = told(lambda protocol=protocol: pickle.dumps(function, protocol).hex())
        partial = functools.partial(function, 1, a=2)
        facts[f"partial {protocol}"] = told(
            lambda protocol=protocol, partial=partial: pickle.dumps(partial, protocol).hex()
        )
    # It writes a bare class method by value, and a wrapped one by its name: both load as the same.
    if find_spec("cloudpickle") is not None and not inspect.ismethod(function):
        import cloudpickle

        facts["cloudpickle"] = told(lambda: cloudpickle.dumps(function).hex())
    return facts


def told(ask):
    """What `ask` returns, or how it fails: a C function has no source, some can't be pickled."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must be the same with a hook
        return f"{FAILED}{type(error).__name__}: {error}".partition(" at 0x")[0]


class Bare:
    """Makes an instance of a class without running its own code."""

    def __init__(self):
        pass

    def __del__(self):
        pass

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return 0

    def __copy__(self):
        return instance_of(self.owner)

    def __deepcopy__(self, memo):
        return instance_of(self.owner)

    def __reduce_ex__(self, protocol):
        return instance_of, (self.owner,)


@functools.cache
def kind_of(owner):
    """A subclass of `owner` whose instances need nothing."""
    made = type(owner)("Bare", (Bare, owner), {"owner": owner})
    made.__abstractmethods__ = frozenset()
    return made


def instance_of(owner):
    """An instance of that subclass; of one that makes something else when it is called, all the same."""
    made = kind_of(owner)()
    return made if isinstance(made, owner) else object.__new__(kind_of(owner))


def describe_bound(owner, name):
    """What anybody may ask of a bound method."""
    instance = told(lambda: instance_of(owner))
    if isinstance(instance, str):
        return {}  # its metaclass runs code of its own, or it can't be subclassed
    method = getattr(instance, name)
    if not isinstance(getattr(method, "__self__", None), owner):
        return {}  # a class method or a static one: the same from an instance as from the class
    facts = {
        "signature": str(inspect.signature(method)),
        "ismethod": inspect.ismethod(method),
        "isfunction": inspect.isfunction(method),
        "isroutine": inspect.isroutine(method),
        "self": type(method.__self__).__name__,
        "name": (method.__name__, method.__qualname__, method.__module__, method.__doc__),
        "copy": copy.copy(method) == method,
        "deepcopy": type(copy.deepcopy(method).__self__).__name__,
        "own copy": copy.deepcopy(method).__self__ is not method.__self__,
    }
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        facts[f"pickle {protocol}"] = told(lambda protocol=protocol: pickle.dumps(method, protocol).hex())
        facts[f"loaded {protocol}"] = told(
            lambda protocol=protocol: pickle.loads(pickle.dumps(method, protocol)).__name__
        )
    return facts


def compare(probe, bare, hooked):
    """Note every fact that the hook has changed."""
    for target, facts in bare.items():
        for name, value in facts.items():
            now = hooked[target][name]
            if str(value).startswith(FAILED):
                continue  # what can't be asked of the bare function nobody relies on
            probe.expect(now == value, f"{target}: {name} was {str(value)[:300]} and is {str(now)[:300]}")


def check_parameters(probe):
    """Named parameters must exist in the original."""
    for point in probe.hook.points:
        owner, name, _ = probe.raw()[point.target]
        function = getattr(owner, name)
        # The `__init__` of `object` takes whatever the class does.
        asked = owner if function is object.__init__ else function
        parameters = told(lambda asked=asked: inspect.signature(asked).parameters)
        if isinstance(parameters, str):
            continue  # a C function that doesn't tell them
        for pick in (point.path, point.model):
            if isinstance(pick, str) and pick != "return":
                probe.expect(pick in parameters, f"{point.target} has no parameter {pick!r}")


def user_module(name, probe):
    """A module that has imported every module-level function by its name."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    for number, point in enumerate(probe.hook.points):
        if "." not in point.name:
            exec(f"from {point.module} import {point.name} as f{number}", vars(module))
    return module


def import_all(probe):
    """As a script does: `import a.b.c`."""
    for module in probe.modules():
        exec(f"import {module}", {})


def install_import_remove(probe):
    """init() on the first line, imports below."""
    probe.patches.install()
    import_all(probe)
    originals = probe.check_wrapped("after its import")
    module = user_module("user_after", probe)
    probe.patches.remove()
    probe.check_removed(originals, "after removal")
    for name, value in vars(module).items():
        if name.startswith("f") and name[1:].isdigit():
            probe.expect(type(value) is not Patched, f"{name} imported after init() is still ours")
    probe.patches.install()
    probe.expect(probe.check_wrapped("when installed again") == originals, "other originals the second time")
    probe.patches.remove()
    probe.check_removed(originals, "after the second removal")


def import_install_remove(probe):
    """Imports first, then init(), names bound early included; and everything that can be asked.

    Behind `install_import_remove`, in its process: that has left the very objects that the framework made.
    """
    import_all(probe)
    module = user_module("user_before", probe)
    names = dict(vars(module))
    originals = {target: raw for target, (_, _, raw) in probe.raw().items()}
    check_parameters(probe)
    bare = probe.facts()
    for again in ("", " again"):
        probe.patches.install()
        probe.check_wrapped(f"when installed{again} after its import")
        for name in names:
            if name.startswith("f") and name[1:].isdigit():
                probe.expect(type(vars(module)[name]) is Patched, f"{name} imported early is not ours")
        compare(probe, bare, probe.facts())
        probe.patches.remove()
        probe.check_removed(originals, f"after removal{again}")
        for name, value in names.items():
            probe.expect(vars(module)[name] is value, f"{name} imported early is not what it was")
    compare(probe, bare, probe.facts())


def lazy_in_thread(probe):
    """The root package first, its modules one by one later, all in another thread; installed twice before."""
    probe.patches.install()
    probe.patches.remove()
    probe.patches.install()

    def work():
        for root in {module.partition(".")[0] for module in probe.modules()}:
            importlib.import_module(root)
        for module in probe.modules():
            for point in probe.hook.points:
                there = point.module in sys.modules
                probe.expect(
                    (probe.patches.results[point.target] == "applied") == there,
                    f"{point.target} is {probe.patches.results[point.target]!r}, imported: {there}",
                )
            importlib.import_module(module)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    originals = probe.check_wrapped("after all submodules")
    probe.patches.remove()
    probe.check_removed(originals, "after removal")


def never_imported(probe):
    """Installing and removing imports nothing of the framework."""
    before = set(sys.modules)
    probe.patches.install()
    probe.patches.versions()
    probe.patches.remove()
    roots = {module.partition(".")[0] for module in probe.modules()}
    came = {name for name in set(sys.modules) - before if name.partition(".")[0] in roots}
    probe.expect(not came, f"imported by us: {sorted(came)}")


if __name__ == "__main__":
    gc.disable()  # imports make next to no garbage, and collections take a quarter of their time
    probed = Probe(sys.argv[1])
    never_imported(probed)
    if sys.argv[2] == "in_both_orders":
        install_import_remove(probed)
        import_install_remove(probed)
    else:
        lazy_in_thread(probed)
    print(json.dumps(probed.problems))
