"""Both sides of the handshake against the vectors, against each other, and against impostors."""

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.front.pairing import CHROMIUM_ORIGIN, LOCAL_CLIENT, Pairing
from daemon.wire.handshake import (
    CODE_ALPHABET,
    ClientHandshake,
    Credential,
    DaemonHandshake,
    Refused,
    code_key,
    new_code,
    prove,
)
from daemon.wire.protocol import (
    LOCAL_ORIGIN,
    Challenge,
    Hello,
    Message,
    Pair,
    Paired,
    PairingCode,
    Proof,
    ProtocolError,
    Status,
    Welcome,
    decode_from_daemon,
    encode,
)
from tests.daemon.vectors import VECTORS

HOST = "127.0.0.1:38917"


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS["handshake"]])
def test_proof_vectors(vector: dict[str, Any]) -> None:
    key = bytes.fromhex(vector["key"]) if "key" in vector else code_key(vector["typed"])
    if "code" in vector:
        assert key == vector["code"].encode()
    for side in ("client", "daemon"):
        found = prove(key, side, vector["daemon_nonce"], vector["client_nonce"], vector["host"])
        assert found == vector[f"{side}_proof"]


def test_codes_have_no_look_alikes_and_differ() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4, 4, 4]
        assert set(code.replace("-", "")) <= set(CODE_ALPHABET)
        sent = PairingCode(code=code, seconds=120)
        assert decode_from_daemon(encode(sent)) == sent
    assert not set("01OILU") & set(CODE_ALPHABET)


def welcome(proof: str) -> Welcome:
    message = next(v["message"] for v in VECTORS["messages"] if v["name"] == "welcome")
    decoded = decode_from_daemon(json.dumps({**message, "proof": proof}))
    assert isinstance(decoded, Welcome)
    return decoded


def converse(client: ClientHandshake, server: DaemonHandshake) -> None:
    """Carry every message across until both are done."""
    said: list[Message] = [client.hello()]
    while said:
        for answer in server.receive(said.pop(0)):
            reply = client.receive(answer)
            if reply is not None:
                said.append(reply)
    client.receive(welcome(server.welcome_proof()))


def test_a_paired_client_is_let_in(tmp_path: Path) -> None:
    pairing = Pairing(tmp_path)
    server = DaemonHandshake(HOST, LOCAL_ORIGIN, pairing)
    client = ClientHandshake(HOST, pairing.local)
    converse(client, server)
    assert server.credential == pairing.local
    assert client.welcome is not None


def test_pairing_gives_a_key_that_works(tmp_path: Path) -> None:
    pairing = Pairing(tmp_path)
    code = pairing.open_pairing()
    client = ClientHandshake(HOST, None, code=f" {code.lower()} ", label="Chromium")
    converse(client, DaemonHandshake(HOST, CHROMIUM_ORIGIN, pairing))
    assert client.credential is not None
    again = ClientHandshake(HOST, client.credential)
    converse(again, DaemonHandshake(HOST, CHROMIUM_ORIGIN, pairing))
    assert again.welcome is not None


def begun(server: DaemonHandshake, client: str | None) -> tuple[Hello, Challenge]:
    hello = Hello(version="cloakroom.v1", client=client, nonce="b" * 64)
    answer = server.receive(hello)[0]
    assert isinstance(answer, Challenge)
    return hello, answer


def proof_of(key: bytes, hello: Hello, challenge: Challenge, *, host: str = HOST, side: str = "client") -> str:
    return prove(key, "client" if side == "client" else "daemon", challenge.nonce, hello.nonce, host)


@pytest.mark.parametrize("flaw", ["key", "host", "side", "replay", "client", "origin"])
def test_a_proof_holds_for_nothing_else(tmp_path: Path, flaw: str) -> None:
    pairing = Pairing(tmp_path)
    key = pairing.local.key
    server = DaemonHandshake(HOST, CHROMIUM_ORIGIN if flaw == "origin" else LOCAL_ORIGIN, pairing)
    hello, challenge = begun(server, LOCAL_CLIENT)
    proof = proof_of(key, hello, challenge)
    client = LOCAL_CLIENT
    if flaw == "key":
        proof = proof_of(bytes(32), hello, challenge)
    elif flaw == "host":
        proof = proof_of(key, hello, challenge, host="127.0.0.1:1")
    elif flaw == "side":
        proof = proof_of(key, hello, challenge, side="daemon")
    elif flaw == "replay":
        server = DaemonHandshake(HOST, LOCAL_ORIGIN, pairing)
        begun(server, LOCAL_CLIENT)
    elif flaw == "client":
        client = "c-0000000000000000"
    with pytest.raises(Refused):
        server.receive(Proof(client=client, proof=proof))
    assert server.credential is None
    with pytest.raises(Refused):
        server.welcome_proof()


def test_the_very_same_proof_without_a_flaw_is_right(tmp_path: Path) -> None:
    """The control of the test above."""
    pairing = Pairing(tmp_path)
    server = DaemonHandshake(HOST, LOCAL_ORIGIN, pairing)
    hello, challenge = begun(server, LOCAL_CLIENT)
    server.receive(Proof(client=LOCAL_CLIENT, proof=proof_of(pairing.local.key, hello, challenge)))
    assert server.credential == pairing.local


@pytest.mark.parametrize(
    "first", [Status(), Proof(client="local", proof="0" * 64), Pair(label="x", proof="0" * 64)], ids=["status", "proof", "pair"]
)
def test_hello_comes_first(tmp_path: Path, first: Message) -> None:
    with pytest.raises(Refused):
        DaemonHandshake(HOST, LOCAL_ORIGIN, Pairing(tmp_path)).receive(first)


def test_nothing_but_an_answer_after_hello(tmp_path: Path) -> None:
    server = DaemonHandshake(HOST, LOCAL_ORIGIN, Pairing(tmp_path))
    hello, _ = begun(server, LOCAL_CLIENT)
    with pytest.raises(Refused):
        server.receive(hello)


def test_a_client_cannot_pair_under_the_name_of_another(tmp_path: Path) -> None:
    pairing = Pairing(tmp_path)
    code = pairing.open_pairing()
    server = DaemonHandshake(HOST, CHROMIUM_ORIGIN, pairing)
    hello, challenge = begun(server, LOCAL_CLIENT)
    with pytest.raises(Refused):
        server.receive(Pair(label="x", proof=proof_of(code_key(code), hello, challenge)))


class TestImpostor:
    """A listener that is not our daemon must not be believed."""

    def test_a_challenge_is_answered_without_giving_the_key_away(self) -> None:
        credential = Credential("c-0123456789abcdef", bytes(range(32)))
        answer = ClientHandshake(HOST, credential).receive(Challenge(nonce="a" * 64, pairing="closed"))
        assert isinstance(answer, Proof)
        assert credential.key.hex() not in answer.proof

    @pytest.mark.parametrize("proof", ["0" * 64, "reflected"])
    def test_a_welcome_without_the_key(self, proof: str) -> None:
        client = ClientHandshake(HOST, Credential("c-0123456789abcdef", bytes(range(32))))
        answer = client.receive(Challenge(nonce="a" * 64, pairing="closed"))
        assert isinstance(answer, Proof)
        with pytest.raises(Refused):
            client.receive(welcome(answer.proof if proof == "reflected" else proof))
        assert client.welcome is None

    def test_a_pairing_without_the_code(self) -> None:
        client = ClientHandshake(HOST, None, code="ABCD-EFGH")
        client.receive(Challenge(nonce="a" * 64, pairing="open"))
        with pytest.raises(Refused):
            client.receive(Paired(client="c-0123456789abcdef", key="0" * 64, proof="0" * 64))
        assert client.credential is None

    def test_a_welcome_before_the_challenge(self) -> None:
        client = ClientHandshake(HOST, Credential("local", bytes(32)))
        with pytest.raises(ProtocolError):
            client.receive(welcome("0" * 64))

    def test_a_second_challenge(self) -> None:
        client = ClientHandshake(HOST, Credential("local", bytes(32)))
        client.receive(Challenge(nonce="a" * 64, pairing="closed"))
        with pytest.raises(ProtocolError):
            client.receive(Challenge(nonce="b" * 64, pairing="closed"))
