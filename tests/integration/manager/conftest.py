from __future__ import annotations

from pathlib import Path

import pytest

from powerctl.app.manager_settings import AllocationSettings, ManagerSettings, PlanSettings
from powerctl.dispatch.settings import DispatchSettings
from powerctl.runtime import pki
from powerctl.runtime.settings import HttpListener, TlsFiles
from powerctl.runtime.station import ConnectorSettings, StationSettings
from powerctl.signals.settings import GridSettings, ModbusTcpSettings, SlotSettings


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> pki.Authority:
    return pki.create_ca(tmp_path_factory.mktemp("pki"), "Test authority")


@pytest.fixture(scope="session")
def server_tls(authority: pki.Authority) -> TlsFiles:
    return pki.issue(authority, "manager", server_names=["localhost", "127.0.0.1"])


@pytest.fixture(scope="session")
def client_tls(authority: pki.Authority) -> TlsFiles:
    return pki.issue(authority, "S-1", client=True)


@pytest.fixture
def station(tmp_path: Path) -> StationSettings:
    connectors = [
        ConnectorSettings(
            id=number,
            type="chademo",
            position="left" if number == 1 else "right",
            max_power_w=22000,
            max_current_a=60,
            max_voltage_v=500,
            min_power_w=500,
            fallback_w=5000,
        )
        for number in (1, 2)
    ]
    return StationSettings.model_validate(
        {"id": "S-1", "display_name": "Test", "rating_w": 22000, "state_dir": tmp_path, "connector": connectors}
    )


@pytest.fixture
def settings(server_tls: TlsFiles) -> ManagerSettings:
    slot = SlotSettings(
        index=0,
        source="dso",
        commissioned=True,
        writers=("127.0.0.1",),
        failsafe_w=4200,
        failsafe_min_s=7200,
        heartbeat_timeout_s=60,
    )
    return ManagerSettings(
        grid=GridSettings(modbus_tcp=ModbusTcpSettings(port=0, max_writes_per_s=1000), slots=(slot,)),
        allocation=AllocationSettings(
            efficiency=((22000, 0.95),), auxiliary_w=150, ramp_up_w_s=1e6, resume_after_s=0.1
        ),
        dispatch=DispatchSettings(port=0, tls=server_tls),
        plan=PlanSettings(enabled=False),
        http=HttpListener(port=0),
    )
