"""Models of SunSpec in our chain: names, types and order of the points are those of the published models.

Source: SunSpec DER Information Model 1.1 (github sunspec/models, commit 7abdf898). A point without a meaning is not
implemented here: it reads as such and refuses writes.
"""

from __future__ import annotations

from typing import Final

from powerctl.signals.layout import Group, Model
from powerctl.signals.points import Point, PointType, numbered

I16, U16, E16, B16 = PointType.INT16, PointType.UINT16, PointType.ENUM16, PointType.BITFIELD16
I32, U32, B32, U64 = PointType.INT32, PointType.UINT32, PointType.BITFIELD32, PointType.UINT64
STR, SF, PAD = PointType.STRING, PointType.SUNSSF, PointType.PAD

OFF_ON: Final = numbered("DISABLED", "ENABLED")
PORTS: Final = 2
DRAWS: Final = range(-0x7FFFFFFF, 1)
"""Set-points of a station that cannot feed in."""
CONTROL_MODES: Final = numbered(
    "MAX_W",
    "FIXED_W",
    "FIXED_VAR",
    "FIXED_PF",
    "VOLT_VAR",
    "FREQ_WATT",
    "DYN_REACT_CURR",
    "LV_TRIP",
    "HV_TRIP",
    "WATT_VAR",
    "VOLT_WATT",
    "SCHEDULED",
    "LF_TRIP",
    "HF_TRIP",
)


def _phase(phase: str, line_to_line: str) -> tuple[Point, ...]:
    return (
        Point(f"W{phase}", I16, "W_SF", "W"),
        Point(f"VA{phase}", I16, "VA_SF", "VA"),
        Point(f"Var{phase}", I16, "Var_SF", "Var"),
        Point(f"PF{phase}", I16, "PF_SF"),
        Point(f"A{phase}", I16, "A_SF", "A"),
        Point(line_to_line, U16, "V_SF", "V"),
        Point(f"V{phase}", U16, "V_SF", "V"),
        *(Point(f"Tot{kind}{phase}", U64, f"Tot{kind[:-3]}_SF", kind[:-3]) for kind in _ENERGIES),
    )


_ENERGIES: Final = ("WhInj", "WhAbs", "VarhInj", "VarhAbs")

_COMMON = (
    Point("Mn", STR, meaning="Manufacturer", size=16),
    Point("Md", STR, meaning="Model", size=16),
    Point("Opt", STR, size=8),
    Point("Vr", STR, meaning="Software version", size=8),
    Point("SN", STR, meaning="Station id", size=16),
    Point("DA", U16, meaning="Address on serial lines", writable=True, allowed=(range(1, 248),)),
    Point("Pad", PAD),
)

_MEASURE_AC = (
    Point("ACType", E16, meaning="Three phases", symbols=numbered("SINGLE_PHASE", "SPLIT_PHASE", "THREE_PHASE")),
    Point("St", E16, meaning="On while a connector charges", symbols=numbered("OFF", "ON")),
    Point(
        "InvSt",
        E16,
        meaning="Running, throttled, standby or fault",
        symbols=numbered("OFF", "SLEEPING", "STARTING", "RUNNING", "THROTTLED", "SHUTTING_DOWN", "FAULT", "STANDBY"),
    ),
    Point("ConnSt", E16, meaning="Connected", symbols=numbered("DISCONNECTED", "CONNECTED")),
    Point("Alrm", B32, meaning="Bit 16 (MANUFACTURER_ALRM) while a connector is out of order"),
    Point("DERMode", B32),
    Point("W", I16, "W_SF", "W", meaning="Measured power at the grid connection; negative while charging"),
    Point("VA", I16, "VA_SF", "VA"),
    Point("Var", I16, "Var_SF", "Var"),
    Point("PF", I16, "PF_SF"),
    Point("A", I16, "A_SF", "A"),
    Point("LLV", U16, "V_SF", "V"),
    Point("LNV", U16, "V_SF", "V", meaning="Voltage, line to neutral"),
    Point("Hz", U32, "Hz_SF", "Hz", meaning="Line frequency"),
    Point("TotWhInj", U64, "TotWh_SF", "Wh"),
    Point("TotWhAbs", U64, "TotWh_SF", "Wh", meaning="Energy drawn from the grid since commissioning"),
    Point("TotVarhInj", U64, "TotVarh_SF", "Varh"),
    Point("TotVarhAbs", U64, "TotVarh_SF", "Varh"),
    Point("TmpAmb", I16, "Tmp_SF", "C"),
    Point("TmpCab", I16, "Tmp_SF", "C"),
    Point("TmpSnk", I16, "Tmp_SF", "C"),
    Point("TmpTrns", I16, "Tmp_SF", "C"),
    Point("TmpSw", I16, "Tmp_SF", "C"),
    Point("TmpOt", I16, "Tmp_SF", "C"),
    *_phase("L1", "VL1L2"),
    *_phase("L2", "VL2L3"),
    *_phase("L3", "VL3L1"),
    Point("ThrotPct", U16, units="Pct", meaning="Effective cap in per cent of the rating"),
    Point(
        "ThrotSrc",
        B32,
        meaning="MAX_W while a cap is below the rating",
        symbols=numbered(
            "MAX_W",
            "FIXED_W",
            "FIXED_VAR",
            "FIXED_PF",
            "VOLT_VAR",
            "FREQ_WATT",
            "DYN_REACT_CURR",
            "LVRT",
            "HVRT",
            "WATT_VAR",
            "VOLT_WATT",
            "SCHEDULED",
            "LFRT",
            "HFRT",
            "DERATED",
        ),
    ),
    Point("A_SF", SF),
    Point("V_SF", SF, meaning="Scale factor"),
    Point("Hz_SF", SF, meaning="Scale factor"),
    Point("W_SF", SF, meaning="Scale factor"),
    Point("PF_SF", SF),
    Point("VA_SF", SF),
    Point("Var_SF", SF),
    Point("TotWh_SF", SF, meaning="Scale factor"),
    Point("TotVarh_SF", SF),
    Point("Tmp_SF", SF),
    Point("MnAlrmInfo", STR, meaning="The alarms in words", size=32),
)

_CAPACITY = (
    Point("WMaxRtg", U16, "W_SF", "W", meaning="Rating of the grid connection"),
    Point("WOvrExtRtg", U16, "W_SF", "W"),
    Point("WOvrExtRtgPF", U16, "PF_SF"),
    Point("WUndExtRtg", U16, "W_SF", "W"),
    Point("WUndExtRtgPF", U16, "PF_SF"),
    Point("VAMaxRtg", U16, "VA_SF", "VA"),
    Point("VarMaxInjRtg", U16, "Var_SF", "Var"),
    Point("VarMaxAbsRtg", U16, "Var_SF", "Var"),
    Point("WChaRteMaxRtg", U16, "W_SF", "W", meaning="Rating of the grid connection"),
    Point("WDisChaRteMaxRtg", U16, "W_SF", "W"),
    Point("VAChaRteMaxRtg", U16, "VA_SF", "VA"),
    Point("VADisChaRteMaxRtg", U16, "VA_SF", "VA"),
    Point("VNomRtg", U16, "V_SF", "V"),
    Point("VMaxRtg", U16, "V_SF", "V"),
    Point("VMinRtg", U16, "V_SF", "V"),
    Point("AMaxRtg", U16, "A_SF", "A"),
    Point("PFOvrExtRtg", U16, "PF_SF"),
    Point("PFUndExtRtg", U16, "PF_SF"),
    Point("ReactSusceptRtg", U16, "S_SF", "S"),
    Point("NorOpCatRtg", E16, symbols=numbered("CAT_A", "CAT_B")),
    Point("AbnOpCatRtg", E16, symbols=numbered("CAT_1", "CAT_2", "CAT_3")),
    Point("CtrlModes", B32, meaning="MAX_W, FIXED_W and SCHEDULED", symbols=CONTROL_MODES),
    Point("IntIslandCatRtg", B16),
    Point("WMax", U16, "W_SF", "W", writable=True),
    Point("WMaxOvrExt", U16, "W_SF", "W", writable=True),
    Point("WOvrExtPF", U16, "PF_SF", writable=True),
    Point("WMaxUndExt", U16, "W_SF", "W", writable=True),
    Point("WUndExtPF", U16, "PF_SF", writable=True),
    Point("VAMax", U16, "VA_SF", "VA", writable=True),
    Point("VarMaxInj", U16, "Var_SF", "Var", writable=True),
    Point("VarMaxAbs", U16, "Var_SF", "Var", writable=True),
    Point("WChaRteMax", U16, "W_SF", "W", meaning="Persistent cap; survives a restart", writable=True),
    Point("WDisChaRteMax", U16, "W_SF", "W", writable=True),
    Point("VAChaRteMax", U16, "VA_SF", "VA", writable=True),
    Point("VADisChaRteMax", U16, "VA_SF", "VA", writable=True),
    Point("VNom", U16, "V_SF", "V", writable=True),
    Point("VMax", U16, "V_SF", "V", writable=True),
    Point("VMin", U16, "V_SF", "V", writable=True),
    Point("AMax", U16, "A_SF", "A", writable=True),
    Point("PFOvrExt", U16, "PF_SF", writable=True),
    Point("PFUndExt", U16, "PF_SF", writable=True),
    Point("IntIslandCat", B16, writable=True),
    Point("W_SF", SF, meaning="Scale factor"),
    Point("PF_SF", SF),
    Point("VA_SF", SF),
    Point("Var_SF", SF),
    Point("V_SF", SF),
    Point("A_SF", SF),
    Point("S_SF", SF),
)

MAX_RETURN_S: Final = 3600


def _return(name: str, meaning: str) -> Point:
    return Point(name, U32, units="Secs", meaning=meaning, writable=True, allowed=(range(MAX_RETURN_S + 1),))


_ENTER_SERVICE = (
    Point("ES", E16, meaning="Permit service; 0 ceases to draw. Persistent", writable=True, symbols=OFF_ON),
    Point("ESVHi", U16, "V_SF", "Pct", writable=True),
    Point("ESVLo", U16, "V_SF", "Pct", writable=True),
    Point("ESHzHi", U32, "Hz_SF", "Hz", writable=True),
    Point("ESHzLo", U32, "Hz_SF", "Hz", writable=True),
    _return("ESDlyTms", "Delay of a return after a limit; persistent"),
    _return("ESRndTms", "Bound of a random delay on top; persistent"),
    _return("ESRmpTms", "Ramp from nothing to the rating, 0: the station's own; persistent"),
    Point("ESDlyRemTms", U32, units="Secs", meaning="What is left of the delay"),
    Point("V_SF", SF),
    Point("Hz_SF", SF),
)

_CONTROL_AC = (
    Point("PFWInjEna", E16, writable=True, symbols=OFF_ON),
    Point("PFWInjEnaRvrt", E16, writable=True, symbols=OFF_ON),
    Point("PFWInjRvrtTms", U32, units="Secs", writable=True),
    Point("PFWInjRvrtRem", U32, units="Secs"),
    Point("PFWAbsEna", E16, writable=True, symbols=OFF_ON),
    Point("PFWAbsEnaRvrt", E16, writable=True, symbols=OFF_ON),
    Point("PFWAbsRvrtTms", U32, units="Secs", writable=True),
    Point("PFWAbsRvrtRem", U32, units="Secs"),
    Point("WMaxLimPctEna", E16, writable=True, symbols=OFF_ON),
    Point("WMaxLimPct", U16, "WMaxLimPct_SF", "Pct", writable=True),
    Point("WMaxLimPctRvrt", U16, "WMaxLimPct_SF", "Pct", writable=True),
    Point("WMaxLimPctEnaRvrt", E16, writable=True, symbols=OFF_ON),
    Point("WMaxLimPctRvrtTms", U32, units="Secs", writable=True),
    Point("WMaxLimPctRvrtRem", U32, units="Secs"),
    Point("WSetEna", E16, meaning="Puts the set-point into force", writable=True, symbols=OFF_ON),
    Point(
        "WSetMod",
        E16,
        meaning="WATTS is the one way to say it",
        writable=True,
        symbols=numbered("W_MAX_PCT", "WATTS"),
        allowed=(range(1, 2),),
    ),
    Point("WSet", I32, "WSet_SF", "W", "Set-point; negative draws", writable=True, allowed=(DRAWS,)),
    Point("WSetRvrt", I32, "WSet_SF", "W", "Set-point after the reversion", writable=True, allowed=(DRAWS,)),
    Point("WSetPct", I16, "WSetPct_SF", "Pct", writable=True),
    Point("WSetPctRvrt", I16, "WSetPct_SF", "Pct", writable=True),
    Point("WSetEnaRvrt", E16, meaning="WSetEna after the reversion", writable=True, symbols=OFF_ON),
    Point(
        "WSetRvrtTms",
        U32,
        units="Secs",
        meaning="Time to the reversion, re-armed by a write to any of these points; 0: none",
        writable=True,
    ),
    Point("WSetRvrtRem", U32, units="Secs", meaning="Time left to the reversion"),
    Point("VarSetEna", E16, writable=True, symbols=OFF_ON),
    Point(
        "VarSetMod",
        E16,
        writable=True,
        symbols=numbered("W_MAX_PCT", "VAR_MAX_PCT", "VAR_AVAIL_PCT", "VA_MAX_PCT", "VARS"),
    ),
    Point("VarSetPri", E16, writable=True, symbols=numbered("ACTIVE", "REACTIVE", "VENDOR")),
    Point("VarSet", I32, "VarSet_SF", "Var", writable=True),
    Point("VarSetRvrt", I32, "VarSet_SF", "Var", writable=True),
    Point("VarSetPct", I16, "VarSetPct_SF", "Pct", writable=True),
    Point("VarSetPctRvrt", I16, "VarSetPct_SF", "Pct", writable=True),
    Point("VarSetEnaRvrt", E16, writable=True, symbols=OFF_ON),
    Point("VarSetRvrtTms", U32, units="Secs", writable=True),
    Point("VarSetRvrtRem", U32, units="Secs"),
    Point("WRmp", U16, units="%Max/Sec", writable=True),
    Point("WRmpRef", E16, writable=True, symbols=numbered("A_MAX", "W_MAX")),
    Point("VarRmp", U16, units="%Max/Sec", writable=True),
    Point("AntiIslEna", E16, writable=True, symbols=OFF_ON),
    Point("PF_SF", SF),
    Point("WMaxLimPct_SF", SF),
    Point("WSet_SF", SF, meaning="Scale factor"),
    Point("WSetPct_SF", SF),
    Point("VarSet_SF", SF),
    Point("VarSetPct_SF", SF),
)

_POWER_FACTOR = (
    Point("PF", U16, "PF_SF", writable=True),
    Point("Ext", E16, writable=True, symbols=numbered("OVER_EXCITED", "UNDER_EXCITED")),
)

_MEASURE_DC = (
    Point("PrtAlrms", B32, meaning="Ports out of order: bit 0 is connector 1"),
    Point("NPrt", U16, meaning="Number of ports"),
    Point("DCA", I16, "DCA_SF", "A", meaning="Current of both ports; negative while charging"),
    Point("DCW", I16, "DCW_SF", "W", meaning="Power of both ports; negative while charging"),
    Point("DCWhInj", U64, "DCWH_SF", "Wh"),
    Point("DCWhAbs", U64, "DCWH_SF", "Wh", meaning="Energy into vehicles since commissioning"),
    Point("DCA_SF", SF, meaning="Scale factor"),
    Point("DCV_SF", SF, meaning="Scale factor"),
    Point("DCW_SF", SF, meaning="Scale factor"),
    Point("DCWH_SF", SF, meaning="Scale factor"),
    Point("Tmp_SF", SF),
)

_PORT = (
    Point("PrtTyp", E16, meaning="A vehicle", symbols=numbered("PV", "ESS", "EV", "INJ", "ABS", "BIDIR", "DC_DC")),
    Point("ID", U16, meaning="Number of the connector"),
    Point("IDStr", STR, meaning="Its name", size=8),
    Point("DCA", I16, "DCA_SF", "A", meaning="Measured current; negative while charging"),
    Point("DCV", U16, "DCV_SF", "V", meaning="Measured voltage"),
    Point("DCW", I16, "DCW_SF", "W", meaning="Measured power; negative while charging"),
    Point("DCWhInj", U64, "DCWH_SF", "Wh"),
    Point("DCWhAbs", U64, "DCWH_SF", "Wh", meaning="Energy into vehicles since commissioning"),
    Point("Tmp", I16, "Tmp_SF", "C"),
    Point("DCSta", E16, meaning="State of the port", symbols=numbered("OFF", "ON", "WARNING", "ERROR")),
    Point("DCAlrm", B32),
)

_CONTROL = (
    Point("LocRemCtl", E16, meaning="Always remote", symbols=numbered("REMOTE", "LOCAL")),
    Point("DERHb", U32, meaning="The station's heartbeat: rises every second"),
    Point("ControllerHb", U32, meaning="Heartbeat for every slot that the writer speaks for", writable=True),
    Point(
        "AlarmReset",
        U16,
        meaning="1 asks the controller, if it is connected, to release latched faults that need nobody at the station",
        writable=True,
        allowed=(range(2),),
    ),
    Point(
        "OpCtl",
        E16,
        meaning="STOP and ENTER_STANDBY pause all charging; only START ends a STOP. Persistent",
        writable=True,
        symbols=numbered("STOP", "START", "ENTER_STANDBY", "EXIT_STANDBY"),
    ),
)

COMMON: Final = Model(1, "common", "Identity", _COMMON)
MEASURE_AC: Final = Model(701, "DERMeasureAC", "AC measurement", _MEASURE_AC)
CAPACITY: Final = Model(702, "DERCapacity", "Ratings and settings", _CAPACITY)
ENTER_SERVICE: Final = Model(703, "DEREnterService", "Permit service and return", _ENTER_SERVICE)
CONTROL_AC: Final = Model(
    704,
    "DERCtlAC",
    "AC control",
    _CONTROL_AC,
    tuple(Group(name, _POWER_FACTOR, sync=True) for name in ("PFWInj", "PFWInjRvrt", "PFWAbs", "PFWAbsRvrt")),
)
MEASURE_DC: Final = Model(
    714, "DERMeasureDC", "DC measurement", _MEASURE_DC, (Group("Prt", _PORT, count=PORTS, counted_by="NPrt"),)
)
CONTROL: Final = Model(715, "DERCtl", "Heartbeats and operation", _CONTROL)

SUNSPEC_MODELS: Final = (COMMON, MEASURE_AC, CAPACITY, ENTER_SERVICE, CONTROL_AC, MEASURE_DC, CONTROL)
