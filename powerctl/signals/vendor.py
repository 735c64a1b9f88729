"""The station's own models, 64300 to 64303. Positive power flows from the grid into the vehicle.

Their ids are provisional. Enable and commit points stand after the values they act on, because clients write in
ascending order.
"""

from __future__ import annotations

from typing import Final

from powerctl.core.setpoint import LimitSource
from powerctl.signals.layout import Group, Model
from powerctl.signals.points import Point, PointType, numbered

I16, U16, E16, B16 = PointType.INT16, PointType.UINT16, PointType.ENUM16, PointType.BITFIELD16
U32, U64 = PointType.UINT32, PointType.UINT64
STR, SF, PAD, COUNT = PointType.STRING, PointType.SUNSSF, PointType.PAD, PointType.COUNT

SLOTS: Final = 4
CONNECTORS: Final = 2
SCHEDULE_POINTS: Final = 96

OFF_ON: Final = numbered("DISABLED", "ENABLED")
COMMIT_MODES: Final = numbered("IMMEDIATE", "ON_SEQ")
MODES: Final = numbered("CAP", "SETPOINT", "PAUSE", "EMERGENCY")
RESULTS: Final = numbered("NONE", "ACCEPTED", "CLAMPED", "RANGE", "AUTHORITY", "EXPIRED", "SUPERSEDED", "NO_HEARTBEAT")
STATES: Final = numbered("INIT", "UNLIMITED_CONTROLLED", "LIMITED", "FAILSAFE", "UNLIMITED_AUTONOMOUS")
SOURCES: Final = tuple((source.name, number) for number, source in enumerate(LimitSource, start=1))
SPEAKERS: Final = tuple((name, number) for name, number in SOURCES if name in ("DSO", "EMS", "AGGREGATOR", "OPERATOR"))
CONNECTOR_STATES: Final = numbered(
    "AVAILABLE", "OCCUPIED", "STARTING", "CHARGING", "PAUSED", "STOPPING", "FINISHED", "FAULTED"
)
STATION_STATES: Final = numbered("IDLE", "CHARGING", "LIMITED", "PAUSED", "EMERGENCY", "FAULTED")
COMPLIANCE: Final = numbered("NONE", "SETTLING", "COMPLIANT", "VIOLATED")
FREQUENCY_MODES: Final = numbered("OFF", "ARMED", "ACTIVE", "RECOVERY")
CLOCKS: Final = numbered("UNKNOWN", "FREE_RUNNING", "NTP", "GNSS")
ADOPTION: Final = numbered("IN_PROGRESS", "COMPLETED", "FAILED")

_SLOT: Final = (
    Point("LimW", U16, "W_SF", "W", "Cap of the station's consumption, AC", writable=True),
    Point("ExpLimW", U16, "W_SF", "W", "Cap of export; always met, the station never exports", writable=True),
    Point("SetW", I16, "W_SF", "W", "Set-point; negative draws", writable=True, allowed=(range(-0x7FFF, 1),)),
    Point("Pri", U16, meaning="Priority of the set-point; lower wins", writable=True),
    Point("RmpUp", U16, units="W/s", meaning="Slope of a return; 0: the station's own", writable=True),
    Point("RmpDn", U16, units="W/s", meaning="Stored; a decrease is always immediate", writable=True),
    Point("StrTms", U32, units="Secs", meaning="Start, UTC since 1970; 0: now", writable=True),
    Point("DurTms", U32, units="Secs", meaning="Duration; 0: until revoked", writable=True),
    Point("RvrtW", U16, "W_SF", "W", "Cap after the reversion", writable=True),
    Point("RvrtEna", E16, meaning="Ena after the reversion", writable=True, symbols=OFF_ON),
    Point("RvrtTms", U32, units="Secs", meaning="Time to the reversion, re-armed by a write; 0: none", writable=True),
    Point("FsW", U16, "W_SF", "W", "Failsafe cap; persistent", writable=True),
    Point(
        "HbTms",
        U16,
        units="Secs",
        meaning="Silence that starts the failsafe; 0: silence means nothing",
        writable=True,
        allowed=(range(1), range(5, 601)),
    ),
    Point(
        "FsTms",
        U32,
        units="Secs",
        meaning="Minimum duration of the failsafe; persistent",
        writable=True,
        allowed=(range(7200, 86401),),
    ),
    Point("EvtId", U32, meaning="The source's own number", writable=True),
    Point("Mode", E16, meaning="What the slot asks for", writable=True, symbols=MODES),
    Point("Ena", E16, meaning="Puts the values above into force", writable=True, symbols=OFF_ON),
    Point("Seq", U16, meaning="The source's sequence; a replayed one is no heartbeat", writable=True),
    Point("Hb", U16, meaning="Heartbeat: any value that differs from the last", writable=True),
    Point("AckSeq", U16, meaning="Seq of the newest command"),
    Point("AckRslt", E16, meaning="What became of it", symbols=RESULTS),
    Point("AckTms", U32, units="Secs", meaning="When, UTC since 1970"),
    Point("RvrtRem", U32, units="Secs", meaning="Time left to the reversion"),
    Point("St", E16, meaning="Limitation state", symbols=STATES),
    Point("EffW", U16, "W_SF", "W", "What the slot contributes to the station's cap now"),
)

MAILBOX: Final = Model(
    64300,
    "GridSignal",
    "Grid-signal mailbox: one slot per source",
    (
        Point("NSrc", COUNT, meaning="Number of slots"),
        Point("W_SF", SF, meaning="Scale factor of power"),
        Point(
            "CmtMod",
            E16,
            meaning="When a write takes effect",
            writable=True,
            symbols=COMMIT_MODES,
        ),
        Point("Pad", PAD),
    ),
    (Group("Src", _SLOT, count=SLOTS, counted_by="NSrc"),),
)

STATUS: Final = Model(
    64301,
    "GridStatus",
    "What the station does about it",
    (
        Point("StaSt", E16, meaning="The station as a whole", symbols=STATION_STATES),
        Point("EffW", U16, "W_SF", "W", "Effective cap"),
        Point("EffSrc", E16, meaning="The source that binds", symbols=SOURCES),
        Point("NxtW", U16, "W_SF", "W", "The next known cap"),
        Point("NxtTms", U32, units="Secs", meaning="When it begins, UTC since 1970"),
        Point("TgtW", I16, "W_SF", "W", "What the vehicles ask for, DC"),
        Point("W", I16, "W_SF", "W", "Measured power; positive while charging"),
        Point("FlexDnW", U16, "W_SF", "W", "How much less it could draw at once"),
        Point("FlexUpW", U16, "W_SF", "W", "How much more it could draw under the cap"),
        Point("FlexDnMs", U16, units="ms", meaning="Time to draw less"),
        Point("FlexUpMs", U16, units="ms", meaning="Longest wait before it draws more, by model 703"),
        Point("BaseW", U16, "W_SF", "W", "Baseline without grid signals, as far as vehicles tell"),
        Point("MinW", U16, "W_SF", "W", "Sum of the sessions' minimum powers, DC"),
        Point("ReqWh", U32, units="Wh", meaning="Energy until the vehicles are full, if they tell"),
        Point("FlexWh", U32, units="Wh", meaning="The part of it that can wait"),
        Point("WhAbs", U64, units="Wh", meaning="Energy drawn from the grid"),
        Point("WhInj", U64, units="Wh", meaning="Energy fed into the grid; always 0"),
        Point("CurtWh", U32, units="Wh", meaning="Energy not charged because of grid signals, since start"),
        Point("Cmply", E16, meaning="Measured power against the cap", symbols=COMPLIANCE),
        Point("CmplyMs", U16, units="ms", meaning="From the newest decrease to compliance"),
        Point("CmdTms", U32, units="Secs", meaning="When the cap changed last, UTC since 1970"),
        Point("Hz", U32, "Hz_SF", "Hz", "Line frequency"),
        Point(
            "FrqMd",
            E16,
            meaning="Local frequency response; OFF and ARMED may be written",
            writable=True,
            symbols=FREQUENCY_MODES,
            allowed=(range(2),),
        ),
        Point("UtcS", U32, units="Secs", meaning="The station's clock, UTC since 1970"),
        Point("UtcQ", E16, meaning="How good it is", symbols=CLOCKS),
        Point("DevHb", U16, meaning="The station's heartbeat: rises every second"),
        Point("EvtCnt", U16, meaning="Commands taken since start, modulo 65536"),
        Point("Prc", I16, "Prc_SF", meaning="Price in force, per kWh"),
        Point("PrcCur", STR, meaning="Its currency, ISO 4217", size=2),
        Point("W_SF", SF, meaning="Scale factor of power"),
        Point("Hz_SF", SF, meaning="Scale factor of frequency"),
        Point("Prc_SF", SF, meaning="Scale factor of the price"),
    ),
)

_CONNECTOR: Final = (
    Point("ConSt", E16, meaning="State of the connector", symbols=CONNECTOR_STATES),
    Point("AlcW", U16, "W_SF", "W", "Power granted to it, DC"),
    Point("W", I16, "W_SF", "W", "Measured power, DC; positive while charging"),
    Point("V", U16, "V_SF", "V", "Measured voltage, DC"),
    Point("A", I16, "A_SF", "A", "Measured current, DC; positive while charging"),
    Point("SoC", U16, "Pct_SF", "Pct", "State of charge as the vehicle tells it"),
    Point("EvMaxW", U16, "W_SF", "W", "The most it can draw now, DC"),
    Point("EvMinW", U16, "W_SF", "W", "The least it can draw now, DC"),
    Point("SesWh", U32, units="Wh", meaning="Energy of the session so far"),
    Point("ReqWh", U32, units="Wh", meaning="Energy until it is full, if the vehicle tells"),
    Point("DepTms", U32, units="Secs", meaning="Departure, UTC since 1970, as the plan cautiously expects it"),
    Point("SesTms", U32, units="Secs", meaning="Plug-in, UTC since 1970"),
    Point("LimW", U16, "W_SF", "W", "Cap of this connector, DC", writable=True),
    Point("Pri", U16, meaning="Priority of this connector; lower goes first", writable=True, allowed=(range(256),)),
)

CONNECTOR_STATUS: Final = Model(
    64302,
    "GridConnectors",
    "The connectors",
    (
        Point("NCon", COUNT, meaning="Number of connectors"),
        Point("W_SF", SF, meaning="Scale factor of power"),
        Point("V_SF", SF, meaning="Scale factor of voltage"),
        Point("A_SF", SF, meaning="Scale factor of current"),
        Point("Pct_SF", SF, meaning="Scale factor of the state of charge"),
        Point("Pad", PAD),
    ),
    (Group("Con", _CONNECTOR, count=CONNECTORS, counted_by="NCon"),),
)

_ENTRY: Final = (
    Point("LimW", U16, "W_SF", "W", "Cap; 0xFFFF: none", writable=True, optional=True),
    Point("Prc", I16, "Prc_SF", meaning="Price, per kWh; 0x8000: not told", writable=True, optional=True),
)

SCHEDULE: Final = Model(
    64303,
    "GridSchedule",
    "Limits and prices ahead of time",
    (
        Point("NPt", COUNT, meaning="Number of points"),
        Point("W_SF", SF, meaning="Scale factor of power"),
        Point("Prc_SF", SF, meaning="Scale factor of the price"),
        Point(
            "SchSrc",
            E16,
            meaning="The source that it speaks for; the writer must speak for it",
            writable=True,
            symbols=SPEAKERS,
        ),
        Point("StrTms", U32, units="Secs", meaning="Start, UTC since 1970", writable=True),
        Point(
            "IntTms",
            U32,
            units="Secs",
            meaning="Length of one point",
            writable=True,
            allowed=(range(60, 86401),),
        ),
        Point(
            "ActPt",
            U16,
            meaning="Points in use; 0 and AdptReq = 1 end the schedule",
            writable=True,
            allowed=(range(SCHEDULE_POINTS + 1),),
        ),
        Point("AdptReq", U16, meaning="1: adopt what was written, all at once", writable=True, allowed=(range(1, 2),)),
        Point("AdptRslt", E16, meaning="What became of it", symbols=ADOPTION),
        Point("Pad", PAD),
    ),
    (Group("Pt", _ENTRY, count=SCHEDULE_POINTS, counted_by="NPt"),),
)

VENDOR_MODELS: Final = (MAILBOX, STATUS, CONNECTOR_STATUS, SCHEDULE)
