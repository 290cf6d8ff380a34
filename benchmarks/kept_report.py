"""The part of the table about keeping every version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .figures import BASE, middle, ratio

__all__ = ["Row", "cost_rows", "rate_rows", "restore_rows", "stored_rows", "verdicts"]

Row = Sequence[str]
KEEPING = "autolog, keeping"
#: The numbers to reach: bytes for ten saves of 200 MB, shares, and bytes a CPU-second.
STORED, STORED_OF = 300e6, 200e6
CAPTURE, PER_CPU, RESTORE = 0.8, 0.5e9, 0.6


def stored_rows(found: dict[str, Any]) -> Iterable[Row]:
    """Bytes that are stored, and versions that come back, by case and tool."""
    count = found["saves"]
    for case, tools in found["left"].items():
        shown = case
        for tool, left in tools.items():
            share = left["stored"] / count / found["size"]
            repacked = left.get("repacked")
            yield (
                shown,
                tool,
                f"{left['stored'] / 1e6:,.0f}",
                f"{share:.2f}",
                f"{left['recovered']} of {count}",
                "" if repacked is None else f"{repacked / 1e6:,.0f}",
                "" if repacked is None else f"{left['recovered repacked']} of {count}",
            )
            shown = ""


def cost_rows(found: dict[str, Any]) -> Iterable[Row]:
    """What ten saves without a pause cost the script, in seconds."""
    runs = found["runs"]
    bare = runs.get(f"{BASE}: trained", [])
    for label, several in runs.items():
        if not several:
            continue
        saving = [sum(run["result"]["saves"]) for run in several]
        yield (
            label.rpartition(": ")[0],
            f"{middle(saving) or 0:.2f}",
            f"{min(saving):.2f} - {max(saving):.2f}",
            _times(ratio(middle(saving), middle([sum(run["result"]["saves"]) for run in bare]))),
            f"{middle([run['wall'] for run in several]) or 0:.1f}",
            _times(ratio(middle([run["wall"] for run in several]), middle([run["wall"] for run in bare]))),
            f"{middle([run['settled'] for run in several]) or 0:.1f}",
            f"{middle([run['own_cpu'] for run in several]) or 0:.1f}",
            f"{middle([run['helper_cpu'] for run in several]) or 0:.1f}",
        )


def rate_rows(found: dict[str, Any]) -> Iterable[Row]:
    """How soon a save is recorded and kept, beside reading and hashing the file alone; the agent's CPU."""
    for label in _watched(found):
        saves = _saves(found, label)
        per_cpu = _per_cpu(found, label)
        yield (
            label,
            f"{1e3 * (middle([save['alone'] for save in saves]) or 0):.0f}",
            f"{1e3 * (middle([save['recorded'] for save in saves]) or 0):.0f}",
            _times(_share(saves, "recorded")),
            _in_ms([save["kept"] for save in saves if save["kept"] is not None]),
            _times(_share(saves, "kept")),
            "" if per_cpu is None else f"{found['size'] / per_cpu:.3f}",
            "" if per_cpu is None else f"{per_cpu / 1e9:.2f}",
        )


def restore_rows(found: dict[str, Any]) -> Iterable[Row]:
    """How fast versions come back beside `cp`, and how fast all that is kept is verified, in GB/s."""
    for case, tools in found["left"].items():
        left = tools.get(KEEPING, {})
        for name, key in (("", "first"), (", repacked", "again")):
            if key not in left:
                continue
            rows, verified = left[key]["restored"], left[key]["verify"]
            by_version = _by_version(rows)
            yield (
                case + name,
                f"{found['size'] / 1e9 / (middle([row['cp'] for row in rows]) or 1):.2f}",
                f"{found['size'] / 1e9 / (middle([row['took'] for row in rows]) or 1):.2f}",
                _times(_restore_share(rows)),
                _times(min(by_version.values(), default=None)),
                _times(ratio(middle([row["cpu"] for row in rows]), middle([row["cp_cpu"] for row in rows]))),
                f"{verified['size'] / 1e9 / verified['took']:.2f}",
                str(verified["damages"]),
            )


def verdicts(found: dict[str, Any]) -> Iterable[Row]:
    """One row per number to reach: what, reach, measured, PASS or by how much it is missed."""
    if not found:
        return
    count, left = found["saves"], found["left"]
    limit = STORED * found["size"] / STORED_OF
    ours = left.get("frozen", {}).get(KEEPING)
    stored = None if ours is None else float(ours["stored"])
    yield (
        f"stored after ten {found['size'] / 1e6:.0f} MB saves, 95% frozen",
        f"<= {limit / 1e6:.0f} MB",
        "" if stored is None else f"{stored / 1e6:.0f} MB",
        _verdict(ratio(limit, stored)),
    )
    for case, tools in left.items():
        if (one := tools.get(KEEPING)) is not None:
            known = min(one["recovered"], one["recovered repacked"])
            yield (
                f"versions that come back, {case}, also repacked",
                f"{count} of {count}",
                f"{known} of {count}",
                _verdict(known / count),
            )
    for label in _watched(found):
        keeps = label.startswith(KEEPING)
        if not keeps:
            share = _share(_saves(found, label), "recorded")
            verdict = _verdict(ratio(share, CAPTURE))
            what = f"capture rate over hashing alone, {label.rpartition(': ')[2]}"
            yield what, f">= {CAPTURE}", _times(share), verdict
            continue
        share = _per_cpu(found, label)
        shown = "" if share is None else f"{share / 1e9:.2f} GB/s"
        what = f"kept per CPU-second of the agent, {label.rpartition(': ')[2]}"
        yield what, f">= {PER_CPU / 1e9} GB/s", shown, _verdict(ratio(share, PER_CPU))
    for case, name, key in (
        ("random", "", "first"),
        ("trained", "", "first"),
        ("trained", ", repacked", "again"),
    ):
        one = left.get(case, {}).get(KEEPING)
        share = None if one is None else _restore_share(one[key]["restored"])
        what = f"restore over cp, {case}{name}"
        yield what, f">= {RESTORE}", _times(share), _verdict(ratio(share, RESTORE))


def _watched(found: dict[str, Any]) -> list[str]:
    """The labels of what was waited for, without their counts."""
    last = f" x{found['watched']}"
    return [label.removesuffix(last) for label in found["rates"]["runs"] if label.endswith(last)]


def _saves(found: dict[str, Any], label: str) -> list[dict[str, Any]]:
    runs = found["rates"]["runs"][f"{label} x{found['watched']}"]
    return [save for run in runs for save in run["result"]["watched"]]


def _share(saves: Sequence[dict[str, Any]], key: str) -> float | None:
    """The median of the file's own reading and hashing over the time until it was recorded or kept."""
    return middle([save["alone"] / save[key] for save in saves if save[key]])


def _per_cpu(found: dict[str, Any], label: str) -> float | None:
    """Bytes that were kept for each second of the agent's CPU, its start left out."""
    runs = found["rates"]["runs"]
    pairs = zip(runs[f"{label} x{found['watched']}"], runs[f"{label} x1"], strict=False)
    used = middle([many["helper_cpu"] - one["helper_cpu"] for many, one in pairs])
    return ratio(found["size"] * (found["watched"] - 1), used)


def _by_version(rows: Sequence[dict[str, Any]]) -> dict[int, float]:
    """The median of `cp`'s time over the restore's, version by version."""
    shares: dict[int, list[float]] = {}
    for row in rows:
        shares.setdefault(row["version"], []).append(row["cp"] / row["took"])
    return {version: middle(several) or 0.0 for version, several in shares.items()}


def _restore_share(rows: Sequence[dict[str, Any]]) -> float | None:
    return middle([row["cp"] / row["took"] for row in rows])


def _verdict(reached: float | None) -> str:
    """PASS where all of it is reached, else by how much it is missed; a dash if it was not measured."""
    if reached is None:
        return "-"
    return "PASS" if reached >= 1 else f"MISS by {1 - reached:.0%}"


def _in_ms(values: Sequence[float]) -> str:
    return f"{1e3 * (middle(values) or 0):.0f}" if values else ""


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
