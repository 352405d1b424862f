"""Say whether an address may be posted to: https, somebody's public machine, never our own network."""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

URL_CHARACTERS_MAX = 2_000
HTTPS_PORT = 443

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: 127.1, 2130706433 and 0x7f.1 are addresses in disguise, and no names.
_HOST = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?")
_TARGET = re.compile(r"[!-~]*")

INSIDE = ("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "arpa")
"""How names end that lead to one's own network, whatever they resolve to."""

GLOBAL_IPV6 = IPv6Network("2000::/3")
HIDING_IPV4 = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))
"""Teredo and 6to4: addresses that carry another inside, which may be private. NAT64 and mapped ones are not global."""


@dataclass(frozen=True)
class Destination:
    """Where to post: a host by its ASCII name or its address, its port, and the path with its query."""

    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == HTTPS_PORT else f"{name}:{self.port}"


def destination(url: str) -> Destination:
    """Return where a URL leads. Raises ValueError saying why it may not be posted to.

    What a name resolves to is for the sender to check (is_public), at the moment of sending.
    """
    if len(url) > URL_CHARACTERS_MAX or "\\" in url or not url.isprintable() or " " in url:
        raise ValueError(f"must be one address of at most {URL_CHARACTERS_MAX} characters, without spaces")
    parts = _split(url)
    if parts.scheme != "https":
        raise ValueError("must be an https:// address")
    if "@" in parts.netloc:
        raise ValueError("must not hold a name or password")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(target):
        raise ValueError("must have other letters than those of English written as %xx")
    return Destination(_host(parts), _port(parts), target)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ValueError("must name a host, as in https://crm.example.com/lazo") from error


def _port(parts: SplitResult) -> int:
    try:
        port = HTTPS_PORT if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise ValueError("must have a port from 1 to 65535, or none")
    return port


def _host(parts: SplitResult) -> str:
    given = (parts.hostname or "").removesuffix(".")
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return _name(given)
    if not is_public(str(address)):
        raise ValueError(f"leads to {address}, which is no public address")
    return str(address)


def _name(given: str) -> str:
    try:
        name = given if given.isascii() else given.encode("idna").decode()
    except UnicodeError:
        name = ""
    if len(name) > 253 or not _HOST.fullmatch(name):
        raise ValueError("must name a host, as in https://crm.example.com/lazo")
    if name.rpartition(".")[2] in INSIDE:
        raise ValueError(f"names {name}, which is no public host")
    return name


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the public internet: nobody's loopback, network, link, group or metadata.

    >>> is_public("93.184.215.14"), is_public("169.254.169.254"), is_public("::ffff:93.184.215.14")
    (True, False, False)
    """
    ip: IPv4Address | IPv6Address
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False  # as a link-local address with its zone: fe80::1%eth0
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    if isinstance(ip, IPv4Address):
        return True
    return ip in GLOBAL_IPV6 and not any(ip in hiding for hiding in HIDING_IPV4)
