"""Nobody makes us post into our own network, however the address is written."""

import pytest

from chalicelib.domain.destination import Destination, destination, is_public

HOSTILE = [
    "",
    "https://",
    "https:///path",
    "http://crm.example.com/",
    "ftp://crm.example.com/",
    "file:///etc/passwd",
    "gopher://crm.example.com:25/_MAIL",
    "//crm.example.com/",
    "HTTPS//crm.example.com",
    "https://user:word@crm.example.com/",
    "https://crm.example.com@127.0.0.1/",
    "https://crm.example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.crm.example.com/",
    "https://crm.example.com/ a",
    "https://crm.example.com/\r\nHost: inside",
    "https://crm.example.com/\tx",
    "https://crm.example.com/ñ",
    "https://crm.example.com/?q=💥",
    "https://crm.example.com:0/",
    "https://crm.example.com:65536/",
    "https://crm.example.com:http/",
    "https://crm.example.com:-1/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://intranet/",
    "https://crm/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://printer.local/",
    "https://gateway.lan/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://1.2.3.0x7f/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/v2/credentials",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:93.184.215.14]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://[::1/",
    "https://::1/",
    "https://-crm.example.com/",
    "https://crm-.example.com/",
    "https://crm..example.com/",
    "https://crm_inside.example.com/",
    "https://crm.example.com%2f127.0.0.1/",
    "https://%31%32%37.0.0.1/",
    f"https://{'a' * 64}.example.com/",
    f"https://{'a.' * 130}com/",
    f"https://crm.example.com/{'a' * 2000}",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_what_leads_inside_or_nowhere_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|leads|names) "):
        destination(url)


@pytest.mark.parametrize(
    ("url", "wanted", "authority"),
    [
        ("https://crm.example.com", Destination("crm.example.com", 443, "/"), "crm.example.com"),
        ("https://CRM.Example.com:443/a?b=c&d", Destination("crm.example.com", 443, "/a?b=c&d"), "crm.example.com"),
        ("https://crm.example.com:8443/#here", Destination("crm.example.com", 8443, "/"), "crm.example.com:8443"),
        ("https://crm.example.com./x", Destination("crm.example.com", 443, "/x"), "crm.example.com"),
        ("https://peña.example/x", Destination("xn--pea-8ma.example", 443, "/x"), "xn--pea-8ma.example"),
        ("https://93.184.215.14/", Destination("93.184.215.14", 443, "/"), "93.184.215.14"),
        ("https://[2606:4700::1111]:1/", Destination("2606:4700::1111", 1, "/"), "[2606:4700::1111]:1"),
    ],
)
def test_a_public_address_says_where_it_leads(url: str, wanted: Destination, authority: str) -> None:
    assert destination(url) == wanted
    assert destination(url).authority == authority


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("172.15.255.255", True),
        ("172.16.0.0", False),
        ("172.31.255.255", False),
        ("172.32.0.0", True),
        ("100.63.255.255", True),
        ("100.64.0.0", False),
        ("100.127.255.255", False),
        ("100.128.0.0", True),
        ("169.253.255.255", True),
        ("169.254.0.0", False),
        ("223.255.255.255", True),
        ("224.0.0.0", False),
        ("239.255.255.255", False),
        ("2606:4700::1111", True),
        ("fe80::1%eth0", False),
        ("64:ff9b::5db8:d70e", False),
        ("::ffff:93.184.215.14", False),
        ("not an address", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
