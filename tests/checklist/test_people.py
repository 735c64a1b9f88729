"""Who may sign in, how, and for how long."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud.api import secrets
from cloud.api.boundary import answer
from cloud.api.call import Call
from cloud.api.method import Unary
from cloud.cli import main
from cloud.domain.password import require_good
from cloud.domain.refusal import Refusal
from cloud.domain.throttle import FREE_TRIES
from cloud.store.identity_tables import USERS
from powerctl.v1 import identity_pb2, user_pb2
from tests.checklist.crowd import ADMIN, PASSWORD, Crowd
from tests.contract.api.peers import Failed
from tests.unit.cloud.api_world import Cloud

ROLES = {name: number for name, number in identity_pb2.Role.items() if number}
STRONG = {"ROLE_OPERATOR", "ROLE_ADMIN", "ROLE_UTILITY"}
ME = identity_pb2.GetPrincipalRequest()


@pytest.fixture
def crowd(api: Cloud) -> Crowd:
    return Crowd(api)


def test_row_12_nothing_starts_without_a_secret_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "cloud.toml"
    config.write_text('[cloud]\ndatabase_url = "sqlite:///x"\n')
    assert main(["serve", "--config", str(config)]) == 2
    assert "cloud.identity: is missing" in capsys.readouterr().err
    root = Path(__file__).parents[2]
    shipped = [path for folder in ("deploy", "cloud", "powerctl", "edge") for path in (root / folder).rglob("*.toml")]
    assert not [path for path in shipped if "password" in path.read_text()]


async def test_row_13_passwords_are_hashed_by_argon2id_and_weak_ones_refused(crowd: Crowd) -> None:
    await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    async with crowd.api.world.store.database.read() as connection:
        row = (await connection.execute(select(USERS))).one()
    assert row.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in str(row)


@pytest.mark.parametrize(
    "weak",
    [
        "short",
        "elevenchars",
        "aaaaaaaaaaaaaaaa",
        "password1234!",
        "PasswordPassword",
        "123456123456",
        "anna-is-driving",
    ],
)
def test_row_13_a_weak_password_is_refused(weak: str) -> None:
    with pytest.raises(Refusal):
        require_good(weak, "anna")


async def test_row_14_guessing_is_slowed_down_and_learns_nothing(crowd: Crowd) -> None:
    """A thousand guesses in an hour, and a hundred of them at once: what is tried is a handful, whatever the pace."""
    await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    at_once = await asyncio.gather(*(_outcome(crowd, "anna", f"guess number {n:04}") for n in range(100)))
    outcomes = [at_once]
    for minute in range(60):
        crowd.api.world.clock.advance(60)
        outcomes.append([await _behind_the_listener(crowd, "anna", f"guess {minute} {n}") for n in range(15)])
    tried = [[one for one in some if one[0] == "unauthenticated"] for some in outcomes]
    assert sum(map(len, outcomes)) == 1_000
    assert len(tried[0]) <= FREE_TRIES + 1
    assert max(map(len, tried[1:])) <= 1, "of fifteen in a minute"
    assert sum(map(len, tried)) <= 20
    assert len({message for some in tried for _, message in some}) == 1
    assert {code for some in outcomes for code, _ in some} == {"unauthenticated", "resource_exhausted"}
    assert (await _outcome(crowd, "anna", PASSWORD))[0] == "resource_exhausted"
    crowd.api.world.clock.advance(3600)
    assert (await crowd.sign_in("anna")).access_token


async def _behind_the_listener(crowd: Crowd, user: str, password: str) -> tuple[str, str]:
    """As `_outcome`, without the cost of HTTP a thousand times."""
    request = identity_pb2.SignInWithPasswordRequest(user=user, password=password)
    method = crowd.api.methods["/powerctl.v1.IdentityService/SignInWithPassword"]
    assert isinstance(method, Unary)
    try:
        await answer(method, request, Call(peer="127.0.0.1"), "test")
    except Refusal as refusal:
        return refusal.why.value, refusal.message
    return "ok", ""


async def _outcome(crowd: Crowd, user: str, password: str) -> tuple[str, str]:
    try:
        await crowd.sign_in(user, password)
    except Failed as failed:
        return failed.code, failed.message
    return "ok", ""


async def test_row_14_unknown_and_known_users_look_alike(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is the same, and so is the work: one comparison with a hash of the same cost. No clock is asked."""
    compared: list[str] = []
    real = secrets._is_right

    def counting(hashed: str, password: str) -> bool:
        compared.append(hashed.rpartition("$")[0].rpartition("$")[0])
        return real(hashed, password)

    monkeypatch.setattr(secrets, "_is_right", counting)
    await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    answers = {await _outcome(crowd, user, "not the password") for user in ("anna", "nobody", "anna", "nobody")}
    assert len(answers) == 1
    assert len(compared) == 4, "one comparison per attempt"
    assert len(set(compared)) == 1, "of the same cost"
    assert compared[0].startswith("$argon2id$")


async def test_row_14_one_address_does_not_try_every_account(crowd: Crowd) -> None:
    outcomes = [await _outcome(crowd, f"user-{n}", "some password of old") for n in range(30)]
    assert sum(code == "unauthenticated" for code, _ in outcomes) <= 21


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_row_15_roles_that_write_need_a_second_factor(crowd: Crowd, role: str) -> None:
    secret = await crowd.create("someone", ROLES[role])
    assert bool(secret) == (role in STRONG)
    if not secret:
        assert (await crowd.sign_in("someone")).principal.role == ROLES[role]
        return
    for code in ("", "000000", "12345", "１２３４５６"):
        with pytest.raises(Failed, match="wrong"):
            await crowd.sign_in("someone", code=code)
    assert (await crowd.sign_in("someone", code=crowd.code(secret))).principal.role == ROLES[role]


async def test_row_15_a_code_is_good_once(crowd: Crowd) -> None:
    secret = await crowd.create("opal", identity_pb2.ROLE_OPERATOR)
    code = crowd.code(secret)
    await crowd.sign_in("opal", code=code)
    with pytest.raises(Failed):
        await crowd.sign_in("opal", code=code)


async def test_row_15_a_link_is_no_way_around_the_second_factor(crowd: Crowd) -> None:
    crowd.api.sign_ins.links_for_all = False
    request = identity_pb2.SignInRequest(token=crowd.api.sign_in_token(ADMIN))
    with pytest.raises(Failed, match="one-time code"):
        await crowd.ask("IdentityService/SignIn", request, identity_pb2.SignInResponse)


async def test_row_16_an_access_token_lives_at_most_a_quarter_of_an_hour(crowd: Crowd) -> None:
    await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    token = (await crowd.sign_in("anna")).access_token
    crowd.api.world.clock.advance(15 * 60)
    with pytest.raises(Failed, match="unauthenticated"):
        await crowd.peer.call("IdentityService/GetPrincipal", ME, identity_pb2.Principal, token)


async def test_row_16_a_refresh_token_is_good_once_and_its_thief_ends_the_sign_in(crowd: Crowd) -> None:
    await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    first = await crowd.sign_in("anna")
    second = await _refresh(crowd, first.refresh_token)
    assert (await crowd.peer.call("IdentityService/GetPrincipal", ME, identity_pb2.Principal, second.access_token)).name
    with pytest.raises(Failed, match="unauthenticated"):
        await _refresh(crowd, first.refresh_token)
    for token in (first.access_token, second.access_token):
        with pytest.raises(Failed, match="unauthenticated"):
            await crowd.peer.call("IdentityService/GetPrincipal", ME, identity_pb2.Principal, token)
    with pytest.raises(Failed, match="unauthenticated"):
        await _refresh(crowd, second.refresh_token)


async def _refresh(crowd: Crowd, token: str) -> identity_pb2.SignInResponse:
    request = identity_pb2.RefreshAccessRequest(refresh_token=token)
    return await crowd.ask("IdentityService/RefreshAccess", request, identity_pb2.SignInResponse)


async def test_row_16_signing_out_ends_every_token_also_at_another_replica(crowd: Crowd) -> None:
    await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    signed = await crowd.sign_in("anna")
    out, gone = identity_pb2.SignOutRequest(), identity_pb2.SignOutResponse
    await crowd.peer.call("IdentityService/SignOut", out, gone, signed.access_token)
    crowd.api.sign_ins._ended.clear()
    await crowd.api.sign_ins.hear()
    with pytest.raises(Failed, match="unauthenticated"):
        await crowd.peer.call("IdentityService/GetPrincipal", ME, identity_pb2.Principal, signed.access_token)
    with pytest.raises(Failed, match="unauthenticated"):
        await _refresh(crowd, signed.refresh_token)


@pytest.mark.parametrize("change", ["disabled", "role", "password", "credentials"])
async def test_row_16_who_is_changed_is_signed_out(crowd: Crowd, change: str) -> None:
    await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    signed = await crowd.sign_in("anna")
    crowd.api.world.clock.advance(2)
    await _change(crowd, change, signed.access_token)
    with pytest.raises(Failed, match="unauthenticated"):
        await crowd.peer.call("IdentityService/GetPrincipal", ME, identity_pb2.Principal, signed.access_token)
    with pytest.raises(Failed, match="unauthenticated"):
        await _refresh(crowd, signed.refresh_token)


async def _change(crowd: Crowd, change: str, token: str) -> None:
    if change == "password":
        request = identity_pb2.ChangePasswordRequest(password=PASSWORD, new_password="nine mauve lanterns drift")
        response = identity_pb2.ChangePasswordResponse
        await crowd.peer.call("IdentityService/ChangePassword", request, response, token)
    elif change == "credentials":
        reset = user_pb2.ResetCredentialsRequest(name="users/anna", password="nine mauve lanterns drift")
        await crowd.ask("UserService/ResetCredentials", reset, user_pb2.ResetCredentialsResponse, ADMIN)
    else:
        user = user_pb2.User(name="users/anna", disabled=True, role=identity_pb2.ROLE_BILLING)
        update = user_pb2.UpdateUserRequest(user=user)
        update.update_mask.paths.append(change)
        await crowd.ask("UserService/UpdateUser", update, user_pb2.User, ADMIN)


async def test_row_16_a_browser_is_given_no_refresh_token(crowd: Crowd) -> None:
    await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    import httpx

    body = {"user": "anna", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=crowd.api.web, headers={"origin": crowd.api.web}) as browser:
        answer = await browser.post("/powerctl.v1.IdentityService/SignInWithPassword", json=body)
        assert answer.json()["refreshToken"] == ""
        assert (await browser.get("/v1/principal")).json()["name"] == "users/anna"


async def test_nobody_takes_their_own_rights(crowd: Crowd) -> None:
    await crowd.create(ADMIN.user, identity_pb2.ROLE_ADMIN)
    update = user_pb2.UpdateUserRequest(user=user_pb2.User(name=f"users/{ADMIN.user}", disabled=True))
    update.update_mask.paths.append("disabled")
    with pytest.raises(Failed, match="failed_precondition"):
        await crowd.ask("UserService/UpdateUser", update, user_pb2.User, ADMIN)
