"""Addresses from outside are read in one way, and anything that hides where it leads is refused."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.urls import (
    MAX_ADDRESS,
    AddressRefused,
    bare_address,
    host_name,
    read_address,
    resolve_link,
    site_name,
    why_not_public,
)


@pytest.mark.parametrize(
    ("text", "whole", "host", "port"),
    [
        (" HTTPS://Paper.Example/feed ", "https://paper.example/feed", "paper.example", 443),
        ("http://paper.example:80", "http://paper.example/", "paper.example", 80),
        ("http://paper.example:8080/a?b=1&c#d", "http://paper.example:8080/a?b=1&c", "paper.example", 8080),
        ("http://bücher.example/ä b", "http://xn--bcher-kva.example/%C3%A4%20b", "xn--bcher-kva.example", 80),
        ("http://paper.example./x", "http://paper.example/x", "paper.example", 80),
        ("http://8.8.8.8/", "http://8.8.8.8/", "8.8.8.8", 80),
        ("http://[2606:4700:0::1]/", "http://[2606:4700::1]/", "2606:4700::1", 80),
        ("http://under_score.example/", "http://under_score.example/", "under_score.example", 80),
    ],
)
def test_addresses_are_read_once(text: str, whole: str, host: str, port: int) -> None:
    address = read_address(text)
    assert (address.text, address.host, address.port) == (whole, host, port)
    assert read_address(address.text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "paper.example",
        "ftp://paper.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http:///x",
        "http://",
        "http://user:secret@paper.example/",
        "http://user@paper.example/",
        "http://good.example\\@bad.example/",
        "http://paper.example/a\nb",
        "http://paper.example/\x00",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://127。0。0。1/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://[nonsense]/",
        "http://a b.example/",
        "http://-paper.example/",
        "http://paper..example/",
        "http://paper.example:0/",
        "http://paper.example:99999/",
        "http://paper.example:x/",
        "http://paper.example/" + "a" * MAX_ADDRESS,
    ],
)
def test_addresses_that_hide_or_mislead_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        read_address(text)
    assert str(caught.value).endswith(".")
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://", "http://[", "//", "http://a:b@"]))
def test_reading_any_text_gives_an_address_or_a_refusal(text: str, start: str) -> None:
    try:
        address = read_address(start + text)
    except AddressRefused:
        return
    assert address.text.isascii() and address.text.startswith(("http://", "https://"))
    assert 0 < address.port < 65536
    assert read_address(address.text) == address


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:8.8.8.8",
        "::ffff:127.0.0.1",
        "::8.8.8.8",
        "64:ff9b::808:808",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2620:4f:8000::1",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "fe80::1%eth0",
        "x",
    ],
)
def test_special_ranges_are_not_public(address: str) -> None:
    assert why_not_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.255.255",
        "198.20.0.1",
        "223.255.255.255",
        "2000::1",
        "2001:200::1",
        "2001:db9::1",
        "2003::1",
        "2606:4700::1111",
        "2620:4f:8001::1",
        "3ffe::1",
        "3fff:1000::1",
    ],
)
def test_the_neighbours_of_special_ranges_are_public(address: str) -> None:
    assert why_not_public(address) == ""


@given(st.ip_addresses(v=4))
def test_nothing_the_standard_library_calls_private_is_public(ip: ipaddress.IPv4Address) -> None:
    if ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local:
        assert why_not_public(str(ip))


@pytest.mark.parametrize(
    ("link", "whole"),
    [
        ("story", "https://paper.example/news/story"),
        ("/a?b=1&c=2", "https://paper.example/a?b=1&c=2"),
        ("//other.example/x", "https://other.example/x"),
        ("https://other.example/x#part", "https://other.example/x#part"),
        (" https://other.example/\n x ", "https://other.example/%20x"),
        ("#part", "https://paper.example/news/page#part"),
        ("javascript:alert(1)", ""),
        ("JaVa\tScript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("mailto:a@b.example", ""),
        ("http://[bad", ""),
        ("", ""),
        ('https://other.example/x#"><script>', "https://other.example/x"),
    ],
)
def test_links_are_made_absolute_or_nothing(link: str, whole: str) -> None:
    assert resolve_link("https://paper.example/news/page", link) == whole


@given(st.text(max_size=80))
def test_resolving_never_fails(link: str) -> None:
    whole = resolve_link("https://paper.example/", link)
    assert whole == "" or whole.startswith(("http://", "https://"))


@pytest.mark.parametrize("text", ["https://paper.example/" + "ü" * 700, "http://[fe80::1%25eth0]/feed"])
def test_an_address_that_grows_too_long_or_names_a_zone_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        read_address(text)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (" https://WWW.Alder.example:8443/a?b ", "www.alder.example"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("newsletter:k3j9", ""),
        ("http://[broken/", ""),
        (f"http://{'a' * 300}/", "a" * 253),
    ],
)
def test_the_host_of_any_text(address: str, host: str) -> None:
    assert host_name(address) == host
    assert site_name(address) == host.removeprefix("www.")


@pytest.mark.parametrize(
    "address",
    [
        "https://www.alder.example/mill/?b=2&utm_source=feed&a=1#top",
        "http://alder.example/mill?a=1&b=2&fbclid=xyz&ref=rss",
        " https://ALDER.example:443/mill?a=1&b=2",
    ],
)
def test_addresses_of_one_page_are_one_however_they_are_followed(address):
    assert bare_address(address) == "alder.example/mill?a=1&b=2"


@pytest.mark.parametrize(
    "address", ["", "https://alder.example/", "https://alder.example/?utm_medium=x", "ftp://a.b/c", "https://[/x"]
)
def test_a_front_page_and_what_is_no_address_lead_to_no_page(address):
    assert bare_address(address) == ""


def test_what_chooses_the_page_is_kept():
    assert (
        bare_address("https://alder.example/?p=12")
        == "alder.example?p=12"
        != bare_address("https://alder.example/?p=13")
    )
