"""Turns the raw figures of a run into the table: `python -m benchmarks.report FILE` prints a kept one."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from . import kept_report
from .figures import (
    BASE,
    OURS,
    above_bare,
    added,
    cpu_per_save,
    first_saves,
    helpers_per_save,
    inside,
    memory_added,
    middle,
    one_by_one,
    percentile,
    ratio,
    recorded,
    sizes,
    statement_times,
    tree,
)

__all__ = ["Row", "render", "verdicts"]

Row = Sequence[str]
#: A load at the start above which figures are said to be unreliable.
QUIET = 0.5

#: The numbers to reach that this run can answer.
WRAPT_TIMES, WANDB_SHARE, THREAD_MS, FIRST_MS, MEMORY_MB = 1.4, 1 / 8, 1.0, 2.0, 25.0


def render(figures: dict[str, Any]) -> str:
    """The whole report as plain text."""
    sections: list[tuple[str, Callable[[dict[str, Any]], Iterable[str]]]] = [
        ("init", init_section),
        ("saves", saves_section),
        ("cpu", cpu_section),
        ("loop", loop_section),
        ("kept", kept_section),
    ]
    lines = list(head(figures))
    for name, section in sections:
        if name in figures:
            lines += ["", *section(figures[name]), *troubles(figures[name])]
    lines += ["", "Against the numbers to reach"]
    lines += table(("what", "reach", "measured", ""), verdicts(figures))
    lines += ["", f"Took {figures.get('took', 0) / 60:.1f} minutes."]
    return "\n".join(lines)


def verdicts(figures: dict[str, Any]) -> list[Row]:
    """One row per number to reach: what, reach, measured, and PASS, MISS or a dash where not measured."""
    rows: list[Row] = []

    def row(what: str, reach: str, shown: str, good: bool | None) -> None:
        verdict = "-" if good is None else "PASS" if good else "MISS"
        rows.append((what, reach, "not measured" if good is None else shown, verdict))

    init, saves = figures.get("init", {}), figures.get("saves", {})
    starts = above_bare(init)
    ours, wrapt, wandb = (middle(starts.get(name, ())) for name in (OURS, "import wrapt", "wandb"))
    share = ratio(ours, wrapt)
    row("start, CPU over import wrapt", f"<= {WRAPT_TIMES}", f"{share or 0:.2f}", at_most(share, WRAPT_TIMES))
    share = ratio(ours, wandb)
    row("start, CPU over wandb", "<= 1/8", f"1/{1 / (share or 1):.1f}", at_most(share, WANDB_SHARE))
    loaded = init.get("frameworks", {}).get(OURS)
    row("start, frameworks imported", "0", f"{len(loaded or ())}", None if loaded is None else not loaded)
    for size in sizes(saves):
        value = middle(added(saves, OURS, size))
        shown = f"{value or 0:.3f} ms"
        row(f"thread, a {size_name(size)} save, median", "< 1 ms", shown, below(value, THREAD_MS))
    value = middle(first_saves(saves, OURS))
    row("thread, first save of a process", "< 2 ms", f"{value or 0:.2f} ms", below(value, FIRST_MS))
    known = recorded(saves, OURS)
    shown = "{} of {}".format(*known or (0, 0))
    row("saves recorded in that run", "all", shown, None if known is None else known[0] == known[1])
    value = memory_added(saves, OURS, "saved")
    row("memory added to the script", "< 25 MB", f"{value or 0:.1f} MB", below(value, MEMORY_MB))
    return [*rows, *kept_report.verdicts(figures.get("kept", {}))]


def at_most(value: float | None, limit: float) -> bool | None:
    """Whether a figure is no more than its limit; None of none."""
    return None if value is None else value <= limit


def below(value: float | None, limit: float) -> bool | None:
    """Whether a figure is less than its limit; None of none."""
    return None if value is None else value < limit


def head(figures: dict[str, Any]) -> Iterable[str]:
    """What was measured on what."""
    machine, versions = figures["machine"], figures["versions"]
    yield "autolog beside its peers" + (" (quick: rough figures)" if figures["quick"] else "")
    yield ", ".join(
        f"{name} {version}" for name, version in (*versions.items(), ("Python", machine["python"]))
    )
    yield (
        f"{machine['cores']} cores, {machine['memory'] / 1e9:.0f} GB, Linux {machine['kernel']}, "
        f"{machine['file_system']}, load {machine['load']:.1f} at the start"
    )
    yield from (f"{name}: {about}" for name, about in figures["tools"].items())
    if machine["load"] > QUIET:
        yield "Other work is running on this machine: these figures are not to be relied on."
    names = figures["speed"][0]
    yield "calibration, GB/s at the start and the end: " + ", ".join(
        f"{name} " + " / ".join(f"{speed[name]:.1f}" for speed in figures["speed"]) for name in names
    )


def init_section(found: dict[str, Any]) -> Iterable[str]:
    """CPU of starting a tool, above bare Python."""
    yield "Start: CPU of a fresh process above bare Python, bytecode compiled (s)"
    starts, trees = above_bare(found), above_bare(found, "helper_cpu")
    wrapt, ours = middle(starts.get("import wrapt", ())), middle(starts.get(OURS, ()))
    bare = [run["own_cpu"] for run in found["runs"].get(BASE, [])]
    rows: list[Row] = [(BASE + " python, in all", *spread(bare, "{:.3f}"), "", "", "", "")]
    for label, values in starts.items():
        if label == BASE:
            continue
        own = middle(values)
        frameworks = found["frameworks"].get(label, [])
        rows.append(
            (
                label,
                *spread(values, "{:.3f}"),
                times(ratio(own, wrapt)),
                times(ratio(own, ours)),
                f"{max(0.0, middle(trees[label]) or 0.0):.3f}",
                ", ".join(frameworks) or "none",
            )
        )
    columns = ("", "median", "min - max", "x wrapt", "x autolog", "helpers", "frameworks loaded")
    yield from table(columns, rows)


def saves_section(found: dict[str, Any]) -> Iterable[str]:
    """What is added to each save on its thread, and the memory."""
    yield "Save: added on the training thread by one torch.save, a pause between saves (ms)"
    rows: list[Row] = []
    for size in sizes(found):
        ours, shown = middle(added(found, OURS, size)), size_name(size)
        for label in found["runs"]:
            values = added(found, label, size)
            if not values:
                continue
            saves = one_by_one(found, label, size)
            grown = [1 + (save["before"] + save["after"]) / save["inside"] for save in saves]
            rows.append(
                (
                    shown,
                    label,
                    milliseconds(middle(inside(found, label, size))),
                    milliseconds(middle(values)),
                    round_spread(found, label, size),
                    milliseconds(percentile(values, 0.95)),
                    milliseconds(max(values)),
                    milliseconds(middle([1e3 * save["cpu_added"] for save in saves])),
                    times(middle(grown)),
                    times(ratio(middle(values), ours)) if label not in (BASE, OURS) else "",
                )
            )
            shown = ""
    columns = (
        "size",
        "",
        "torch.save",
        "added",
        "rounds",
        "p95",
        "max",
        "CPU added",
        "x its save",
        "x autolog",
    )
    yield from table(columns, rows)
    yield ""
    yield "The first save of a process, added on the thread (ms)"
    firsts = {label: first_saves(found, label) for label in found["runs"]}
    rows = [(label, *spread(values, "{:.2f}")) for label, values in firsts.items() if values]
    yield from table(("", "median", "min - max"), rows)
    if detail := list(pattern_rows(found)):
        yield ""
        yield "autolog before and after the original: with pauses, and in tight loops, where it may wait (ms)"
        parts = ("size", "pattern", "torch.save", "before: median", "max", "after: median", "max")
        yield from table(parts, detail)
    yield ""
    yield "Memory added to a script that has imported torch (MB of resident memory)"
    rows = [
        (
            label,
            *(
                "" if value is None else f"{value:.1f}"
                for value in (memory_added(found, label, "started"), memory_added(found, label, "saved"))
            ),
        )
        for label in found["runs"]
        if label != BASE and found["runs"][label]
    ]
    yield from table(("", "after its start", "after a save, less bare"), rows)


def cpu_section(found: dict[str, Any]) -> Iterable[str]:
    """CPU of the whole tree for a 200 MB save."""
    count = found["saves"]
    yield f"CPU of a {size_name(found['size'])} save, the script's process and the tool's helpers (s)"
    labels = [label.removesuffix(" x1") for label in found["runs"] if label.endswith(" x1")]
    per_save = {label: cpu_per_save(found, label) for label in labels}
    bare, once_bare = middle(per_save.get(BASE, ())), middle(tree(found, f"{BASE} x1"))
    bare_wall = middle(statement_times(found, f"{BASE} x{count}"))
    rows: list[Row] = []
    for label, values in per_save.items():
        if not values:
            continue
        helpers = middle(helpers_per_save(found, label))
        wall = middle(statement_times(found, f"{label} x{count}"))
        once = middle(tree(found, f"{label} x1"))
        rows.append(
            (
                label,
                *spread(values, "{:.3f}"),
                times(ratio(middle(values), bare)),
                f"{helpers or 0:.3f}",
                f"{wall or 0:.3f}",
                times(ratio(wall, bare_wall)),
                "" if once is None or once_bare is None else f"{once - once_bare:.2f}",
            )
        )
    columns = ("", "median", "min - max", "x bare", "in helpers", "thread", "x bare", "once a run")
    yield from table(columns, rows)


def loop_section(found: dict[str, Any]) -> Iterable[str]:
    """The slowdown of a small CPU training loop."""
    yield (
        f"Training loop on the CPU: {found['steps']} steps, "
        f"a 20 MB checkpoint every {found['save_every']} steps (s)"
    )
    runs = found["runs"]
    bare = [run["result"]["loop"] for run in runs.get(BASE, [])]
    rows: list[Row] = []
    for label, several in runs.items():
        if not several:
            continue
        loops = [run["result"]["loop"] for run in several]
        after = [run["settled"] - run["wall"] for run in several]
        rows.append(
            (
                label,
                *spread(loops, "{:.2f}"),
                times(ratio(middle(loops), middle(bare))),
                f"{middle([run['result']['saving'] for run in several]) or 0:.3f}",
                f"{middle([run['helper_cpu'] for run in several]) or 0:.2f}",
                "-" if several[0]["cut"] else f"{middle(after) or 0:.2f}",
            )
        )
    columns = ("", "loop", "min - max", "x bare", "in saves", "helpers' CPU", "helpers end after")
    yield from table(columns, rows)


def kept_section(found: dict[str, Any]) -> Iterable[str]:
    """What keeping every version costs, and how fast versions come back."""
    size = size_name(found["size"])
    yield f"Kept: {found['saves']} saves of {size} over one path (MB; versions that come back bit for bit)"
    columns: Row = ("", "", "stored", "of the bytes", "come back", "repacked", "come back")
    yield from table(columns, list(kept_report.stored_rows(found)))
    yield ""
    yield f"What {found['saves']} saves of {size} without a pause cost the script, everything trained (s)"
    columns = (
        "",
        "in saves",
        "min - max",
        "x bare",
        "script",
        "x bare",
        "helpers end",
        "its CPU",
        "helpers'",
    )
    yield from table(columns, list(kept_report.cost_rows(found)))
    yield ""
    yield f"From a {size} save's return to its record, beside reading and hashing the file alone (ms)"
    columns = ("", "alone", "recorded", "rate", "kept", "rate", "agent's CPU, s", "GB per CPU-s")
    yield from table(columns, list(kept_report.rate_rows(found)))
    yield ""
    yield f"Restoring a version of {size}, verified, beside cp; verify --deep of all ten (GB/s)"
    columns = ("", "cp", "restore", "over cp", "slowest version", "CPU over cp", "verify", "damages")
    yield from table(columns, list(kept_report.restore_rows(found)))
    for part in ("apart", "rates"):
        yield from troubles(found[part])


def troubles(found: dict[str, Any]) -> Iterable[str]:
    """What failed, which saves were not recorded, and which helpers had to be ended."""
    for label in found["runs"]:
        if (known := recorded(found, label)) and known[0] != known[1]:
            yield f"  {label}: only {known[0]} versions recorded of {known[1]} saves"
    for label, text in found["failed"].items():
        yield f"  {label} FAILED and is left out: " + " | ".join(text.strip().splitlines()[-3:])
    for label, runs in found["runs"].items():
        if left := {name for run in runs for name in run["lingering"]}:
            yield f"  {label}: ended by force a minute after the script: {', '.join(sorted(left))}"


def round_spread(found: dict[str, Any], label: str, size: int) -> str:
    """The smallest and the largest of the rounds' medians, in milliseconds."""
    medians = [middle(added({"runs": {label: [run]}}, label, size)) or 0.0 for run in found["runs"][label]]
    return f"{milliseconds(min(medians))} - {milliseconds(max(medians))}"


def pattern_rows(found: dict[str, Any]) -> Iterable[Row]:
    """autolog's saves with a pause, without one to different paths (burst), and over one path."""
    for size in sizes(found):
        for pattern in ("paced", "burst", "same path"):
            if saves := one_by_one(found, OURS, size, pattern):
                before = [1e3 * save["before"] for save in saves]
                after = [1e3 * save["after"] for save in saves]
                original = milliseconds(middle([1e3 * save["inside"] for save in saves]))
                figures = (middle(before), max(before), middle(after), max(after))
                yield (size_name(size), pattern, original, *(milliseconds(figure) for figure in figures))


def times(value: float | None) -> str:
    """A ratio as it is printed."""
    if value is None:
        return ""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"


def milliseconds(value: float | None) -> str:
    """Milliseconds, with as many digits as mean something."""
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"


def spread(values: Sequence[float], shown: str) -> tuple[str, str]:
    """The median, and the smallest and largest value."""
    if not values:
        return "", ""
    low, high = shown.format(min(values)), shown.format(max(values))
    return shown.format(statistics.median(values)), f"{low} - {high}"


def size_name(size: int) -> str:
    """A size in bytes as people say it."""
    for name, unit in (("GiB", 1024**3), ("MB", 1000**2), ("KB", 1000)):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} B"


def table(columns: Row, rows: Sequence[Row]) -> Iterable[str]:
    """Aligned columns: words to the left, figures to the right."""
    widths = [max(len(row[at]) for row in [columns, *rows]) for at in range(len(columns))]

    def line(row: Row) -> str:
        cells = []
        for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
            words = [other[at] for other in rows if other[at]]
            left = at == 0 or not all(word[0].isdigit() or word[0] in "-<1" for word in words)
            cells.append(cell.ljust(width) if left else cell.rjust(width))
        return ("  " + "  ".join(cells)).rstrip()

    return [line(columns), "  " + "  ".join("-" * width for width in widths), *(line(row) for row in rows)]


if __name__ == "__main__":
    print(render(json.loads(Path(sys.argv[1]).read_text())))
