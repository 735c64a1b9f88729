"""What the dashboards of stations show: one table for each, from which Grafana's files and the tests derive."""

from __future__ import annotations

from typing import Final

from tools.dashboard_words import (
    HARDWARE,
    REFUSAL,
    SESSION_END,
    SIGNAL,
    SOURCE,
    Dashboard,
    Query,
    S,
    curves,
    number,
    quantile,
)

BOTH: Final = "{{station}} connector {{connector}}"

STATION: Final = Dashboard(
    "station",
    "powerctl: station",
    "One station or several: power against limits, leases, vehicles, records.",
    (
        number("Power now", "watt", "Measured output of both connectors, DC.", f"sum(edge_power_watts{S})"),
        number("Cap", "watt", "Effective cap at the grid connection, AC.", f"min(powerctl_grid_cap_watts{S})"),
        number("Energy manager", "short", "1: its stream to the controller is up.", f"min(edge_manager_connected{S})"),
        number("Cloud", "short", "1: the station is connected to the cloud.", f"min(edge_uplink_connected{S})"),
        curves(
            "Power and limit, DC",
            "watt",
            "What each connector delivers, and the limit in force there.",
            Query(f"edge_power_watts{S}", f"{BOTH}: power"),
            Query(f"edge_limit_watts{S}", f"{BOTH}: limit"),
        ),
        curves(
            "Cap and committed power, AC",
            "watt",
            "What the station may draw, and what it can draw unless more is granted.",
            Query(f"powerctl_grid_cap_watts{S}", "{{station}}: cap"),
            Query(f"powerctl_committed_watts{S}", "{{station}}: committed"),
        ),
        curves(
            "Lease remaining",
            "s",
            "Until a connector falls to its fallback power when the energy manager stays silent.",
            Query(f"edge_lease_remaining_seconds{S}", BOTH),
        ),
        curves(
            "Decision of the fast path",
            "s",
            "Computing time from a change to setpoints.",
            Query(quantile(0.5, "powerctl_decision_seconds", "station", S), "{{station}}: median"),
            Query(quantile(0.99, "powerctl_decision_seconds", "station", S), "{{station}}: p99"),
        ),
        curves(
            "Period of frames to vehicles",
            "s",
            "Nominally 0.1 s; a vehicle gives up when frames stay away.",
            Query(quantile(0.99, "edge_period_seconds", "station, connector", S), f"{BOTH}: p99"),
        ),
        curves(
            "Frames and periods that went wrong",
            "short",
            "Frames that were not taken or not sent, and periods that were skipped, per second.",
            Query(
                f"sum by (station, reason) (rate(edge_can_rejected_frames_total{S}[$__rate_interval]))",
                "{{station}} rejected: {{reason}}",
                REFUSAL,
            ),
            Query(
                f"sum by (station, reason) (rate(edge_can_unsent_frames_total{S}[$__rate_interval]))",
                "{{station}} unsent: {{reason}}",
                REFUSAL,
            ),
            Query(
                f"sum by (station) (rate(edge_missed_periods_total{S}[$__rate_interval]))",
                "{{station}} periods skipped",
                REFUSAL,
            ),
        ),
        curves(
            "Plan by its end",
            "short",
            "Requests to the plan process per second; without a plan the fast path shares by itself.",
            Query(f"sum by (result) (rate(powerctl_plan_total{S}[$__rate_interval]))", "{{result}}"),
        ),
        curves(
            "Setpoints",
            "short",
            "Setpoints per second by what the controller did with them.",
            Query(
                f"sum by (station, result) (rate(edge_setpoints_total{S}[$__rate_interval]))", "{{station}} {{result}}"
            ),
        ),
        curves(
            "Transactions that ended, by reason",
            "short",
            "Since the controller started.",
            Query(f"sum by (station, reason) (edge_transactions_total{S})", "{{station}} {{reason}}", SESSION_END),
        ),
        curves(
            "Records that wait for the cloud",
            "short",
            "By lane; billing leaves first.",
            Query(f"edge_outbox_records{S}", "{{station}} {{lane}}"),
            Query(f"edge_records_waiting{S}", "{{station}} in memory"),
        ),
        curves(
            "Age of the oldest record",
            "s",
            "How late the cloud is.",
            Query(f"edge_outbox_oldest_seconds{S}", "{{station}}"),
        ),
        curves(
            "Hardware",
            "short",
            "Usable power modules, and failures to read insulation monitor and meter per second.",
            Query(f"edge_modules_usable{S}", "{{station}} modules", HARDWARE),
            Query(
                f"sum by (station) (rate(edge_insulation_errors_total{S}[$__rate_interval]))",
                "{{station}} insulation monitor",
                HARDWARE,
            ),
            Query(
                f"sum by (station) (rate(edge_meter_errors_total{S}[$__rate_interval]))", "{{station}} meter", HARDWARE
            ),
        ),
    ),
    per_station=True,
)

GRID: Final = Dashboard(
    "grid-compliance",
    "powerctl: grid compliance",
    "What the grid asked, and whether and how fast the station followed.",
    (
        number(
            "Limits missed",
            "short",
            "Times that measured power was above the cap when it had to be under it.",
            f"sum(powerctl_compliance_missed_total{S}) or vector(0)",
        ),
        number(
            "Failsafes",
            "short",
            "Times that a grid source fell silent.",
            f"sum(powerctl_grid_failsafes_total{S}) or vector(0)",
        ),
        number("Cap", "watt", "Effective cap at the grid connection, AC.", f"min(powerctl_grid_cap_watts{S})"),
        number(
            "Evidence",
            "short",
            "Entries on disk since the program started.",
            f"sum(powerctl_evidence_entries_total{S})",
        ),
        curves(
            "Cap and committed power, AC",
            "watt",
            "Committed power is what the station can draw unless more is granted; it follows the cap.",
            Query(f"powerctl_grid_cap_watts{S}", "{{station}}: cap"),
            Query(f"powerctl_committed_watts{S}", "{{station}}: committed"),
        ),
        curves(
            "Time to comply",
            "s",
            "From a lower cap to compliance, over the last hour.",
            Query("station:compliance_seconds:p95_1h" + S, "{{station}}: p95", SIGNAL),
        ),
        curves(
            "Time to apply a write",
            "s",
            "From the arrival of a write to the end of its consequences in the energy manager, over the last hour.",
            Query(
                "histogram_quantile(0.95, sum by (station, le) (increase(powerctl_grid_apply_seconds_bucket"
                + S
                + "[1h])))",
                "{{station}}: p95",
                SIGNAL,
            ),
        ),
        curves(
            "State of the sources",
            "short",
            "64300.St: 0 init, 1 unlimited and controlled, 2 limited, 3 failsafe, 4 unlimited and autonomous.",
            Query(f"powerctl_grid_source_state{S}", "{{station}} {{source}}"),
        ),
        curves(
            "Sources beside the register map",
            "short",
            "1 while a source answers, and errors per second.",
            Query(f"powerctl_source_well{S}", "{{station}} {{source}}", SOURCE),
            Query(
                f"sum by (station, source) (rate(powerctl_source_errors_total{S}[$__rate_interval]))",
                "{{station}} {{source}}: errors",
                SOURCE,
            ),
        ),
        curves(
            "Commands",
            "short",
            "Since the energy manager started, by source and result.",
            Query(
                f"sum by (station, source, result) (powerctl_grid_commands_total{S})",
                "{{station}} {{source}} {{result}}",
            ),
        ),
        curves(
            "Modbus connections",
            "short",
            "Open connections by channel.",
            Query(f"powerctl_modbus_connections{S}", "{{station}} {{channel}}"),
        ),
        curves(
            "Modbus requests",
            "reqps",
            "By function.",
            Query(
                f"sum by (station, function) (rate(powerctl_modbus_requests_total{S}[$__rate_interval]))",
                "{{station}} {{function}}",
            ),
        ),
        curves(
            "Modbus refusals",
            "short",
            "Requests refused by exception, and connections closed by reason, per second.",
            Query(
                f"sum by (station, code) (rate(powerctl_modbus_exceptions_total{S}[$__rate_interval]))",
                "{{station}} {{code}}",
                REFUSAL,
            ),
            Query(
                f"sum by (station, reason) (rate(powerctl_modbus_closed_total{S}[$__rate_interval]))",
                "{{station}} closed: {{reason}}",
                REFUSAL,
            ),
        ),
        curves(
            "Power that was asked of connectors",
            "watt",
            "Newest limit granted, DC.",
            Query(f"powerctl_limit_watts{S}", BOTH),
        ),
    ),
    per_station=True,
)
