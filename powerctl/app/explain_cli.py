"""`powerctl explain`: why a car has 8 kW, asked of the running energy manager."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from pathlib import Path

from powerctl.core.errors import ConfigError

_TIMEOUT_S = 5.0
PATH = "/explain"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `powerctl`."""
    parser = commands.add_parser("explain", help="why every connector has the power it has, from the running manager")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="station file (TOML)")
    parser.add_argument("--json", action="store_true", help="codes for machines")
    parser.set_defaults(run=_explain)


def _explain(options: argparse.Namespace) -> int:
    from powerctl.app.explanation import sentences
    from powerctl.app.manager_settings import ManagerSettings
    from powerctl.runtime.settings import load

    http = load(options.config, {"manager": ManagerSettings})["manager"].http
    url = f"http://{http.host}:{http.port}{PATH}"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            text = answer.read().decode()
    except OSError as error:
        raise ConfigError("manager.http", f"{url} does not answer: {error}.", "Start `powerctl run` first.") from error
    sys.stdout.write(text if options.json else "\n".join(sentences(json.loads(text))) + "\n")
    return 0
