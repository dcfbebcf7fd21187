"""Reports of tests in a checkout: their dialects, what names the files, and hostile ones."""

from __future__ import annotations

import pytest

from runners.reports import MOST_SHOWN, read

PYTEST = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.07">
<testcase classname="tests.test_tax.TestSum" name="test_rounding" time="0.5">
<failure message="assert 1 == 2">def test_rounding():
&gt;       assert 1 == 2
E       assert 1 == 2

tests/test_tax.py:9: AssertionError</failure></testcase>
<testcase classname="tests.test_tax" name="test_zero[a-b]" time="0.25" />
<testcase classname="tests.test_tax" name="test_later" time="0.000"><skipped type="pytest.skip" message="no">x</skipped></testcase>
<testcase classname="tests.unit.test_io" name="test_io" time="1,000.5"><error message="fixture">boom</error></testcase>
</testsuite></testsuites>"""
JEST = """<testsuites name="jest tests" tests="2" failures="1" time="1.2">
  <testsuite name="sum" tests="2" time="1.1">
    <testcase classname="sum adds" name="sum adds" time="0.004" file="/home/node/app/src/sum.test.js"></testcase>
    <testcase classname="sum fails" name="sum fails" time="0.002" file="/home/node/app/src/sum.test.js">
      <failure>Error: expect(received).toBe(expected)</failure></testcase></testsuite></testsuites>"""
RSPEC = """<testsuite name="rspec" tests="1" time="0.1"><testcase classname="spec.tax_spec" name="Tax adds"
  file="./spec/tax_spec.rb" time="0.25"></testcase></testsuite>"""
SUREFIRE = """<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.shop.TaxTest" time="0.1" tests="2">
  <properties><property name="a" value="b"/></properties>
  <testcase name="adds" classname="com.shop.TaxTest" time="0.2"><flakyFailure message="once" type="X">trace</flakyFailure>
  </testcase><testcase name="subtracts" classname="com.shop.TaxTest" time="0.3"><error type="NPE"/><rerunError type="NPE"/>
  <system-out>words</system-out></testcase></testsuite>"""
GO = """<testsuites><testsuite tests="1" failures="1" time="0.5" name="shop/tax">
  <testcase classname="shop/tax" name="TestAdd" time="0.25"><failure message="Failed" type="">tax_test.go:9: 1</failure>
  </testcase></testsuite></testsuites>"""


@pytest.fixture
def write(tmp_path):
    def write(**files: str | bytes):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("0", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


def counts(found):
    return found.passed, found.failed, found.skipped


def test_pytest(write):
    root = write(junit0xml=PYTEST, tests__test_tax0py="", tests__unit__test_io0py="")
    found = read(root, ["*.xml"])
    assert (counts(found), found.seconds, found.notes) == ((1, 2, 1), 1001.25, ())
    assert found.seconds_of == {"tests/test_tax.py": 0.75, "tests/unit/test_io.py": 1000.5}
    failure, error = found.bad
    assert (failure.name, failure.file) == ("tests.test_tax.TestSum: test_rounding", "tests/test_tax.py")
    assert failure.message.splitlines()[:2] == ["assert 1 == 2", "def test_rounding():"]
    assert error.message == "fixture\nboom"


def test_jest_names_files_of_the_container_that_it_ran_in(write):
    found = read(write(web__out__junit0xml=JEST, src__sum0test0js=""), ["**/junit.xml"])
    assert (counts(found), found.seconds_of) == ((1, 1, 0), {"src/sum.test.js": 0.006})
    assert found.bad[0].message == "Error: expect(received).toBe(expected)"


def test_rspec(write):
    found = read(write(r0xml=RSPEC, spec__tax_spec0rb=""), ["r.xml"])
    assert (counts(found), found.seconds_of) == ((1, 0, 0), {"spec/tax_spec.rb": 0.25})


def test_a_file_may_be_named_from_the_folder_above_its_report(write):
    found = read(write(web__r0xml=RSPEC, web__spec__tax_spec0rb=""), ["web"])
    assert found.seconds_of == {"web/spec/tax_spec.rb": 0.25}


def test_surefire_goes_by_class_and_tells_of_what_passed_again(write):
    found = read(write(target__r0xml=SUREFIRE), ["target/*.xml"])
    assert (counts(found), found.seconds_of) == ((1, 1, 0), {"com.shop.TaxTest": 0.5})
    assert [(one.passed, one.is_flaky, one.message) for one in found.bad] == [
        (True, True, "once\ntrace"),
        (False, False, "NPE"),
    ]


def test_gotestsum(write):
    found = read(write(r0xml=GO), ["r.xml"])
    assert (counts(found), found.seconds_of) == ((0, 1, 0), {"shop/tax": 0.25})


def test_a_report_of_a_second_try_mends_the_first(write):
    passed = GO.replace('<failure message="Failed" type="">tax_test.go:9: 1</failure>', "")
    found = read(write(r10xml=GO, r20xml=passed), ["*.xml"])
    assert counts(found) == (1, 0, 0)
    assert [(one.is_flaky, one.passed) for one in found.bad] == [(True, True)]


def test_several_of_one_name_in_a_report_are_several(write):
    case = '<testcase name="a" time="1"/>'
    assert counts(read(write(r0xml=f"<testsuite>{case * 3}</testsuite>"), ["r.xml"])) == (3, 0, 0)


def test_patterns_that_overlap_count_once(write):
    assert counts(read(write(r0xml=RSPEC), ["r.xml", "*.xml"])) == (1, 0, 0)


def test_secrets_are_hidden(write):
    found = read(write(r0xml=GO), ["r.xml"], lambda text: text.replace("tax", "***"))
    assert "tax" not in repr((found.bad, found.seconds_of))


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'
ATTRIBUTES = f'<!DOCTYPE x [<!ATTLIST a b CDATA "{"x" * 100_000}">]><testsuite>{"<a/>" * 100_000}</testsuite>'


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (BOMB, "it has a DOCTYPE or entities"),
        (ATTRIBUTES, "it has a DOCTYPE or entities"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', "it has a DOCTYPE"),
        ("<html><body/></html>", "no report of tests"),
        ("<testsuite><testcase name='a'>", "no well-formed XML"),
        ("", "no well-formed XML"),
        (b"\xff\xfe\x00", "no well-formed XML"),
        ("<testsuite>" + "<a>" * 200_000, "deeper than"),
        ("<testsuite>" + "<a/>" * 1_100_000 + "</testsuite>", "more than 1000000 elements"),
        ('<?xml version="1.0" encoding="klingon"?><testsuite/>', ""),
        (b"<testsuite/>" + b" " * (20 << 20), "larger than 20 MiB"),
    ],
    ids=range(11),
)
def test_what_is_no_report_is_a_note(write, text, note):
    found = read(write(r0xml=text, z0xml=RSPEC), ["*.xml"])
    assert found.notes[0].startswith("Test report r.xml: ")
    assert note in found.notes[0]
    assert len(found.notes[0]) < 300
    if "elements" not in note:
        assert counts(found) == (1, 0, 0), "the others are read"


def test_what_is_too_much_is_cut(write):
    failure = f'<testcase name="{"n" * 3000}" time="-5"><failure message="{"m" * 20_000}">x</failure></testcase>'
    found = read(write(r0xml=f"<testsuite>{failure * 300}</testsuite>"), ["r.xml"])
    assert (counts(found), len(found.bad), found.seconds) == ((0, 300, 0), MOST_SHOWN, 0)
    assert max(len(one.name) for one in found.bad) == 500
    assert max(len(one.message) for one in found.bad) == 1000


def test_more_cases_than_are_counted(write):
    found = read(write(r0xml="<testsuite>" + '<testcase name="a"/>' * 60_000 + "</testsuite>"), ["r.xml"])
    assert (found.total, len(found.notes)) == (50_000, 1)


def test_links_are_not_followed(write, tmp_path):
    root = write(in__r0xml="")
    (tmp_path / "out.xml").write_text(RSPEC)
    (root / "in" / "link.xml").symlink_to(tmp_path / "out.xml")
    found = read(root / "in", ["link.xml"])
    assert (found.total, found.notes) == (0, ("Test reports link.xml: nothing matches.",))
