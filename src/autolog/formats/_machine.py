"""A pickle machine that makes records of what loading would do, and does none of it.

Why not a subclass of `pickle.Unpickler` whose `find_class` returns something harmless: on every
Python we support nine bytes (`LONG_BINPUT` with a large index) make the C unpickler fill gigabytes,
a tuple doubled forty times and used as a key hangs it for good inside `hash`, and each long bytes
object of a pickle is copied into memory. Here lengths are checked against the file, long payloads are
stepped over, no value is ever hashed or compared, and the number of operations is bounded.

The opcodes are those of protocols 0 to 5, as `pickletools` in the standard library describes them.
"""

from __future__ import annotations

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Mapping
from struct import error
from typing import NoReturn

from autolog.errors import UnreadableWeights
from autolog.formats import _opcodes as written
from autolog.formats._danger import CALLING
from autolog.formats._ration import TOO_LONG, Ration
from autolog.formats._source import Enough, Source
from autolog.formats._standins import Bag, Blob, Global, Made, Pairs, given_pairs, unescape

__all__ = ["Machine"]

_LONGEST_TEXT = 1 << 16  # bytes of a text that is kept; a longer one becomes a Blob
_LONGEST_BYTES = 1 << 12
_LONGEST_NUMBER = 1 << 9
_NAMES = 10_000
_LONGEST_NAME = 1 << 12  # characters
_DEEPEST_CALL = 10
_MOST_GIVEN = 10


class Machine:
    """Reads pickles from `source`, one at a time.

    `globals` fills with every name they mention, and whether loading calls it, as far as can be seen.
    `persistent` turns a persistent id into what stands in for it. `replaced` and `filled` name, by
    dotted global, what is to happen when an object of that kind has been made or given its state:
    the first returns what takes its place, the second may step over bytes that follow in the source.
    Malformed pickles raise `UnreadableWeights`, those beyond the ration `Enough`.
    """

    def __init__(self, source: Source, ration: Ration, globals: dict[Global, bool]) -> None:
        self.source = source
        self.ration = ration
        self.globals = globals
        self.persistent: Callable[[object], object] = lambda identity: Made(None, (identity,))
        self.replaced: Mapping[str, Callable[[Made], object]] = {}
        self.filled: Mapping[str, Callable[[Made], None]] = {}
        self._stack: list[object] = []
        self._marked: list[list[object]] = []
        self._memo: dict[int, object] = {}
        self._version = 0

    def load(self) -> object:
        """The next pickle of the source, as stand-ins."""
        self._stack, self._marked, self._memo, self._version = [], [], {}, 0
        source, steps = self.source, _STEPS
        most = self.ration.operations
        done = 0
        try:
            while (code := source.byte()) != _STOP:
                done += 1
                if done > most:
                    raise Enough(TOO_LONG)
                if (step := steps.get(code)) is None:
                    self._bad(f"no pickle has the operation {code:#04x}")
                step(self, code)
            return self._pop()
        except (IndexError, KeyError, ValueError, error) as fault:
            raise UnreadableWeights(f"malformed pickle before byte {source.position}: {fault}") from fault
        finally:
            # Pickles inside this one have taken from it, too.
            self.ration.operations -= done

    def _bad(self, why: str) -> NoReturn:
        raise UnreadableWeights(f"malformed pickle before byte {self.source.position}: {why}")

    # The stack, and the marks that divide it

    def _pop(self) -> object:
        if not self._stack:
            self._bad("it takes a value from an empty stack")
        return self._stack.pop()

    def _top(self) -> object:
        if not self._stack:
            self._bad("it uses a value of an empty stack")
        return self._stack[-1]

    def _since_mark(self) -> list[object]:
        if not self._marked:
            self._bad("it looks for a mark where there is none")
        values, self._stack = self._stack, self._marked.pop()
        return values

    def _mark(self, _code: int) -> None:
        self._marked.append(self._stack)
        self._stack = []

    def _drop(self, _code: int) -> None:
        # As in CPython: dropping what a mark has just opened drops the mark.
        if self._stack:
            self._stack.pop()
        else:
            self._since_mark()

    def _drop_to_mark(self, _code: int) -> None:
        self._since_mark()

    def _double(self, _code: int) -> None:
        self._stack.append(self._top())

    # Values

    def _constant(self, code: int) -> None:
        self._stack.append(written.CONSTANTS[code])

    def _number(self, code: int) -> None:
        layout = written.NUMBERS[code]
        self._stack.append(layout.unpack(self.source.take(layout.size))[0])

    def _sized(self, code: int) -> None:
        layout, kind = written.SIZED[code]
        length: int = layout.unpack(self.source.take(layout.size))[0]
        if length < 0:
            self._bad("a length is negative")
        longest = _LONGEST_BYTES if kind == "bytes" else _LONGEST_NUMBER if kind == "int" else _LONGEST_TEXT
        if length > longest:
            if self.source.left is not None and length > self.source.left:
                self._bad(f"it promises {length} bytes where {self.source.left} are left")
            place = self.source.place if kind == "bytes" else None
            head = self.source.take(min(length, _LONGEST_BYTES))
            self.source.skip(length - len(head))
            self.ration.keep(len(head))
            self._stack.append(Blob(length, head, place))
            return
        data = self.source.take(length)
        self.ration.keep(length)
        if kind == "bytes":
            self._stack.append(data)
        elif kind == "int":
            self._stack.append(int.from_bytes(data, "little", signed=True))
        else:
            self._stack.append(data.decode(kind, "surrogatepass" if kind == "utf-8" else "strict"))

    def _written_int(self, _code: int) -> None:
        text = self.source.line(_LONGEST_NUMBER)
        constants = {b"00": False, b"01": True}
        self._stack.append(constants[text] if text in constants else int(text.rstrip(b"L")))

    def _written_float(self, _code: int) -> None:
        self._stack.append(float(self.source.line(_LONGEST_NUMBER)))

    def _written_text(self, code: int) -> None:
        text = self.source.line(1 << 20)
        self.ration.keep(len(text))
        if code == ord("V"):
            self._stack.append(text.decode("raw-unicode-escape"))
        elif len(text) < 2 or text[:1] not in b"'\"" or text[-1:] != text[:1]:
            self._bad("a text lacks its quotes")
        else:
            self._stack.append(unescape(text[1:-1]))

    def _out_of_band(self, _code: int) -> None:
        self._stack.append(Blob(0, b""))

    def _read_only(self, _code: int) -> None:
        self._top()

    # Containers

    def _empty(self, code: int) -> None:
        self._stack.append(written.EMPTIES[code]())

    def _short_tuple(self, code: int) -> None:
        count = written.TUPLES[code]
        if len(self._stack) < count:
            self._bad("a tuple takes more values than there are")
        values = tuple(self._stack[len(self._stack) - count :])
        del self._stack[len(self._stack) - count :]
        self._stack.append(values)

    def _tuple(self, _code: int) -> None:
        values = tuple(self._since_mark())
        self._stack.append(values)

    def _list(self, _code: int) -> None:
        values = self._since_mark()
        self._stack.append(values)

    def _frozenset(self, _code: int) -> None:
        values = self._since_mark()
        self._stack.append(Bag(values))

    def _dict(self, _code: int) -> None:
        pairs = self._paired(self._since_mark())
        self._stack.append(pairs)

    def _paired(self, values: list[object]) -> Pairs:
        if len(values) % 2:
            self._bad("a key has no value")
        return Pairs(zip(values[::2], values[1::2], strict=True))

    def _append(self, code: int) -> None:
        values = [self._pop()] if code == ord("a") else self._since_mark()
        target = self._top()
        if isinstance(target, Made):
            target.items = [] if target.items is None else target.items
            target.items.extend(values)
        elif isinstance(target, list) and not isinstance(target, Pairs):
            target.extend(values)
        else:
            self._bad("it appends to something that isn't a list")

    def _set_item(self, code: int) -> None:
        if code == ord("s"):
            value = self._pop()
            pairs = Pairs([(self._pop(), value)])
        else:
            pairs = self._paired(self._since_mark())
        target = self._top()
        if isinstance(target, Made):
            target.pairs = Pairs() if target.pairs is None else target.pairs
            target.pairs.extend(pairs)
        elif isinstance(target, Pairs):
            target.extend(pairs)
        elif not (isinstance(target, list) and not isinstance(target, Bag)):
            self._bad("it sets a key of something that isn't a mapping")

    # Names, calls and states

    def name(self, module: object, name: object) -> Global:
        """The global of that name, which is noted in `globals`."""
        if not isinstance(module, str) or not isinstance(name, str):
            self._bad("a global's name isn't a text")
        if len(module) > _LONGEST_NAME or len(name) > _LONGEST_NAME:
            self._bad("a global's name is no name")
        if self._version < 3:
            # Loading such a pickle translates the names of Python 2's standard library.
            if (module, name) in NAME_MAPPING:
                module, name = NAME_MAPPING[module, name]
            else:
                module = IMPORT_MAPPING.get(module, module)
        if len(self.globals) >= _NAMES:
            raise Enough(f"{_NAMES} globals")
        made = Global(module, name)
        self.globals.setdefault(made, False)
        return made

    def _global_line(self) -> Global:
        module = self.source.line(_LONGEST_BYTES).decode()
        return self.name(module, self.source.line(_LONGEST_BYTES).decode())

    def _global(self, _code: int) -> None:
        self._stack.append(self._global_line())

    def _stack_global(self, _code: int) -> None:
        name, module = self._pop(), self._pop()
        self._stack.append(self.name(module, name))

    def _extension(self, code: int) -> None:
        layout = written.EXTENSIONS[code]
        number = layout.unpack(self.source.take(layout.size))[0]
        # Which name it stands for only the loading program's copyreg registry knows.
        self._stack.append(self.name("copyreg", f"extension {number}"))

    def _make(self, callee: object, args: object) -> None:
        made = Made(callee, args)
        if made.path in _VIA and made.args:
            # Protocols 0 and 1 make an object of a class through a function that takes the class.
            self.ration.operate(len(made.args))
            made = Made(made.args[0], made.args[1:])
        made.pairs = given_pairs(made, self.ration.operate)
        replaced = self.replaced.get(made.path)
        self._stack.append(made if replaced is None else replaced(made))

    def _call(self, _code: int) -> None:
        args = self._pop()
        callee = self._pop()
        self._note(callee, args)
        self._make(callee, args)

    def _new(self, _code: int) -> None:
        # `__new__` of a class: of anything else loading fails.
        args = self._pop()
        self._make(self._pop(), args)

    def _new_with_keywords(self, _code: int) -> None:
        self._pop()
        self._new(_code)

    def _note(self, callee: object, args: object) -> None:
        """Note in `globals` what is called, and what that may call of what it is given."""
        given = args if isinstance(args, tuple) else ()
        made, depth = False, 0
        while isinstance(callee, Made):
            depth += 1
            if callee.path == _PARTIAL and callee.args and depth < _DEEPEST_CALL:
                given, callee = callee.args[1 : _MOST_GIVEN + 1] + given, callee.args[0]
            else:
                made, callee = (
                    True,
                    callee.callee if depth < _DEEPEST_CALL else Global("functools", "partial"),
                )
        if made and isinstance(callee, Global):
            # An object is called, or what a function yields.
            callee = self.name(callee.module, f"{callee.name}.__call__")
        if isinstance(callee, Global):
            self.globals[callee] = True
            if callee.path in CALLING:
                self.globals.update((each, True) for each in given[:_MOST_GIVEN] if isinstance(each, Global))

    def _instance(self, _code: int) -> None:
        args = tuple(self._since_mark())
        callee = self._global_line()
        self._note(callee, args)
        self._make(callee, args)

    def _object(self, _code: int) -> None:
        values = self._since_mark()
        if not values:
            self._bad("an object has no class")
        self._note(values[0], tuple(values[1:]))
        self._make(values[0], tuple(values[1:]))

    def _build(self, _code: int) -> None:
        state = self._pop()
        target = self._top()
        if isinstance(target, Made):
            target.state = state
            if (filled := self.filled.get(target.path)) is not None:
                filled(target)

    def _persistent_line(self, _code: int) -> None:
        self._stack.append(self.persistent(self.source.line(_LONGEST_BYTES).decode()))

    def _persistent(self, _code: int) -> None:
        self._stack.append(self.persistent(self._pop()))

    # Protocol, frames and the memo

    def _protocol(self, _code: int) -> None:
        self._version = self.source.byte()
        if self._version > 5:
            self._bad(f"protocol {self._version} is unknown")

    def _frame(self, _code: int) -> None:
        # Frames only tell how much to read at once; we read as we go.
        self.source.take(8)

    def _get(self, code: int) -> None:
        if code == ord("g"):
            index = int(self.source.line(20))
        else:
            index = written.MEMO_READS[code].unpack(self.source.take(written.MEMO_READS[code].size))[0]
        self._stack.append(self._memo[index])

    def _put(self, code: int) -> None:
        if code == ord("p"):
            index = int(self.source.line(20))
        elif code == 0x94:
            index = len(self._memo)
        else:
            index = written.MEMO_WRITES[code].unpack(self.source.take(written.MEMO_WRITES[code].size))[0]
        self._memo[index] = self._top()


_PARTIAL = "functools.partial"
_VIA = frozenset({"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"})
_STOP = ord(".")
_STEPS: dict[int, Callable[[Machine, int], None]] = {
    **dict.fromkeys(written.CONSTANTS, Machine._constant),
    **dict.fromkeys(written.NUMBERS, Machine._number),
    **dict.fromkeys(written.SIZED, Machine._sized),
    **dict.fromkeys(written.EMPTIES, Machine._empty),
    **dict.fromkeys(written.TUPLES, Machine._short_tuple),
    **dict.fromkeys(written.EXTENSIONS, Machine._extension),
    **dict.fromkeys((*written.MEMO_READS, ord("g")), Machine._get),
    **dict.fromkeys((*written.MEMO_WRITES, ord("p"), 0x94), Machine._put),
    **dict.fromkeys(b"IL", Machine._written_int),
    **dict.fromkeys(b"VS", Machine._written_text),
    ord("F"): Machine._written_float,
    ord("("): Machine._mark,
    ord("0"): Machine._drop,
    ord("1"): Machine._drop_to_mark,
    ord("2"): Machine._double,
    ord("t"): Machine._tuple,
    ord("l"): Machine._list,
    ord("d"): Machine._dict,
    0x91: Machine._frozenset,
    **dict.fromkeys((ord("a"), ord("e"), 0x90), Machine._append),
    **dict.fromkeys(b"su", Machine._set_item),
    ord("c"): Machine._global,
    0x93: Machine._stack_global,
    ord("R"): Machine._call,
    0x81: Machine._new,
    0x92: Machine._new_with_keywords,
    ord("i"): Machine._instance,
    ord("o"): Machine._object,
    ord("b"): Machine._build,
    ord("P"): Machine._persistent_line,
    ord("Q"): Machine._persistent,
    0x80: Machine._protocol,
    0x95: Machine._frame,
    0x97: Machine._out_of_band,
    0x98: Machine._read_only,
}
