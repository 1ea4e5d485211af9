"""The mutual handshake of cloakroom.v1, both sides of it, as state machines without input or output.

Another user of the machine may listen on the port or connect to it, so each side proves that it knows the key (or, at
pairing, the code). A proof binds both nonces, its side and the Host with the port: it cannot be replayed, reflected,
or passed on by a listener on another port.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal
from typing import Protocol as Interface

from daemon.wire.protocol import (
    VERSION,
    Challenge,
    Hello,
    Message,
    Pair,
    Paired,
    Proof,
    ProtocolError,
    Welcome,
)

CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32 without 0 and 1, which people also type as O and I."""


class Refused(Exception):
    """The other side did not prove itself, or did not keep to the order. Never says which."""


def new_nonce() -> str:
    """32 fresh random bytes as hex."""
    return secrets.token_hex(32)


def new_code() -> str:
    """A pairing code as people see it, ABCD-EFGH-JKMN: 58 bits.

    A proof lets whoever receives it try codes without asking, so five tries are no bound for an impostor on the port:
    the code itself must outlast its two minutes. Eight letters (39 bits) are within reach of one graphics card.
    """
    return "-".join("".join(secrets.choice(CODE_ALPHABET) for _ in range(4)) for _ in range(3))


def code_key(code: str) -> bytes:
    """The HMAC key of a code as it was typed: upper case, without dashes and white space, as UTF-8."""
    return "".join(code.upper().replace("-", "").split()).encode()


def prove(key: bytes, side: Literal["client", "daemon"], daemon_nonce: str, client_nonce: str, host: str) -> str:
    """hex HMAC-SHA256 over the version, the side, both nonces and the host, a line each."""
    text = f"{VERSION}\n{side}\n{daemon_nonce}\n{client_nonce}\n{host}"
    return hmac.new(key, text.encode(), sha256).hexdigest()


@dataclass(frozen=True)
class Credential:
    """Who is on the other side, and the key that both now share."""

    client: str
    key: bytes


class Credentials(Interface):
    """The keys and codes that the daemon's side looks up."""

    @property
    def open(self) -> bool:
        """Whether a code is waiting to be used."""
        ...

    def key_for(self, client: str, origin: str) -> bytes | None:
        """The key of a client, None unless it was paired from this very origin."""
        ...

    def current_code(self) -> bytes | None:
        """The HMAC key of the waiting code."""
        ...

    def spend_try(self) -> None:
        """Someone gave a wrong proof for the code."""
        ...

    def pair(self, label: str, origin: str) -> Credential:
        """Use the code up and keep a new client."""
        ...


class DaemonHandshake:
    """The daemon's side of one socket.

    Args:
        host: the Host header, already checked.
        origin: the Origin header, already checked.
        credentials: keys and codes.
    """

    def __init__(self, host: str, origin: str, credentials: Credentials) -> None:
        self._host = host
        self._origin = origin
        self._credentials = credentials
        self._nonce = new_nonce()
        self._hello: Hello | None = None
        self.credential: Credential | None = None

    def receive(self, message: Message) -> list[Challenge | Paired]:
        """Take the client's next message and return the answers; `credential` is set once the client is known.

        Raises:
            Refused: wrong proof, wrong code, or anything out of order.
        """
        if self.credential is not None:
            raise Refused
        if self._hello is None:
            if not isinstance(message, Hello):
                raise Refused
            self._hello = message
            pairing: Literal["open", "closed"] = "open" if self._credentials.open else "closed"
            return [Challenge(nonce=self._nonce, pairing=pairing)]
        if isinstance(message, Proof):
            return self._known(message, self._hello)
        if isinstance(message, Pair):
            return self._pairing(message, self._hello)
        raise Refused

    def _known(self, message: Proof, hello: Hello) -> list[Challenge | Paired]:
        key = self._credentials.key_for(message.client, self._origin)
        # An unknown client costs the same time as a wrong proof.
        expected = self._prove(key or secrets.token_bytes(32), "client", hello)
        right = hmac.compare_digest(expected, message.proof)
        if not right or key is None or message.client != hello.client:
            raise Refused
        self.credential = Credential(message.client, key)
        return []

    def _pairing(self, message: Pair, hello: Hello) -> list[Challenge | Paired]:
        code = self._credentials.current_code()
        expected = self._prove(code or secrets.token_bytes(32), "client", hello)
        right = hmac.compare_digest(expected, message.proof)
        if hello.client is not None or code is None:
            raise Refused
        if not right:
            self._credentials.spend_try()
            raise Refused
        credential = self._credentials.pair(message.label, self._origin)
        self.credential = credential
        proof = self._prove(code, "daemon", hello)
        return [Paired(client=credential.client, key=credential.key.hex(), proof=proof)]

    def welcome_proof(self) -> str:
        """The proof for the welcome, with the client's key.

        Raises:
            Refused: the client has not proved itself.
        """
        if self.credential is None or self._hello is None:
            raise Refused
        return self._prove(self.credential.key, "daemon", self._hello)

    def _prove(self, key: bytes, side: Literal["client", "daemon"], hello: Hello) -> str:
        return prove(key, side, self._nonce, hello.nonce, self._host)


class ClientHandshake:
    """The client's side of one socket.

    Args:
        host: what the Host header of the upgrade says.
        credential: of a paired client, or None to pair.
        code: as typed, when pairing.
        label: how the daemon lists the new client, when pairing.
    """

    def __init__(self, host: str, credential: Credential | None, *, code: str = "", label: str = "Command line") -> None:
        self._host = host
        self._code = code_key(code)
        self._label = label
        self._nonce = new_nonce()
        self._daemon_nonce: str | None = None
        self.credential = credential
        self.welcome: Welcome | None = None

    def hello(self) -> Hello:
        client = self.credential.client if self.credential else None
        return Hello(version=VERSION, client=client, nonce=self._nonce)

    def receive(self, message: Message) -> Proof | Pair | None:
        """Take the daemon's next message and return the answer; `welcome` is set once the daemon is known.

        Raises:
            Refused: the daemon did not prove that it knows the key or the code.
            ProtocolError: the message is out of order.
        """
        if isinstance(message, Challenge) and self._daemon_nonce is None:
            self._daemon_nonce = message.nonce
            if self.credential is not None:
                return Proof(client=self.credential.client, proof=self._prove(self.credential.key, "client"))
            return Pair(label=self._label, proof=self._prove(self._code, "client"))
        if isinstance(message, Paired) and self.credential is None:
            self._check(self._code, message.proof)
            self.credential = Credential(message.client, bytes.fromhex(message.key))
            return None
        if isinstance(message, Welcome) and self.credential is not None and self.welcome is None:
            self._check(self.credential.key, message.proof)
            self.welcome = message
            return None
        raise ProtocolError

    def _check(self, key: bytes, proof: str) -> None:
        if not hmac.compare_digest(self._prove(key, "daemon"), proof):
            raise Refused

    def _prove(self, key: bytes, side: Literal["client", "daemon"]) -> str:
        if self._daemon_nonce is None:
            raise ProtocolError
        return prove(key, side, self._daemon_nonce, self._nonce, self._host)
