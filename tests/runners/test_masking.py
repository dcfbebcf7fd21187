"""Secrets in a stream: any secrets, any cut, compared with an oracle that sees the whole text at once."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.errors import SpecError
from runners.masking import LEAST_LENGTH, MARK, Masker, needles_of

# Few letters, so that secrets overlap, repeat and contain each other.
narrow = st.text(alphabet="ab\n", min_size=1, max_size=9)
wide = st.text(min_size=1, max_size=12)


def in_pieces(masker: Masker, data: bytes, cuts: list[int]) -> bytes:
    out, last = [], 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        out.append(masker.feed(data[last:cut]))
        last = cut
    return b"".join([*out, masker.flush()])


def oracle(needles: frozenset[bytes], data: bytes) -> bytes:
    """Mark every byte of every hit, then write each stretch of hits that overlap as one mark."""
    spans = sorted(
        (start, start + len(needle))
        for needle in needles
        for start in range(len(data))
        if data.startswith(needle, start)
    )
    out, done = b"", 0
    for start, end in spans:
        if start >= done:
            out += data[done:start] + MARK
        done = max(done, end)
    return out + data[done:]


@settings(max_examples=400, deadline=None)
@given(
    secrets=st.lists(narrow, max_size=4),
    data=st.text(alphabet="ab\n", max_size=60).map(str.encode),
    cuts=st.lists(st.integers(0, 100), max_size=12),
)
def test_any_cut_of_a_narrow_stream_is_masked_as_the_whole(secrets, data, cuts):
    assert in_pieces(Masker(secrets), data, cuts) == oracle(needles_of(secrets), data)


@settings(max_examples=200, deadline=None)
@given(secrets=st.lists(wide, min_size=1, max_size=4), data=st.data())
def test_any_cut_of_a_stream_that_holds_the_secrets_is_masked_as_the_whole(secrets, data):
    needles = needles_of(secrets)
    pieces = st.one_of(st.sampled_from(sorted(needles) or [b"-"]), st.binary(max_size=6))
    stream = b"".join(data.draw(st.lists(pieces, max_size=8)))
    cuts = data.draw(st.lists(st.integers(0, 300), max_size=12))

    shown = in_pieces(Masker(secrets), stream, cuts)

    assert shown == oracle(needles, stream)


def test_every_single_place_to_cut():
    secret = "a long secret with\ntwo lines in it"
    data = b"before " + secret.encode() + b" after"

    for cut in range(len(data) + 1):
        assert in_pieces(Masker([secret]), data, [cut]) == b"before [hidden] after"


def test_byte_by_byte():
    data = b"xx s3cret-value yy s3cret-valu"

    assert in_pieces(Masker(["s3cret-value"]), data, list(range(len(data)))) == b"xx [hidden] yy s3cret-valu"


def test_what_cannot_begin_a_secret_is_shown_at_once():
    masker = Masker(["hunter2-hunter2"])

    assert masker.feed(b"Continue? [y/N] ") == b"Continue? [y/N] "
    assert masker.feed(b"hunt") == b""
    assert masker.feed(b"ing") == b"hunting"


def test_without_secrets_the_bytes_pass_untouched():
    data = bytes(range(256))
    masker = Masker([])

    assert masker.feed(data) is data
    assert masker.flush() == b""


@pytest.mark.parametrize("secret", ["", "a", "abc", "  \n  ", "ab \n"])
def test_values_too_short_to_hide_are_left_alone(secret):
    assert len(secret.strip()) < LEAST_LENGTH
    assert Masker([secret]).whole(f"x{secret}x") == f"x{secret}x"


def test_each_line_of_a_secret_is_hidden():
    key = "-----BEGIN KEY-----\nAbCdEfGh\nab\nIjKlMnOp\n-----END KEY-----\n"

    assert (
        Masker([key]).whole("first: AbCdEfGh, last: IjKlMnOp, short: ab")
        == "first: [hidden], last: [hidden], short: ab"
    )
    assert Masker([key]).whole(key.replace("\n", "\r\n")).count("[hidden]") >= 1
    assert "IjKl" not in Masker([key]).whole(key.replace("\n", "\r\n"))


@pytest.mark.parametrize("before", ["", "x", "xy", "user:", "https://user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_hidden_at_every_alignment(before, encode):
    secret = "Pa55w\xf6rd>?~~~~"
    text = encode(f"{before}{secret}:after".encode()).decode()

    shown = Masker([secret]).whole(f"Authorization: Basic {text}")

    assert "[hidden]" in shown
    # What is left of it decodes to less than one group beside the secret.
    assert all(encode(secret.encode())[i : i + 8].decode() not in shown for i in range(0, 12, 4))


def test_base64_with_wrapped_lines_is_hidden():
    secret = "".join(chr(33 + i * 7 % 90) for i in range(200))
    wrapped = subprocess.run(["base64"], input=secret.encode() + b"\n", capture_output=True, check=True).stdout

    shown = Masker([secret]).whole(wrapped.decode())

    assert len(shown.replace("[hidden]", "").strip()) < 8


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: quote(text, safe=""),
        quote,
        quote_plus,
        lambda text: re.sub("%..", lambda code: code.group().lower(), quote(text, safe="")),
        lambda text: json.dumps(text),
        lambda text: json.dumps({"password": text}, ensure_ascii=False),
        repr,
        shlex.quote,
        lambda text: text.replace("'", "'\\''"),
    ],
)
def test_quoted_forms_are_hidden(encode):
    secret = "top s3cret/é'\"\\&+%$"

    assert "s3cret" not in Masker([secret]).whole(f"<{encode(secret)}>")


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_what_a_shell_prints_when_it_traces_is_hidden(shell):
    secret = 'it\'s a $ecret\nof "two" lines'
    done = subprocess.run(
        [shell, "-x", "-c", 'true "$S"'], env={"S": secret}, capture_output=True, text=True, check=True
    )

    shown = Masker([secret]).whole(done.stderr)

    assert "ecret" not in shown
    assert "two" not in shown


def test_bash_quoting_by_percent_q_is_hidden():
    secret = "it is $a & 'secret'"
    done = subprocess.run(
        ["bash", "-c", 'printf %q "$S"'], env={"S": secret}, capture_output=True, text=True, check=True
    )

    assert "secret" not in Masker([secret]).whole(done.stdout)


def test_a_large_secret_is_hidden_however_it_comes():
    secret = "".join(chr(48 + i * i % 75) for i in range(16_384))
    data = b"<" + secret.encode() + b">"

    assert in_pieces(Masker([secret]), data, list(range(0, len(data), 700))) == b"<[hidden]>"


def test_overlapping_secrets_are_hidden_under_one_mark():
    assert Masker(["abcdXY", "XYefgh"]).whole("<abcdXYefgh>") == "<[hidden]>"


def test_a_secret_inside_another_does_not_spoil_it():
    assert Masker(["secret", "my-secret-value"]).whole("<my-secret-value> <secret>") == "<[hidden]> <[hidden]>"


def test_invalid_utf8_and_nul_are_data():
    data = b"\xff\xfe\x00 s3cret-value \x80"

    assert in_pieces(Masker(["s3cret-value"]), data, [5]) == b"\xff\xfe\x00 [hidden] \x80"


def test_streams_that_share_a_mask_do_not_mix():
    mask = Masker(["s3cret-value"])
    one, other = mask.anew(), mask.anew()

    assert one.feed(b"s3cret-") == b""
    assert other.feed(b"value") == b"value"
    assert one.whole("value, s3cret-value") == "value, [hidden]"
    assert one.anew().flush() == b""
    assert one.feed(b"value") == MARK


def test_two_streams_do_not_mix():
    one, other = Masker(["s3cret-value"]), Masker(["s3cret-value"])

    assert one.feed(b"s3cret-") == b""
    assert other.feed(b"value") == b"value"
    assert one.feed(b"value") == MARK


@settings(max_examples=200, deadline=None)
@given(
    before=st.lists(narrow, max_size=2),
    later=st.lists(narrow, max_size=2),
    data=st.text(alphabet="ab\n", max_size=40).map(str.encode),
    cut=st.integers(0, 40),
)
def test_what_is_learned_in_the_midst_of_a_stream_is_hidden_from_there_on(before, later, data, cut):
    masker = Masker(before)
    shown = masker.feed(data[:cut])
    masker.learn(later)

    rest = masker.feed(data[cut:]) + masker.flush()

    if MARK not in shown:  # else a mark may reach over the cut
        assert rest == oracle(needles_of([*before, *later]), data[len(shown) :])


def test_all_streams_of_a_mask_learn_what_one_is_told():
    mask = Masker([])
    running = mask.anew()
    assert running.feed(b"new-token ") == b"new-token "

    mask.learn(["new-token"])

    assert running.feed(b"new-to") == b""
    assert running.feed(b"ken ") == MARK + b" "
    assert mask.anew().whole("new-token") == MARK.decode()


@pytest.mark.parametrize(
    "secrets", [[f"value-{number:06}-{number * 7919:09}" for number in range(6000)], ["x" * 10**6]]
)
def test_more_than_can_be_hidden_is_refused_and_what_was_known_stays(secrets):
    mask = Masker(["hunter2-hunter2"])

    with pytest.raises(SpecError, match="more secret values than its log can hide"):
        mask.learn(secrets)

    assert mask.whole("hunter2-hunter2") == MARK.decode()
