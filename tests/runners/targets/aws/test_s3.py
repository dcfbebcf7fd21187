"""A bucket of moto's gets a site: what changed, in an order that readers do not notice, nothing from outside."""

from __future__ import annotations

import pytest

from runners.targets.aws import client
from runners.targets.contract import TargetError
from runners.targets.s3 import target as s3_target
from runners.targets.s3.etags import PART_BYTES
from runners.targets.s3.settings import Settings
from runners.targets.s3.target import deliver, running
from tests.runners.targets.aws.conftest import REGION, Place, s3_refusal
from tests.runners.targets.contract import TargetContract
from tests.runners.targets.releases import PROJECT, Log, lay, release

SITE = {"public/index.html": "<h1>12</h1>", "public/app.js": "let a = 1", "public/img/a.webp": "x", "README": "no"}


@pytest.fixture
def s3(aws):
    client = aws.client("s3")
    client.create_bucket(Bucket="shop-web", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.calls.clear()
    return client


@pytest.fixture
def bring(aws, s3, tmp_path):
    """Lay these files out and deliver them as a release; gives the log."""

    def bring(number=12, files=SITE, fields=None, **settings) -> Log:
        folder = lay(tmp_path / str(number), files)
        log = Log()
        deliver(
            bring.settings(**settings),
            release(folder, number, values=aws.values, **(fields or {})),
            log,
        )
        return log

    def of(**settings) -> Settings:
        known = {"local_path": "public", "s3_bucket": "shop-web/www", "region": REGION, "endpoint_url": aws.url}
        return Settings(**{**known, **settings})

    bring.settings = of
    return bring


def keys(s3) -> set[str]:
    return {one["Key"] for one in s3.list_objects_v2(Bucket="shop-web").get("Contents", [])}


def sent(aws) -> list[str]:
    """Paths of the objects that were put, but for the one that tells the release."""
    puts = [call.request.path for call in aws.calls if call.request.method == "PUT"]
    return [path.removeprefix("/shop-web/www/") for path in puts if not path.endswith(".ciservice-release")]


def test_a_folder_is_laid_into_the_bucket(aws, s3, bring):
    bring(cache_control={"*.html": "no-cache", "**": "max-age=31536000"}, acl="public-read")
    assert keys(s3) == {"www/index.html", "www/app.js", "www/img/a.webp", "www/.ciservice-release"}
    page = s3.get_object(Bucket="shop-web", Key="www/index.html")
    assert (page["Body"].read(), page["ContentType"], page["CacheControl"]) == (b"<h1>12</h1>", "text/html", "no-cache")
    picture = s3.head_object(Bucket="shop-web", Key="www/img/a.webp")
    assert (picture["ContentType"], picture["CacheControl"]) == ("image/webp", "max-age=31536000")
    grants = s3.get_object_acl(Bucket="shop-web", Key="www/app.js")["Grants"]
    assert any("AllUsers" in grant["Grantee"].get("URI", "") for grant in grants)
    assert sent(aws)[-1] == "index.html", "a page goes after what it names"


def test_it_is_signed_with_the_projects_key_alone(aws, s3, bring, monkeypatch, tmp_path):
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = RUNNER\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "RUNNERENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    bring()
    assert {call.scope for call in aws.calls} == {(aws.values["AWS_ACCESS_KEY_ID"], REGION, "s3")}
    aws.values, kept = {}, aws.values
    try:
        with pytest.raises(TargetError, match="no secret AWS_ACCESS_KEY_ID"):
            bring()
    finally:
        aws.values = kept


def test_no_address_of_the_machines_own_is_asked(aws, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    settings = Settings(s3_bucket="shop-web", region=REGION)
    made = client("s3", settings, release(tmp_path, values=aws.values))
    assert made.meta.endpoint_url == f"https://s3.{REGION}.amazonaws.com"


def test_keys_of_the_settings_come_first_and_bring_no_token_of_others(aws, s3, bring, tmp_path):
    values = {**aws.values, "AWS_SESSION_TOKEN": "of the other key"}
    settings = bring.settings(aws_access_key_id="AKIAOWN", aws_secret_access_key="x")
    deliver(settings, release(lay(tmp_path / "c", SITE), values=values), Log())
    assert {call.scope[0] for call in aws.calls} == {"AKIAOWN"}
    assert not any("X-Amz-Security-Token" in call.request.headers for call in aws.calls)
    deliver(bring.settings(), release(lay(tmp_path / "c", SITE), 13, values=values), Log())
    assert aws.calls[-1].request.headers["X-Amz-Security-Token"] == "of the other key"


def test_twice_is_once(aws, s3, bring):
    bring()
    aws.calls.clear()
    assert "already" in bring().text
    assert {call.request.method for call in aws.calls} == {"GET"}


def test_only_what_changed_is_sent_and_removed_where_wished(aws, s3, bring):
    bring()
    aws.calls.clear()
    less = {**SITE, "public/index.html": "<h1>13</h1>"}
    del less["public/app.js"]
    bring(13, less)
    assert sent(aws) == ["index.html"]
    assert "www/app.js" in keys(s3)
    s3.put_object(Bucket="shop-web", Key="other/app.js", Body=b"")
    bring(14, less, delete=True)
    assert keys(s3) == {"www/index.html", "www/img/a.webp", "www/.ciservice-release", "other/app.js"}


def test_new_headers_are_sent_though_no_byte_changed(aws, s3, bring):
    bring()
    aws.calls.clear()
    bring(13, cache_control="no-store")
    assert sorted(sent(aws)) == ["app.js", "img/a.webp", "index.html"]
    assert s3.head_object(Bucket="shop-web", Key="www/app.js")["CacheControl"] == "no-store"


def test_a_large_file_goes_in_parts_and_is_known_again(aws, s3, bring, tmp_path):
    lay(tmp_path / "12", SITE)
    with open(tmp_path / "12/public/film", "wb") as film:
        film.truncate(PART_BYTES + 5)
    bring()
    assert s3.head_object(Bucket="shop-web", Key="www/film")["ETag"].endswith('-2"')
    aws.calls.clear()
    bring()
    assert not sent(aws)


def test_a_single_file_is_sent_as_well(aws, s3, bring):
    bring(local_path="public/app.js")
    assert keys(s3) == {"www/app.js", "www/.ciservice-release"}


def test_nothing_from_outside_of_the_checkout_is_sent(aws, s3, bring, tmp_path):
    folder = lay(tmp_path / "12", SITE)
    (folder / "public/passwords").symlink_to("/etc/passwd")
    (folder / "public/up").symlink_to("../README")
    (folder / "public/inside.js").symlink_to("img/../app.js")
    (folder / "public/latest.js").symlink_to("app.js")
    log = bring()
    assert s3.get_object(Bucket="shop-web", Key="www/latest.js")["Body"].read() == b"let a = 1"
    assert not {"www/passwords", "www/up"} & keys(s3)
    assert "left out" in log.text
    assert "passwords" in log.text
    (folder / "all").symlink_to("/etc")
    for path in ("all", "../..", "/etc", "public/../.."):
        with pytest.raises(TargetError, match=r"no files|no folder of the checkout"):
            bring(local_path=path)


def test_what_runs_is_what_the_small_object_tells(aws, s3, bring, tmp_path):
    at = release(tmp_path, 12, values=aws.values)
    assert running(bring.settings(), at, Log()) == frozenset()
    bring(12)
    assert running(bring.settings(), at, Log()) == {"12"}
    stranger = release(tmp_path, 12, values=aws.values, project="f" * 8 + PROJECT[8:])
    assert running(bring.settings(), stranger, Log()) == frozenset()


def test_a_release_that_was_cut_short_counts_beside_the_one_before(aws, s3, bring, tmp_path):
    bring(12)
    aws.on("PUT /shop-web/www/index.html", lambda call: s3_refusal("AccessDenied", "Access Denied"))
    with pytest.raises(TargetError, match=r"does not let this key.*PutObject"):
        bring(13, {**SITE, "public/index.html": "13"})
    assert running(bring.settings(), release(tmp_path, 13, values=aws.values), Log()) == {"12", "13"}
    aws.on("PUT /shop-web/www/index.html", lambda call: None)
    bring(13, {**SITE, "public/index.html": "13"})
    assert running(bring.settings(), release(tmp_path, 13, values=aws.values), Log()) == {"13"}


def test_back_to_the_release_before(aws, s3, bring, tmp_path):
    bring(12)
    bring(13, {**SITE, "public/index.html": "13"})
    aws.calls.clear()
    bring(12, fields={"is_rollback": True})
    assert sent(aws) == ["index.html"]
    assert running(bring.settings(), release(tmp_path, 12, values=aws.values), Log()) == {"12"}


def test_a_checkout_does_not_tell_which_release_it_is(aws, s3, bring, tmp_path):
    forged = f'{{"project": "{PROJECT}", "releases": ["99"]}}'
    bring(12, {**SITE, "public/.ciservice-release": forged})
    assert running(bring.settings(), release(tmp_path, 12, values=aws.values), Log()) == {"12"}
    assert len([path for path in aws.names() if path == "PUT /shop-web/www/.ciservice-release"]) == 2


def test_a_share_is_refused_before_anything_is_sent(aws, s3, bring):
    with pytest.raises(TargetError, match=r"S3 cannot bring a release to 10 %.*bucket of its own"):
        bring(fields={"percent": 10.0})
    assert not aws.calls


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (s3_refusal("InvalidAccessKeyId", "The key does not exist"), "does not accept the key"),
        (s3_refusal("SignatureDoesNotMatch", "No"), "does not accept the key"),
        (s3_refusal("ExpiredToken", "The token has expired", 400), "does not accept the key"),
        (s3_refusal("AccessDenied", "Access Denied"), "does not let this key"),
        (s3_refusal("RequestTimeTooSkewed", "Too large"), "clock"),
        (
            s3_refusal("NoSuchBucket", "The specified bucket does not exist", 404),
            r"bucket does not exist \(NoSuchBucket\)",
        ),
        (s3_refusal("SlowDown", "Please reduce your request rate", 503), "asked too often"),
        (s3_refusal("InternalError", "We encountered an internal error", 500), "fault of its own"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusals_are_said_in_words(aws, s3, bring, answer, said):
    aws.on("*", lambda call: answer)
    with pytest.raises(TargetError, match=said) as caught:
        bring()
    assert aws.values["AWS_SECRET_ACCESS_KEY"] not in str(caught.value)


def test_throttling_that_passes_is_waited_out(aws, s3, bring):
    refused = []

    def sometimes(call):
        if len(refused) < 2:
            refused.append(call)
            return s3_refusal("SlowDown", "Please reduce your request rate", 503)
        return None

    aws.on("*", sometimes)
    bring()
    assert "www/index.html" in keys(s3)


def test_nobody_there_is_said_in_time(s3, bring):
    with pytest.raises(TargetError, match="gives no answer"):
        bring(endpoint_url="http://127.0.0.1:9")


def test_a_region_is_needed(s3, bring):
    with pytest.raises(TargetError, match="Give `region`"):
        bring(region="")
    with pytest.raises(TargetError, match="look at `region` and `endpoint_url`"):
        bring(region="eu central/1")


class _Site(Place):
    def serving(self) -> dict[str, float]:
        s3 = self.aws.client("s3")
        page = "www/index.html"
        if page not in keys(s3):
            return {}
        return {s3.get_object(Bucket="shop-web", Key=page)["Body"].read().decode(): 1.0}


class TestContract(TargetContract):
    has_shares = False
    keeps_releases = False

    @pytest.fixture
    def place(self, aws, s3, bring, tmp_path):
        return _Site(aws, s3_target, lambda **fields: bring.settings(**{"local_path": ".", **fields}), tmp_path)
