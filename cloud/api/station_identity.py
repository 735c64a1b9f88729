"""StationIdentityService: certificates by which stations are known to the broker."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.api import names
from cloud.api.call import Call
from cloud.api.tokens import Tokens
from cloud.ca.registrar import Registrar
from cloud.domain.refusal import Refusal, Why
from cloud.store import certificates
from cloud.store.certificates import StationCertificate
from cloud.store.store import Store
from powerctl.v1 import station_identity_pb2 as pb
from powerctl.wire.common import time_to_wire


@dataclass(frozen=True, slots=True)
class StationIdentityService:
    """Enrols, renews and revokes stations."""

    store: Store
    tokens: Tokens
    registrar: Registrar | None
    """None: this cloud signs nobody."""

    async def create_enrolment_token(
        self, request: pb.CreateEnrolmentTokenRequest, call: Call
    ) -> pb.CreateEnrolmentTokenResponse:
        """A secret with which one station may enrol once."""
        self._signer()
        token, expire_time = self.tokens.enrolment(names.parse_location(request.location), self.store.new_id())
        return pb.CreateEnrolmentTokenResponse(token=token, expire_time=time_to_wire(expire_time))

    async def enrol_station(self, request: pb.EnrolStationRequest, call: Call) -> pb.StationCertificate:
        """The first certificate of a station, for an enrolment token."""
        signer, token = self._signer(), self.tokens.read_enrolment(request.token)
        issued = signer.sign(token.station, request.certificate_request)
        if not await self.store.use_token(token.id, token.expire_time):
            raise Refusal(Why.UNAUTHENTICATED, "This enrolment token has been used. Ask for a new one.")
        await signer.record(issued)
        return self._whole(issued)

    async def renew_station_certificate(
        self, request: pb.RenewStationCertificateRequest, call: Call
    ) -> pb.StationCertificate:
        """The next certificate of a station, for proof that it has the key of a valid one."""
        issued = await self._signer().renew(request.certificate_request, request.certificate, request.signature)
        return self._whole(issued)

    async def list_station_certificates(
        self, request: pb.ListStationCertificatesRequest, call: Call
    ) -> pb.ListStationCertificatesResponse:
        """Every certificate of a station, newest first."""
        station = names.parse_location(request.location)
        async with self.store.database.read() as connection:
            found = await certificates.of_station(connection, station)
        return pb.ListStationCertificatesResponse(certificates=[_encoded(one) for one in found])

    async def revoke_station_certificates(
        self, request: pb.RevokeStationCertificatesRequest, call: Call
    ) -> pb.RevokeStationCertificatesResponse:
        """Revokes every certificate of a station."""
        if not request.reason.strip():
            raise Refusal(Why.INVALID_ARGUMENT, "Say why: reason must not be empty.")
        station = names.parse_location(request.location)
        return pb.RevokeStationCertificatesResponse(revoked=await self._signer().revoke(station, request.reason[:500]))

    def _whole(self, issued: StationCertificate) -> pb.StationCertificate:
        message = _encoded(issued, issued.pem)
        message.permit_key = self.tokens.permit_key
        return message

    def _signer(self) -> Registrar:
        if self.registrar is None:
            raise Refusal(Why.FAILED_PRECONDITION, "This service signs no stations; its settings name no authority.")
        return self.registrar


def _encoded(value: StationCertificate, pem: str = "") -> pb.StationCertificate:
    return pb.StationCertificate(
        location=names.location_name(value.station),
        serial=value.serial,
        not_before_time=time_to_wire(value.not_before),
        not_after_time=time_to_wire(value.not_after),
        certificate=pem,
        revoke_time=time_to_wire(value.revoke_time) if value.revoke_time is not None else None,
    )
