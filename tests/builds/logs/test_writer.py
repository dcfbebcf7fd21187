"""What is printed is what is read, in any chunking; the cap keeps head and tail and counts the rest exactly."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builds.logs import read
from builds.logs.store import LogTotals

pytestmark = pytest.mark.django_db(transaction=True)
relaxed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
output = st.lists(
    st.one_of(
        st.binary(max_size=60), st.sampled_from([b"\n", b"line\n", b"\r", b"\x00", b"\x1b[31m", "é".encode()[:1]])
    ),
    max_size=40,
)


def printed_lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return parts[:-1] if parts[-1] == b"" else parts


@relaxed
@given(output)
def test_any_bytes_in_any_chunking_come_back(make_step, print_log, chunks):
    step, data = make_step(), b"".join(chunks)
    totals = print_log(step, *chunks)
    assert b"".join(read.raw(step)) == data
    expected = printed_lines(data)
    assert totals == LogTotals(len(expected), len(data), 0, complete=True)
    assert [row.data for row in read.lines(step, 1, 1000).rows] == expected
