"""What the backends that talk to a server share: its name and address, its key, its settings."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from toolkit.errors import ModelError

KEY_VARIABLE = "OPENAI_API_KEY"
HIDDEN = "[key]"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server is asked.

    Args:
        key_variable: the environment variable that holds the key; OPENAI_API_KEY when empty.
        parallel: questions under way at once, at most; 0 leaves it to the backend.
        think: whether a model that can think does; None: no, since thinking spoils JSON.
        patience: factor on all waits between tries; tests hurry.
        silence: seconds without a sign of life after which a question is put again.
    """

    key_variable: str = ""
    parallel: int = 0
    think: bool | None = None
    patience: float = 1.0
    silence: float = 300.0


@dataclass(frozen=True, slots=True)
class Address:
    """A model's name and the base URL of its server; `url` is empty where none was written."""

    model: str
    url: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def local(self) -> bool:
        """Whether the server is on this machine."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def parse_address(name: str, backend: str) -> Address:
    """Split `MODEL@URL`; the URL may be missing. Raises ModelError for a URL that holds a password."""
    model, at, url = name.partition("@http")
    url = f"http{url}".rstrip("/") if at else ""
    if at:
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ModelError(
                f"the address of {backend}/{model} holds more than a server and a path",
                f"leave user, password and query out of it; keys belong into the environment ({KEY_VARIABLE})",
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ModelError(
                f"{url!r} is no address of a server", f"write {backend}/{model or 'NAME'}@http://127.0.0.1:8080/v1"
            )
    if not model:
        raise ModelError("the name of the model is missing", f"write {backend}/NAME@URL, for example openai/any@{url}")
    return Address(model, url)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key. It never shows in its own repr, and `hide` takes it out of any text.

    JSON may have written it with escapes, and a text in JSON may hold JSON again.
    """

    variable: str
    _value: str = field(default="", repr=False)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def hide(self, text: str) -> str:
        """The text without the key, should a server have repeated it."""
        return re.sub(self._pattern(), HIDDEN, text) if self._value else text

    def hide_bytes(self, content: bytes) -> bytes:
        """`hide` for what is not decoded yet."""
        return re.sub(self._pattern().encode(), HIDDEN.encode(), content) if self._value else content

    def _pattern(self) -> str:
        return "".join(rf"\\{{0,8}}(?:{re.escape(one)}|(?i:u{ord(one):04x}))" for one in self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


def find_key(address: Address, settings: ServerSettings, usual: str = KEY_VARIABLE) -> Key:
    """The key for a server, from the environment: in the variable that the recipe names, or the usual one.

    The usual variable is not sent in clear text over a network; one that the recipe names is.
    Raises ModelError when the named variable is not set, or holds no possible key.
    """
    variable = settings.key_variable or usual
    value = os.environ.get(variable, "").strip()
    if settings.key_variable and not value:
        raise ModelError(
            f"the environment has no {variable}, which the recipe names as the key", f"export {variable}=…"
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ModelError(f"{variable} holds something that cannot be a key", f"export {variable}=… again")
    clear = address.url.startswith("http://") and not address.local
    return Key(variable, "" if clear and not settings.key_variable else value)
