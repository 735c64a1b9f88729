"""The catalogue of metrics: one table from which code and documentation derive.

Names carry the program as prefix and a base unit; labels are bounded and never identify a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final, Literal

from prometheus_client import Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the catalogue."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    unit: str
    """Base unit, or empty for a count."""
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds; histograms only."""


FAST: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Buckets for what must happen within a tenth of a second."""
_QUICK: Final = (0.00005, 0.0001, 0.0002, 0.0005, *FAST)
SETTLING: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Buckets for what follows a settle time."""

CATALOGUE: Final[tuple[Metric, ...]] = (
    Metric("powerctl_build_info", "gauge", "", "Always 1; the label says which version runs", ("program", "version")),
    Metric(
        "edge_can_rejected_frames_total",
        "counter",
        "",
        "Frames from a vehicle that were not taken",
        ("connector", "reason"),
    ),
    Metric(
        "edge_can_unsent_frames_total",
        "counter",
        "",
        "Frames to a vehicle that could not be sent",
        ("connector", "reason"),
    ),
    Metric(
        "edge_period_seconds",
        "histogram",
        "seconds",
        "Time between two periods of frames",
        ("connector",),
        (0.09, 0.095, 0.099, 0.101, 0.105, 0.11, 0.15, 0.2, 0.5, 1.0),
    ),
    Metric(
        "edge_missed_periods_total",
        "counter",
        "",
        "Periods of frames that were skipped because the program was late",
        ("connector",),
    ),
    Metric(
        "edge_plant_rejected_lines_total",
        "counter",
        "",
        "Lines of a simulated plant that were not taken",
        ("connector",),
    ),
    Metric(
        "edge_lease_remaining_seconds",
        "gauge",
        "seconds",
        "Until the connector's lease ends; 0 without a lease",
        ("connector",),
    ),
    Metric("edge_limit_watts", "gauge", "watts", "Limit in force, DC", ("connector",)),
    Metric("edge_power_watts", "gauge", "watts", "Measured output, DC", ("connector",)),
    Metric("edge_input_watts", "gauge", "watts", "Measured power at the grid connection, AC"),
    Metric("edge_register_joules", "gauge", "joules", "The DC meter's register of delivered energy", ("connector",)),
    Metric("edge_setpoints_total", "counter", "", "Setpoints from the energy manager", ("result",)),
    Metric("edge_modules_usable", "gauge", "", "Power modules that answer and can be used"),
    Metric("edge_module_rejected_frames_total", "counter", "", "Answers of power modules that could not be decoded"),
    Metric("edge_insulation_errors_total", "counter", "", "Failures to read the insulation monitor", ("connector",)),
    Metric("edge_meter_errors_total", "counter", "", "Failures to read the DC meter", ("connector",)),
    Metric(
        "edge_garbage_seconds",
        "histogram",
        "seconds",
        "One collection of garbage, right after a beat",
        buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
    ),
    Metric("edge_manager_connected", "gauge", "", "1 while the energy manager's stream is up"),
    Metric("edge_sessions_total", "counter", "", "Plugs that went in", ("connector",)),
    Metric("edge_transactions_total", "counter", "", "Transactions that ended", ("connector", "reason")),
    Metric("edge_commands_total", "counter", "", "Commands from the cloud", ("outcome",)),
    Metric("edge_records_waiting", "gauge", "", "Records in memory that wait for the outbox"),
    Metric(
        "edge_records_dropped_total",
        "counter",
        "",
        "Records that found no room, neither on disk nor in memory",
        ("lane",),
    ),
    Metric("edge_outbox_records", "gauge", "", "Records that wait for the cloud", ("lane",)),
    Metric("edge_outbox_oldest_seconds", "gauge", "seconds", "Age of the oldest record that waits; 0: none"),
    Metric("edge_outbox_dropped_total", "counter", "", "Telemetry records that were never stored: disk full or slow"),
    Metric("edge_uplink_connected", "gauge", "", "1 while the station is connected to the cloud"),
    Metric("edge_uplink_connections_total", "counter", "", "Attempts to connect to the cloud", ("result",)),
    Metric("edge_uplink_records_total", "counter", "", "Records on the link", ("event",)),
    Metric("edge_uplink_commands_total", "counter", "", "Commands from the cloud", ("result",)),
    Metric("cloud_ingest_connected", "gauge", "", "1 while ingest is connected to the broker"),
    Metric("cloud_ingest_messages_total", "counter", "", "Messages from stations", ("result",)),
    Metric("cloud_ingest_records_total", "counter", "", "Records from stations", ("result",)),
    Metric("cloud_ingest_commit_seconds", "histogram", "seconds", "One database transaction of ingest"),
    Metric("cloud_commands_total", "counter", "", "Commands to stations", ("event",)),
    Metric("powerctl_modbus_requests_total", "counter", "", "Modbus requests by function", ("function",)),
    Metric("powerctl_modbus_exceptions_total", "counter", "", "Modbus requests refused, by exception", ("code",)),
    Metric("powerctl_modbus_connections", "gauge", "", "Open Modbus connections", ("channel",)),
    Metric("powerctl_modbus_dropped_frames_total", "counter", "", "Noise and broken frames on serial lines"),
    Metric("powerctl_modbus_closed_total", "counter", "", "Modbus connections that the station closed", ("reason",)),
    Metric("powerctl_grid_cap_watts", "gauge", "watts", "Effective cap at the grid connection, AC"),
    Metric("powerctl_grid_commands_total", "counter", "", "Commands taken from grid sources", ("source", "result")),
    Metric("powerctl_grid_source_state", "gauge", "", "Limitation state of a grid source, as 64300.St", ("source",)),
    Metric("powerctl_grid_failsafes_total", "counter", "", "Times that a grid source fell silent", ("source",)),
    Metric(
        "powerctl_grid_apply_seconds",
        "histogram",
        "seconds",
        "From the arrival of a write that changes the cap to the end of its consequences in this process",
        buckets=(0.0001, 0.0002, 0.0005, *FAST),
    ),
    Metric("powerctl_source_well", "gauge", "", "1 while a grid source beside the register map answers", ("source",)),
    Metric(
        "powerctl_source_errors_total", "counter", "", "What a grid source failed to say, or said wrong", ("source",)
    ),
    Metric("powerctl_dispatch_connected", "gauge", "", "1 while the charging controller's stream is open"),
    Metric("powerctl_dispatch_messages_total", "counter", "", "Messages from controllers", ("kind", "result")),
    Metric("powerctl_dispatch_setpoints_total", "counter", "", "Setpoints by command", ("connector", "command")),
    Metric("powerctl_dispatch_records_lost_total", "counter", "", "Records that no controller stored in time"),
    Metric("powerctl_decision_seconds", "histogram", "seconds", "One decision of the fast path", buckets=_QUICK),
    Metric("powerctl_committed_watts", "gauge", "watts", "What the station can draw unless more is granted, AC"),
    Metric("powerctl_limit_watts", "gauge", "watts", "Newest limit granted, DC", ("connector",)),
    Metric("powerctl_compliance_seconds", "histogram", "seconds", "From a lower cap to compliance", buckets=SETTLING),
    Metric(
        "powerctl_compliance_missed_total",
        "counter",
        "",
        "Times that measured power was above the cap when it had to be under it",
        ("source",),
    ),
    Metric("powerctl_evidence_entries_total", "counter", "", "Entries of the evidence that are on disk"),
    Metric(
        "powerctl_evidence_lost_total",
        "counter",
        "",
        "Entries of the evidence that found no room while the disk refused",
    ),
    Metric("powerctl_efficiency_factor", "gauge", "", "Correction of the efficiency curve by the meter"),
    Metric("powerctl_plan_total", "counter", "", "Requests to the plan process by their end", ("result",)),
    Metric("powerctl_plan_seconds", "histogram", "seconds", "From a request to a usable plan", buckets=SETTLING),
    Metric("powerctl_stay_visits", "gauge", "", "Ends of visits that the model of stays has learnt from"),
    Metric(
        "powerctl_stay_coverage_ratio",
        "gauge",
        "",
        "Calibration: part of recent stays within the middle 80 per cent of their forecast; 0.8 is right",
    ),
    Metric("cloud_api_requests_total", "counter", "", "API calls by their end", ("method", "transport", "code")),
    Metric("edge_modem_rssi_dbm", "gauge", "", "Received signal strength of the modem, dBm"),
    Metric("edge_uplink_renewals_total", "counter", "", "Renewals of the station's certificate", ("result",)),
    Metric("edge_uplink_certificate_end_timestamp_seconds", "gauge", "seconds", "When the station's certificate ends"),
    Metric("edge_clock_synchronised", "gauge", "", "1 while a time service disciplines the station's clock"),
    Metric(
        "edge_clock_offset_seconds", "gauge", "seconds", "Station's clock ahead of the time service, or of the cloud"
    ),
    Metric("edge_update_checks_total", "counter", "", "Questions for a newer release", ("result",)),
    Metric("cloud_sign_in_failures_total", "counter", "", "Sign-ins by password that were refused"),
    Metric(
        "cloud_notices_total",
        "counter",
        "",
        "Notices to drivers: sent, failed",
        ("result",),
    ),
    Metric(
        "cloud_alarms_total",
        "counter",
        "",
        "Alarms that began, by how soon somebody must look: warning, critical",
        ("severity",),
    ),
    Metric(
        "cloud_security_events_total",
        "counter",
        "",
        "What may be an attack: refresh_token_reused, duplicate_identity, invalid_certificate, permission_denied",
        ("kind",),
    ),
    Metric("cloud_watch_streams", "gauge", "", "Clients that watch"),
    Metric("cloud_stations_silent_total", "counter", "", "Times that a station fell silent"),
    Metric("cloud_commands_unanswered_total", "counter", "", "Commands that no station answered in time"),
    Metric(
        "cloud_payment_operations_total", "counter", "", "What payment providers were asked", ("operation", "result")
    ),
    Metric("cloud_payment_webhooks_total", "counter", "", "Webhooks of payment providers", ("result",)),
    Metric(
        "cloud_sessions_to_review_total", "counter", "", "Sessions whose readings make no sense, and are not billed"
    ),
    Metric("cloud_receipts_issued_total", "counter", "", "Receipts issued"),
    Metric("cloud_billed_joules_total", "counter", "joules", "Energy on receipts"),
    Metric(
        "cloud_billed_amount_total",
        "counter",
        "",
        "Sum of the receipts' totals, in units of the currency",
        ("currency",),
    ),
    Metric("cloud_stations_online", "gauge", "", "Stations that were heard lately"),
    Metric("cloud_stations_known", "gauge", "", "Stations that were ever heard"),
)

UPLINK: Final = ("edge_uplink_", "edge_modem_", "edge_outbox_records", "edge_outbox_oldest")
PROGRAMS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "powerctl": (("powerctl_",), ()),
    "edge-control": (("edge_",), UPLINK),
    "edge-uplink": (UPLINK, ()),
    "cloud": (("cloud_",), ()),
}
"""How the names of a program's metrics begin, and which of those are not its own."""
LANES: Final = ("billing", "status", "telemetry")


def begin(program: str, version: str, connectors: Iterable[int] = ()) -> None:
    """Let every metric of a program exist from now on, so that a counter's first step is a step and not a beginning.

    What has other labels than lane and connector shows its name and its type until it happens for the first time.

    Args:
        program: A key of `PROGRAMS`.
        version: Of the product.
        connectors: Numbers of the station's connectors.
    """
    gauge("powerctl_build_info").labels(program, version).set(1)
    mine, others = PROGRAMS[program]
    values = {"connector": [str(number) for number in connectors], "lane": LANES}
    for row in CATALOGUE:
        if row.name.startswith(mine) and not row.name.startswith(others) and row.name != "powerctl_build_info":
            _begin(row, values)


def _begin(row: Metric, values: Mapping[str, Sequence[str]]) -> None:
    metric = {"counter": counter, "gauge": gauge, "histogram": histogram}[row.type](row.name)
    if row.labels and all(label in values for label in row.labels):
        for combination in product(*(values[label] for label in row.labels)):
            metric.labels(*combination)


@cache
def _row(name: str) -> Metric:
    for metric in CATALOGUE:
        if metric.name == name:
            return metric
    raise KeyError(f"metric {name} is not in the catalogue")


@cache
def counter(name: str) -> Counter:
    """The counter of this name. Raises KeyError: it is not in the catalogue as a counter."""
    return Counter(name, _typed(name, "counter").meaning, _row(name).labels)


@cache
def gauge(name: str) -> Gauge:
    """The gauge of this name. Raises KeyError: it is not in the catalogue as a gauge."""
    return Gauge(name, _typed(name, "gauge").meaning, _row(name).labels)


@cache
def histogram(name: str) -> Histogram:
    """The histogram of this name. Raises KeyError: it is not in the catalogue as a histogram."""
    row = _typed(name, "histogram")
    return Histogram(name, row.meaning, row.labels, buckets=row.buckets or FAST)


def _typed(name: str, kind: str) -> Metric:
    row = _row(name)
    if row.type != kind:
        raise KeyError(f"metric {name} is a {row.type}, not a {kind}")
    return row
