"""What the dashboards of fleet, back end and business show."""

from __future__ import annotations

from typing import Final

from tools.dashboard_words import (
    ALERT,
    ATTACK,
    CERTIFICATE,
    HOUR,
    REFUSAL,
    SESSION_END,
    Dashboard,
    Query,
    curves,
    number,
    quantile,
)

FLEET: Final = Dashboard(
    "fleet",
    "powerctl: fleet",
    "All stations at a glance: connected, delivering, late.",
    (
        number("Stations", "short", "Stations that are scraped.", 'count(up{job="uplink"})'),
        number(
            "Connected", "percentunit", "Share of stations with a connection to the cloud.", "fleet:connected:ratio"
        ),
        number("Heard lately", "short", "Stations that the back end hears.", "sum(cloud_stations_online)"),
        number("Power now", "watt", "Measured output of all stations, DC.", "fleet:power_watts:sum"),
        number("Drawn now", "watt", "Measured at the grid connections, AC.", "sum(edge_input_watts)"),
        number("Programs down", "short", "Programs that do not answer.", "count(up == 0) or vector(0)"),
        curves("Power by station", "watt", "DC.", Query("station:power_watts:sum", "{{station}}")),
        curves("Cap by station", "watt", "AC.", Query("powerctl_grid_cap_watts", "{{station}}")),
        curves("Connected", "short", "1 while connected.", Query("edge_uplink_connected", "{{station}}")),
        curves("Age of the oldest record", "s", "How late.", Query("edge_outbox_oldest_seconds", "{{station}}")),
        curves(
            "Attempts to connect",
            "short",
            "Per hour, by result.",
            Query("sum by (result) (increase(edge_uplink_connections_total[1h]))", "{{result}}"),
        ),
        curves(
            "Certificates end in",
            "s",
            "Renewal is automatic; 14 days are the alert.",
            Query("edge_uplink_certificate_end_timestamp_seconds - time()", "{{station}}", CERTIFICATE),
        ),
        curves(
            "Versions",
            "short",
            "Programs by version.",
            Query("count by (version) (powerctl_build_info)", "{{version}}"),
        ),
        curves(
            "Alerts that fire",
            "short",
            "By name.",
            Query('count by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}", ALERT),
        ),
    ),
)

CLOUD: Final = Dashboard(
    "cloud",
    "powerctl: cloud",
    "The back end: calls, records, commands, and what may be an attack.",
    (
        number("Calls", "reqps", "API calls per second.", "sum(rate(cloud_api_requests_total[$__rate_interval]))"),
        number("Failures", "percentunit", "Share of calls that fail by our fault.", "cloud:api_failures:ratio5m"),
        number("Ingest", "short", "1 while connected to the broker.", "min(cloud_ingest_connected)"),
        number("Watching", "short", "Clients that watch.", "sum(cloud_watch_streams)"),
        curves(
            "Calls by method",
            "reqps",
            "API calls per second.",
            Query("sum by (method) (rate(cloud_api_requests_total[$__rate_interval]))", "{{method}}"),
        ),
        curves(
            "Calls by end",
            "reqps",
            "`ok`, a mistake of the caller, or a failure of ours.",
            Query("sum by (code) (rate(cloud_api_requests_total[$__rate_interval]))", "{{code}}"),
        ),
        curves(
            "Messages from stations",
            "short",
            "Per second, by what became of them.",
            Query("sum by (result) (rate(cloud_ingest_messages_total[$__rate_interval]))", "{{result}}"),
        ),
        curves(
            "Records from stations",
            "short",
            "Per second; duplicates are counted and dropped.",
            Query("sum by (result) (rate(cloud_ingest_records_total[$__rate_interval]))", "{{result}}"),
        ),
        curves(
            "Database transactions of ingest",
            "s",
            "Time of one transaction.",
            Query(quantile(0.5, "cloud_ingest_commit_seconds"), "median"),
            Query(quantile(0.99, "cloud_ingest_commit_seconds"), "p99"),
        ),
        curves(
            "Commands to stations",
            "short",
            "Since the back end started, by event.",
            Query("sum by (event) (cloud_commands_total)", "{{event}}"),
            Query("sum(cloud_commands_unanswered_total)", "unanswered", REFUSAL),
        ),
        curves(
            "Stations that fell silent",
            "short",
            "Per hour.",
            Query("sum(increase(cloud_stations_silent_total[1h]))", "silent", REFUSAL),
        ),
        curves(
            "Sign-ins refused, and what may be an attack",
            "short",
            "Per hour.",
            Query("sum(increase(cloud_sign_in_failures_total[1h]))", "sign-ins refused", ATTACK),
            Query("sum by (kind) (increase(cloud_security_events_total[1h]))", "{{kind}}", ATTACK),
        ),
    ),
)

BUSINESS: Final = Dashboard(
    "business",
    "powerctl: business",
    "Energy, sessions, receipts and use. Billing is done from receipts, never from these curves.",
    (
        number(
            "Energy of the last hour",
            "kwatth",
            "From measured power, DC; an estimate.",
            "sum(station:energy_joules:1h) / 3.6e6",
        ),
        number("Plugs", "short", "Plugs that went in since the controllers started.", "sum(edge_sessions_total)"),
        number(
            "Receipts",
            "short",
            "Receipts issued since the back end started.",
            "sum(cloud_receipts_issued_total) or vector(0)",
        ),
        number("In use", "percentunit", "Share of connectors that deliver.", "avg(edge_power_watts > bool 100)"),
        curves("Power delivered", "watt", "All stations, DC.", Query("fleet:power_watts:sum", "power")),
        curves(
            "Use by station",
            "percentunit",
            "Share of the last hour in which a connector delivered.",
            Query("avg by (station) (avg_over_time((edge_power_watts > bool 100)[1h:1m]))", "{{station}}", HOUR),
        ),
        curves(
            "Plugs by station",
            "short",
            "Per hour.",
            Query("sum by (station) (increase(edge_sessions_total[1h]))", "{{station}}"),
        ),
        curves(
            "Transactions by reason of their end",
            "short",
            "Since the controllers started.",
            Query("sum by (reason) (edge_transactions_total)", "{{reason}}", SESSION_END),
        ),
        curves(
            "Transactions that end well",
            "percentunit",
            "Neither by a fault nor by a restart of ours.",
            Query(
                'sum(edge_transactions_total{reason!~"fault|restart"}) / sum(edge_transactions_total)',
                "well",
                SESSION_END,
            ),
        ),
        curves(
            "Receipts",
            "short",
            "Per hour.",
            Query("sum(increase(cloud_receipts_issued_total[1h]))", "receipts", SESSION_END),
        ),
        curves(
            "Energy billed",
            "kwatth",
            "On receipts, per hour.",
            Query("sum(increase(cloud_billed_joules_total[1h])) / 3.6e6", "energy", SESSION_END),
        ),
        curves(
            "Billed",
            "short",
            "Totals of receipts per hour, by currency.",
            Query("sum by (currency) (increase(cloud_billed_amount_total[1h]))", "{{currency}}", SESSION_END),
        ),
    ),
)
