"""No line that a stranger prints becomes anything but text, colours and links; a terminal's reader sees the same words."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builds.logs.ansi import render

ALLOWED = {"span": {"class"}, "a": {"href", "target", "rel"}}


class Page(HTMLParser):
    """Reads HTML as a browser does: the text people see, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def handle_decl(self, decl):
        raise AssertionError("a declaration")

    def handle_pi(self, data):
        raise AssertionError("a processing instruction")


def page(line: bytes) -> Page:
    read = Page(render(line))
    assert not read.open, "every tag is closed"
    for tag, attributes in read.tags:
        assert set(attributes) <= ALLOWED[tag]
        if tag == "a":
            assert attributes["href"].startswith(("http://", "https://"))
            assert attributes["rel"] == "noopener noreferrer nofollow"
    return read


def classes(line: bytes) -> list[str]:
    return [attributes["class"] for tag, attributes in page(line).tags if tag == "span"]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
        (b"\x1b[31m<img src=x onerror=alert(1)>\x1b[0m", "<img src=x onerror=alert(1)>"),
        (b"a\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07b", "aclickb"),
        (b"a\x1b]8;;javascript:alert(1)\x1b\\click\x1b]8;;\x1b\\", "aclick"),
        (b"\x1b]0;title\x07x", "x"),
        (b"\x1b]52;c;cm0gLXJmIC8=\x07x", "x"),
        (b"\x1bP1;2|payload\x1b\\x", "x"),
        (b"\x1b_apc\x1b\\\x1b^pm\x1b\\x", "x"),
        (b"\x1b[2J\x1b[H\x1b[?25lx\x1b[?1049h\x1b[6n\x1b[5;3Hy", "xy"),
        (b"\x1b(B\x1b)0\x1b=\x1b>\x1b7\x1b8x", "x"),
        (b"\x1b[31", "31"),
        (b"\x1b", ""),
        (b"\x1b[", ""),
        (b"\x1b]unterminated", "unterminated"),
        (b"\x1b[" + b"1;" * 200 + b"mx", "1;" * 200 + "mx"),
        (b"&lt;b&gt; &amp;", "&lt;b&gt; &amp;"),
        (b"\"'><svg/onload=alert(1)>", "\"'><svg/onload=alert(1)>"),
        (b"<!-- --><![CDATA[x]]><?php ?>", "<!-- --><![CDATA[x]]><?php ?>"),
        (b"nul\x00bell\x07", "nul␀bell␇"),
        (b"\x7f", "␡"),
        ("\u202eevil\u2066x\u200f".encode(), "<U+202E>evil<U+2066>x<U+200F>"),
        ("\u2028\u2029\ufeff".encode(), "<U+2028><U+2029><U+FEFF>"),
        (b"\xff\xfeok\xc3", "\ufffd\ufffdok\ufffd"),
        ("\x9b31mx".encode(), "<U+009B>31mx"),
        (b"tab\tstays", "tab\tstays"),
        (b"windows\r", "windows"),
        (b"10%\r20%\r30%", "30%"),
        (b"long text\rshort", "shorttext"),
        (b"long text\r\x1b[Kshort", "short"),
        (b"\x1b[2K\x1b[1Gfirst\x1b[2K\x1b[1Gsecond", "second"),
        (b"abc\b\bX", "aXc"),
        (b"\b\b\bx", "x"),
        (b"abcdef\x1b[3GX", "abXdef"),
        (b"ab\x1b[99999999GX", "Xb"),
        (b"", ""),
    ],
)
def test_people_see_the_words_and_nothing_else(line, text):
    assert page(line).text == text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"\x1b[31mred", ["c1"]),
        (b"\x1b[91mbright\x1b[39mplain", ["c9"]),
        (b"\x1b[1;3;4;9;2mx", ["ansi-bold ansi-dim ansi-italic ansi-strike ansi-underline"]),
        (b"\x1b[1m\x1b[22mx", []),
        (b"\x1b[38;5;208mx", ["c208"]),
        (b"\x1b[38;2;255;0;0mx", ["c196"]),
        (b"\x1b[38:2:255:0:0mx", ["c196"]),
        (b"\x1b[48;5;999mx", ["b255"]),
        (b"\x1b[30;47mx", ["c16 b7"]),
        (b"\x1b[7mx", ["ansi-inverse"]),
        (b"\x1b[31;7mx", ["c231 b1"]),
        (b"\x1b[31mred\x1b[mplain", ["c1"]),
        (b"\x1b[38;5mx", []),
        (b"\x1b[38mx", []),
        (b"\x1b[999mx\x1b[;;mx", []),
        (b"\x1b[31ma\rb", ["c1"]),
    ],
)
def test_colours_are_classes(line, expected):
    assert classes(line) == expected


@pytest.mark.parametrize(
    ("line", "href"),
    [
        (b"see https://example.com/a?b=1&c=2.", "https://example.com/a?b=1&c=2"),
        (b"(http://example.com/x_(y))", "http://example.com/x_(y)"),
        (b'"https://example.com/"onmouseover=alert(1)', "https://example.com/"),
        (b"<https://example.com/<script>", "https://example.com/"),
        (b"https://exam\x1b[31mple.com/\x1b[0m", "https://example.com/"),
        ("https://example.com/\u202egpj.exe".encode(), "https://example.com/"),
    ],
)
def test_addresses_become_links(line, href):
    assert [attributes["href"] for tag, attributes in page(line).tags if tag == "a"] == [href]


@pytest.mark.parametrize("line", [b"javascript:alert(1)", b"data:text/html,x", b"https:// x", b"ftp://x/y", b"HTTPS"])
def test_other_addresses_do_not(line):
    assert all(tag != "a" for tag, _ in page(line).tags)


PIECES = [
    b"\x1b[",
    b"\x1b]8;;",
    b"\x07",
    b"\x1b\\",
    b"31m",
    b"38;5;",
    b"https://",
    b"<",
    b">",
    b'"',
    b"&",
    b"\r",
    b"\b",
    b"\x1b[K",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=25))
def test_whatever_comes_only_spans_and_links_go(pieces):
    page(b"".join(pieces))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cf", "Zl", "Zp", "Cs"))))
def test_plain_text_is_itself(text):
    assert page(text.encode()).text == text


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "line",
    [b"\x1b[" * 500_000, b"\x1b]" * 500_000, b"\x1b[" + b"0" * 1_000_000, b"ab\r" * 330_000, b"http://a" + b")" * 1_000_000,
     b"x" * 500_000 + b"\x1b[2Kx" * 100_000, b"\x1b[31mx" * 160_000, b"https://" * 125_000, b"x\b" * 500_000],
)  # fmt: skip
def test_a_megabyte_of_malice_takes_linear_time(line):
    assert isinstance(render(line), str)
