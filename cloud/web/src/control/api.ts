/** Clients of the services that only the control room uses. */

import { createClient } from "@connectrpc/connect";
import { transport } from "../api/clients";
import { ApprovalService } from "../gen/powerctl/v1/approval_pb";
import { AuditService } from "../gen/powerctl/v1/audit_pb";
import { FleetService } from "../gen/powerctl/v1/fleet_pb";
import { ReservationService } from "../gen/powerctl/v1/reservation_pb";
import { StationIdentityService } from "../gen/powerctl/v1/station_identity_pb";
import { TariffService } from "../gen/powerctl/v1/tariff_pb";
import { UserService } from "../gen/powerctl/v1/user_pb";
import { UtilityService } from "../gen/powerctl/v1/utility_pb";

export const approvals = createClient(ApprovalService, transport);
export const audit = createClient(AuditService, transport);
export const fleet = createClient(FleetService, transport);
export const reservations = createClient(ReservationService, transport);
export const certificates = createClient(StationIdentityService, transport);
export const tariffs = createClient(TariffService, transport);
export const users = createClient(UserService, transport);
export const utility = createClient(UtilityService, transport);
