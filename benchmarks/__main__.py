"""The command line of the benchmarks: `python -m benchmarks fanout --help`."""

import argparse
import signal
import sys
from pathlib import Path

from benchmarks import fanout, fuzz, revoke, soak
from benchmarks.machine import BenchmarkError
from benchmarks.servers import PEERS


def main() -> int:
    """Runs what was asked for; 0 when HQ kept its promises, 1 when not, 2 when it could not run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("fanout", help=fanout.__doc__)
    command.add_argument("--sockets", type=int, default=1024, metavar="N", help="default 1024")
    command.add_argument(
        "--rate",
        type=int,
        default=160,
        metavar="R",
        help="updates/s of the steady run, default 160",
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    command.add_argument(
        "--repeats", type=int, default=3, metavar="N", help="interleaved rounds, default 3"
    )
    command.add_argument(
        "--seconds", type=float, default=2.0, metavar="S", help="length of a trial, default 2"
    )
    command.add_argument(
        "--minutes",
        type=float,
        default=15.0,
        metavar="M",
        help="no new server is started after, default 15",
    )
    command.add_argument(
        "--peers",
        default="socketio",
        metavar="NAMES",
        help=f"of {', '.join(PEERS)}, with commas; '' measures HQ alone; default socketio",
    )
    command.add_argument(
        "--no-search", action="store_true", help="the steady run alone, without the highest rate"
    )
    command = commands.add_parser("revoke", help=revoke.__doc__)
    command.add_argument("--sockets", type=int, default=500, metavar="N", help="default 500")
    command.add_argument(
        "--rate", type=float, default=20.0, metavar="R", help="commits a second, default 20"
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    command = commands.add_parser("fuzz", help=fuzz.__doc__)
    command.add_argument("--minutes", type=float, default=10.0, metavar="M", help="default 10")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="default 1")
    command = commands.add_parser("soak", help=soak.__doc__)
    command.add_argument("--minutes", type=float, default=20.0, metavar="M", help="default 20")
    command.add_argument("--sockets", type=int, default=1000, metavar="N", help="default 1000")
    command.add_argument(
        "--churn", type=float, default=10.0, metavar="R", help="sockets cut a second, default 10"
    )
    command.add_argument("--svg", type=Path, metavar="FILE", help="draw memory and descriptors")
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    given = parser.parse_args()
    # So that what was started is ended on a request to stop, too.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda number, frame: sys.exit(128 + number))
    try:
        if given.command == "revoke":
            kept = revoke.run(revoke.Plan(given.sockets, given.rate, given.json))
        elif given.command == "fuzz":
            kept = fuzz.run(fuzz.Plan(given.minutes, given.seed))
        elif given.command == "soak":
            plan = soak.Plan(given.minutes, given.sockets, given.churn, given.svg, given.json)
            kept = soak.run(plan)
        else:
            kept = fanout.run(_fanout(parser, given))
    except BenchmarkError as error:
        print(f"The benchmark could not run: {error}", file=sys.stderr)
        return 2
    return 0 if kept else 1


def _fanout(parser: argparse.ArgumentParser, given: argparse.Namespace) -> fanout.Plan:
    peers = [name for name in given.peers.split(",") if name]
    if unknown := set(peers) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    return fanout.Plan(
        sockets=given.sockets,
        rate=given.rate,
        repeats=given.repeats,
        seconds=given.seconds,
        minutes=given.minutes,
        servers=("hq", *peers),
        search=not given.no_search,
        json_file=given.json,
    )


if __name__ == "__main__":
    sys.exit(main())
