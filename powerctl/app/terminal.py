"""`powerctl status`, `top` and `explain`: what a running station does, read from its socket."""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from powerctl.app import status_socket
from powerctl.app.explanation import sentences
from powerctl.app.terminal_text import status_lines
from powerctl.core.errors import ConfigError, RemoteError

_START: Final = "Start `powerctl demo`, or `powerctl run --config FILE`; or name its socket with --socket."
_HEALTH_TIMEOUT_S: Final = 1.0
_FASTEST_S: Final = 0.2


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to `powerctl`."""
    status = commands.add_parser("status", help="what the running station does now, and whether its programs are well")
    _add_where(status)
    status.set_defaults(run=_status)
    top = commands.add_parser("top", help="the same, live; Ctrl-C ends it")
    _add_where(top)
    top.add_argument("--interval", type=float, default=1.0, metavar="S", help="seconds between two looks (1)")
    top.add_argument("--count", type=int, metavar="N", help="end after so many looks")
    top.set_defaults(run=_top)
    explain = commands.add_parser("explain", help="why every connector has the power it has now")
    explain.add_argument("connector", type=int, nargs="?", metavar="CONNECTOR", help="only this one, by its number")
    _add_where(explain)
    explain.set_defaults(run=_explain)


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--station", metavar="ID", help="which one, when several run on this machine")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the station of this file (TOML)")
    parser.add_argument("--socket", type=Path, metavar="FILE", help="the socket of a running station")
    parser.add_argument("--json", action="store_true", help="for machines")


def document(options: argparse.Namespace) -> dict[str, Any]:
    """What the chosen station says.

    Raises:
        ConfigError: None runs, several do and none was chosen, or the answer is not understood.
    """
    station, folder = options.station, None
    if options.config is not None:
        station, folder = _named(options.config)
    paths = [options.socket] if options.socket is not None else status_socket.sockets(folder)
    answers, silent = _answers(paths)
    found = {path: answer for path, answer in answers.items() if station in (None, answer["station"]["id"])}
    if options.config is not None:
        same = {path: answer for path, answer in found.items() if answer["config"] == str(options.config.resolve())}
        found = same or found
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        names = ", ".join(f"{answer['station']['id']} ({path})" for path, answer in sorted(found.items()))
        by = "--station" if station is None else "--config"
        raise ConfigError("status", f"{len(found)} stations run here: {names}.", f"Choose one with {by}, or --socket.")
    if station is not None and answers:
        others = ", ".join(sorted({answer["station"]["id"] for answer in answers.values()}))
        raise ConfigError("status", f"No station {station} runs here; there is {others}.", _START)
    what = f"station {station}" if station is not None else "station"
    raise ConfigError("status", f"No running {what} answers.{silent}", _START)


def _named(config: Path) -> tuple[str, Path | None]:
    from powerctl.app.manager_settings import ManagerSettings
    from powerctl.runtime.settings import load
    from powerctl.runtime.station import StationSettings

    tables = load(config, {"station": StationSettings, "manager": ManagerSettings})
    return tables["station"].id, tables["manager"].status_folder


def _answers(paths: list[Path]) -> tuple[dict[Path, dict[str, Any]], str]:
    """What those sockets say that answer, and what keeps the last other one from it."""
    answers, silent = dict[Path, dict[str, Any]](), ""
    for path in paths:
        try:
            answer = json.loads(status_socket.read(path))
            if {"station", "config", "limit", "connectors", "plan"} <= answer.keys():
                answers[path] = answer
        except (RemoteError, ValueError, AttributeError) as error:
            silent = f" ({error})"
    return answers, silent


def _status(options: argparse.Namespace) -> int:
    told = document(options)
    told["programs"] = programs(told)
    _print(json.dumps(told) if options.json else "\n".join(status_lines(told)))
    return 0


def _explain(options: argparse.Namespace) -> int:
    told = document(options)
    if options.connector is not None:
        known = [one["connector"] for one in told["connectors"]]
        if options.connector not in known:
            raise ConfigError(
                f"connector {options.connector}",
                "is not at this station, or its controller is not connected.",
                f"Connectors are {', '.join(map(str, known)) or 'none'}.",
            )
        told["connectors"] = [one for one in told["connectors"] if one["connector"] == options.connector]
    _print(json.dumps(told) if options.json else "\n".join(sentences(told, options.connector)))
    return 0


def _top(options: argparse.Namespace) -> int:
    if options.interval < _FASTEST_S:
        raise ConfigError("--interval", f"{options.interval:g} s is too short.", f"Give {_FASTEST_S:g} s or more.")
    looks = _looks(options)
    try:
        if options.json:
            for told in looks:
                _print(json.dumps(told))
        else:
            from powerctl.app.terminal_top import show

            show(looks)
    except KeyboardInterrupt:
        return 0
    return 0


def _looks(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What the station says, again and again. A station that falls silent is waited for, once it was heard."""
    told = document(options)
    count = 0
    while True:
        yield told
        count += 1
        if options.count is not None and count >= options.count:
            return
        time.sleep(options.interval)
        try:
            told = {**document(options), "silent": False}
        except ConfigError as error:
            told = {**told, "silent": True, "silence": str(error)}


def programs(told: dict[str, Any]) -> dict[str, Any]:
    """Whether the station's programs are well, by name; those of its file are asked where this user may read it."""
    found: dict[str, Any] = {"energy manager": told["health"]}
    for name, url in _others(told["config"]):
        found[name] = _health(url)
    return found


def _others(config: str | None) -> list[tuple[str, str]]:
    from edge.control.settings import EdgeSettings
    from edge.uplink.settings import UplinkSettings
    from powerctl.runtime.settings import load

    try:
        if config is None:
            return []
        tables = load(Path(config), {"edge": EdgeSettings, "uplink": UplinkSettings})
    except ConfigError:
        return []
    named = (("charging controller", tables["edge"].http), ("uplink", tables["uplink"].http))
    return [(name, f"http://{http.host}:{http.port}/healthz") for name, http in named]


def _health(url: str) -> dict[str, Any]:
    """The health that `url` tells; a program that does not answer is not well."""
    try:
        with urllib.request.urlopen(url, timeout=_HEALTH_TIMEOUT_S) as answer:  # noqa: S310 - from the station file
            body = answer.read(status_socket.MOST_BYTES)
    except urllib.error.HTTPError as error:
        body = error.read(status_socket.MOST_BYTES)
    except OSError as error:
        reason = getattr(error, "reason", error)
        return {"healthy": False, "components": {"program": {"ok": False, "detail": f"does not answer: {reason}"}}}
    try:
        told = json.loads(body)
        return {"healthy": bool(told["healthy"]), "components": dict(told["components"])}
    except (ValueError, KeyError, TypeError):
        return {"healthy": False, "components": {"program": {"ok": False, "detail": "says something else"}}}


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
