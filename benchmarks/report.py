"""The figures of a run: medians over the rounds, the table, the JSON, the verdict."""

import json
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.rounds import Trial

GOAL = 10.0
"""HQ's frames a second over those of Socket.IO, both at p99 <= 250 ms without loss."""
P99_MS = 250.0
"""The longest latency that counts as live, for 99 of 100 frames."""

HEADS = (
    "server       rounds  connects/s   p99 at {:>4}/s    cpu  p99 written  highest frames/s"
    "      p99    HQ is"
)


@dataclass(slots=True)
class Result:
    """One round of one server. `limited`: whether the highest rate was bounded from above."""

    connects_per_second: float
    steady: "Trial | None" = None
    written: "Trial | None" = None
    highest: "Trial | None" = None
    limited: bool = False
    checked: int = 0


@dataclass(slots=True)
class Figures:
    """All rounds. `rate` in updates a second, `notes` about the machine."""

    rate: int
    sockets: int
    notes: dict[str, str | int | float]
    results: dict[str, list[Result]] = field(default_factory=dict)

    def add(self, name: str, result: Result) -> None:
        """One more round of a server."""
        self.results.setdefault(name, []).append(result)

    def frames_per_second(self, name: str) -> float | None:
        """Median over the rounds of the highest rate without loss at p99 <= 250 ms, in frames/s.

        A round in which no rate held counts as nought; None where nothing was searched.
        """
        rounds = self.results.get(name, [])
        if not any(one.highest for one in rounds):
            return None
        return median(frames(one.highest) for one in rounds)

    @property
    def ratios(self) -> dict[str, float]:
        """HQ's highest rate over each peer's."""
        own = self.frames_per_second("hq")
        peers = {name: self.frames_per_second(name) for name in self.results if name != "hq"}
        return {name: own / other for name, other in peers.items() if own and other}

    @property
    def kept(self) -> bool:
        """Whether HQ lost nothing in any round, was live at the steady rate, announced and written,
        in the median, and is fast enough beside Socket.IO where that was measured."""
        rounds = self.results.get("hq", [])
        runs = [[one.steady for one in rounds], [one.written for one in rounds]]
        steady = bool(rounds) and all(_live(run) for run in runs)
        searched = any(one.highest for one in self.results.get("socketio", []))
        return steady and (not searched or self.ratios.get("socketio", 0.0) >= GOAL)

    def table(self) -> str:
        """What a person reads."""
        checked = sum(one.checked for rounds in self.results.values() for one in rounds)
        lines = [
            "",
            f"{self.sockets:,} sockets, medians of the rounds, {checked:,} frames checked",
            HEADS.format(self.rate),
        ]
        lines += [self._line(name) for name in self.results]
        lines += ["", *(f"{name}: {value}" for name, value in self.notes.items())]
        lines.append("HQ kept its promises." if self.kept else "HQ DID NOT keep its promises.")
        return "\n".join(lines)

    def _line(self, name: str) -> str:
        rounds = self.results[name]
        steady = [one.steady for one in rounds if one.steady]
        written = [one.written for one in rounds if one.written]
        highest = [one.highest for one in rounds if one.highest]
        most = self.frames_per_second(name)
        open_ended = most is not None and not all(one.limited for one in rounds)
        ratio = self.ratios.get(name)
        return (
            f"{name:<12}{len(rounds):>7}{median(one.connects_per_second for one in rounds):>12,.0f}"
            f"{_middle([one.p99_ms for one in steady], ' ms'):>16}"
            f"{_middle([one.server_cpu for one in steady], ''):>7}"
            f"{_middle([one.p99_ms for one in written], ' ms'):>13}"
            f"{('>= ' if open_ended else '') + (f'{most:,.0f}' if most is not None else '-'):>18}"
            f"{_middle([one.p99_ms for one in highest], ' ms'):>9}"
            f"{f'{ratio:.1f} x' if ratio else '':>9}"
        )

    def as_json(self) -> str:
        """Everything, for programs."""
        from benchmarks.rounds import as_json

        whole: dict[str, Any] = {
            "benchmark": "fanout",
            "sockets": self.sockets,
            "rate": self.rate,
            "machine": self.notes,
            "kept": self.kept,
            "ratios": self.ratios,
            "servers": {
                name: {
                    "frames_per_second": self.frames_per_second(name),
                    "rounds": [
                        {
                            "connects_per_second": one.connects_per_second,
                            "steady": as_json(one.steady),
                            "written": as_json(one.written),
                            "highest": as_json(one.highest),
                            "limited": one.limited,
                            "checked": one.checked,
                        }
                        for one in rounds
                    ],
                }
                for name, rounds in self.results.items()
            },
        }
        return json.dumps(whole, indent=2) + "\n"


def _live(trials: "list[Trial | None]") -> bool:
    done = [trial for trial in trials if trial is not None and trial.whole]
    return len(done) == len(trials) and median(trial.p99_ms for trial in done) <= P99_MS


def frames(trial: "Trial | None") -> float:
    """Frames a second that a trial asked for and got."""
    return trial.rate * trial.deliveries / trial.updates if trial else 0.0


def _middle(values: list[float], unit: str) -> str:
    return (
        f"{median(values):.2f}{unit}"
        if values and not unit
        else (f"{median(values):.1f}{unit}" if values else "-")
    )
