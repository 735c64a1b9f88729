"""`powerctl simulate` and `powerctl plan replay`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from powerctl.core.errors import ConfigError, RemoteError


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to `powerctl`."""
    parser = commands.add_parser("simulate", help="play days of a station in seconds with the production decision")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="station file (TOML)")
    parser.add_argument("--sessions", type=Path, required=True, metavar="FILE", help="CSV or JSON: who comes when")
    parser.add_argument("--signals", type=Path, metavar="FILE", help="CSV or JSON: caps and prices")
    parser.add_argument("--report", type=Path, metavar="FILE", help="out.html or out.json; default: JSON on the screen")
    parser.add_argument("--step", type=float, default=10.0, metavar="S", help="seconds between decisions (10)")
    parser.add_argument("--no-plan", action="store_true", help="divide power without a plan")
    parser.set_defaults(run=_simulate)
    plan = commands.add_parser("plan", help="look at a plan").add_subparsers(required=True, metavar="ACTION")
    replay = plan.add_parser("replay", help="solve again a problem whose plan was rejected")
    replay.add_argument("file", type=Path, metavar="FILE")
    replay.add_argument("--deadline", type=float, default=10.0, metavar="S", help="for the solver, twice (10)")
    replay.set_defaults(run=_replay)


def _simulate(options: argparse.Namespace) -> int:
    from powerctl.app import simulate_files, simulate_report
    from powerctl.app.manager_settings import ManagerSettings
    from powerctl.app.simulate import simulate
    from powerctl.app.simulate_plan import WaitingPlanner
    from powerctl.app.simulate_site import site_of
    from powerctl.runtime.settings import load
    from powerctl.runtime.station import StationSettings

    if not 0.1 <= options.step <= 300.0:
        raise ConfigError("--step", f"{options.step:g} s is out of range.", "Give 0.1 to 300 seconds.")
    if options.report is not None and options.report.suffix not in (".html", ".json"):
        raise ConfigError(f"--report {options.report}", "is neither .html nor .json.", "Name a file of one of the two.")
    tables = load(options.config, {"station": StationSettings, "manager": ManagerSettings})
    connectors = [connector.id for connector in tables["station"].connectors]
    midnight = simulate_files.midnight_of(options.sessions, *([options.signals] if options.signals else []))
    sessions = simulate_files.sessions(options.sessions, connectors, midnight)
    signals = simulate_files.signals(options.signals, midnight) if options.signals else []
    planned = tables["manager"].plan.enabled and not options.no_plan
    with WaitingPlanner() if planned else nullcontext() as planner:
        site = site_of(tables["station"], tables["manager"])
        run = simulate(site, sessions, signals, step_s=options.step, planner=planner, told=_progress())
    html = options.report is not None and options.report.suffix == ".html"
    text = simulate_report.as_html(run, tables["station"].display_name) if html else simulate_report.as_json(run)
    if options.report is None:
        sys.stdout.write(text)
        return 1 if run.violations else 0
    try:
        options.report.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"--report {options.report}", f"cannot be written: {reason}.", "Name a file that can."
        ) from error
    return 1 if run.violations else 0


def _progress() -> Callable[[float], None]:
    """Shows how far a run is, where a person watches; says nothing in logs and pipes."""
    watched, shown = sys.stderr.isatty(), -1

    def tell(part: float) -> None:
        nonlocal shown
        percent = int(100.0 * part)
        if watched and percent != shown:
            shown = percent
            sys.stderr.write(f"\rSimulating … {percent:3d} %" + ("\n" if percent >= 100 else ""))
            sys.stderr.flush()

    return tell


def _replay(options: argparse.Namespace) -> int:
    from powerctl.allocation.plan_problem import problem_from_json
    from powerctl.app.simulate_plan import WaitingPlanner

    try:
        problem = problem_from_json(options.file.read_bytes())
    except (OSError, RemoteError) as error:
        raise ConfigError(
            str(options.file), f"It holds no problem: {error}.", "Give a file that a rejection left."
        ) from error
    with WaitingPlanner(options.deadline) as planner:
        plan = planner(problem)
    if plan is None:
        print(f"Rejected again: {planner.reason}.")
        return 1
    print(f"Passed the check. {len(problem.sessions)} vehicles under {problem.cap_w[0]:.0f} W DC:")
    for session in problem.sessions:
        now_w = plan.share_w.get(session.connector, plan.power_w[session.connector][0])
        print(
            f"  connector {session.connector}: {now_w:.0f} W now, {session.need_wh:.0f} Wh in {session.stay_s:.0f} s."
        )
    return 0
