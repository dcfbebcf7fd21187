"""An app of the stand-in's gets releases: built, released, run, looked at, gone back to."""

from __future__ import annotations

import datetime
import io
import tarfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from runners.targets.contract import TargetError
from runners.targets.heroku import target
from runners.targets.heroku.settings import Settings
from runners.targets.heroku.target import deliver, running
from tests.runners.targets.contract import TargetContract
from tests.runners.targets.heroku.standin import Heroku, Rendezvous
from tests.runners.targets.releases import Log, lay, release

FILES = {"Procfile": "web: python app.py", "web/index.html": "12"}


@pytest.fixture
def heroku():
    heroku = Heroku()
    yield heroku
    heroku.stop()


@pytest.fixture
def settings(heroku):
    return lambda **fields: Settings(**{"name": "shop", "api_url": heroku.url, **fields})


@pytest.fixture
def at(heroku, tmp_path):
    """Release `number`, with the right key."""

    def at(number=12, **fields):
        known = {"values": {"HEROKU_API_KEY": heroku.key}, "allowed_hosts": ("localhost",)}
        return release(lay(tmp_path / str(number), FILES), number, **{**known, **fields})

    return at


@pytest.fixture
def bring(settings, at):
    def bring(number=12, fields=None, **its) -> Log:
        log = Log()
        deliver(settings(**its), at(number, **(fields or {})), log)
        return log

    return bring


def test_a_release_is_built_of_its_sources_and_released(heroku, bring):
    log = bring()
    (build,) = heroku.builds
    assert build["source_blob"]["version"] == f"{12:040x}"
    assert build["source_blob"]["version_description"].startswith("release-12-")
    assert heroku.files() == {"Procfile", "web/index.html"}
    assert [one["status"] for one in heroku.releases] == ["succeeded"]
    assert "-----> Building" in log
    assert "-----> Done: é" in log, "a sign of life is no text, and a letter may come in two pieces"
    assert "v1 is released" in log


def test_a_folder_of_the_checkout_may_be_the_app(heroku, bring):
    bring(folder="web")
    assert heroku.files() == {"index.html"}


def test_twice_is_once(heroku, bring):
    bring()
    assert "already" in bring().text
    assert (len(heroku.builds), len(heroku.releases)) == (1, 1)


def test_a_build_that_is_under_way_is_followed(heroku, bring):
    heroku.build_ends = "pending"
    with pytest.raises(TargetError, match=r"build did not end within 1s"):
        bring(within="1s")
    heroku.build_ends = "succeeded"
    bring()
    assert len(heroku.builds) == 1


def test_a_release_phase_that_is_under_way_is_followed(heroku, bring):
    heroku.release_ends = "pending"
    with pytest.raises(TargetError, match=r"release phase did not end within 1s"):
        bring(within="1s")
    heroku.releases[0]["current"] = False
    heroku.release_ends = "succeeded"
    assert "on its way already" in bring().text
    assert len(heroku.releases) == 1


def test_what_is_built_but_not_live_is_released_without_a_build(heroku, bring):
    bring(12)
    bring(13)
    bring(12)
    assert len(heroku.builds) == 2
    assert heroku.releases[-1]["slug"] == heroku.releases[0]["slug"]
    assert set(heroku.asked("POST", "/apps/shop/releases")[-1]) == {"slug", "description"}


def test_a_rollback_is_herokus_own(heroku, bring, settings, at):
    bring(12)
    bring(13)
    bring(12, {"is_rollback": True})
    assert heroku.asked("POST", "/apps/shop/releases") == [{"release": heroku.releases[0]["id"]}]
    assert len(heroku.builds) == 2
    assert running(settings(), at(12), Log()) == {"12"}


def test_what_runs_is_known_by_the_slug_whoever_released_it(heroku, bring, settings, at):
    assert running(settings(), at(), Log()) == frozenset()
    bring(12)
    bring(13)
    assert running(settings(), at(), Log()) == {"13"}
    slug = heroku.releases[-1]["slug"]["id"]
    heroku.release(slug=slug, description="Set KEY config vars")
    assert running(settings(), at(), Log()) == {"13"}
    assert running(settings(), at(project="f" * 32), Log()) == frozenset()
    heroku.release(slug="of somebody else", description="Deploy ffffffff")
    assert running(settings(), at(), Log()) == frozenset()


def test_an_app_of_containers_is_known_by_its_releases(heroku, bring, settings, at):
    bring(12)
    bring(13)
    for one in (*heroku.releases, *heroku.builds):
        one["slug"] = None
    assert running(settings(), at(), Log()) == {"13"}
    made = heroku.release(slug="", description="Rollback to v1")
    made["slug"] = None
    assert running(settings(), at(), Log()) == {"12"}


def test_a_build_that_fails_fails(heroku, bring):
    heroku.build_ends = "failed"
    heroku.output = b" !     No such buildpack\n"
    with pytest.raises(TargetError, match="build has failed"):
        bring()
    assert not heroku.releases


def test_a_release_phase_that_fails_fails(heroku, bring):
    heroku.release_ends = "failed"
    with pytest.raises(TargetError, match=r"release phase of v1 has failed: see `heroku releases:output v1`"):
        bring()


@pytest.fixture
def dyno(heroku, tmp_path, monkeypatch):
    """A rendezvous whose certificate the machine trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    heroku.rendezvous = Rendezvous(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    yield heroku.rendezvous
    heroku.rendezvous.stop()


def test_a_command_runs_in_a_dyno_once_the_release_is_out(heroku, dyno, bring):
    dyno.pieces = [b"== migra", b"ting\r\n", "￿ heroku-command-exit-status: 0\r\n".encode()]
    log = bring(post_deploy="rake db:migrate;")
    (asked,) = heroku.dynos
    assert asked["command"] == 'rake db:migrate; echo "\uffff heroku-command-exit-status: $?"'
    assert asked["attach"] is True
    assert 0 < asked["time_to_live"] <= 30 * 60 + 60
    assert "== migrating" in log
    assert "rendezvous" not in log
    assert not [line for line in log if "exit-status" in line]


def test_a_command_that_fails_fails_the_step(dyno, bring):
    dyno.pieces = ["no newline at the end￿ heroku-command-exit-status: 3\r\n".encode()]
    with pytest.raises(TargetError, match=r"`rake db:migrate` ended with 3"):
        bring(post_deploy="rake db:migrate")


def test_a_command_whose_connection_breaks_is_no_success(dyno, bring):
    dyno.pieces = [b"half of i"]
    with pytest.raises(TargetError, match="before `rake db:migrate` said how it ended"):
        bring(post_deploy="rake db:migrate")


def test_a_command_that_hangs_ends_in_time(dyno, bring):
    dyno.hangs_up = False
    with pytest.raises(TargetError, match="`post_deploy` did not end in time"):
        bring(post_deploy="sleep 9999", within="2s")


def test_a_dyno_that_nobody_vouches_for_gets_no_secret(dyno, bring, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(TargetError, match=r"connection to the dyno broke: .*CERTIFICATE_VERIFY_FAILED|certificate"):
        bring(post_deploy="rake db:migrate")


def test_a_dyno_may_not_lie_on_the_runner(dyno, bring):
    with pytest.raises(TargetError, match="lies on the runner itself"):
        bring(fields={"allowed_hosts": ()}, post_deploy="rake db:migrate")


def test_a_private_space_is_refused_with_the_other_way(heroku, bring):
    with pytest.raises(TargetError, match="heroku run --exit-code"):
        bring(post_deploy="rake db:migrate")


def test_the_command_is_not_run_on_the_way_back(heroku, bring):
    bring(12)
    bring(13)
    assert "not run on the way back" in bring(12, {"is_rollback": True}, post_deploy="rake db:migrate").text
    assert not heroku.dynos


def test_a_page_has_to_answer_with_2xx(heroku, bring):
    heroku.pages = [503, 404, 204]
    assert "/page answers 204" in bring(check_url=True).text
    heroku.pages = [500]
    with pytest.raises(TargetError, match=r"/page\?x answers 500 and not 2xx within 2s"):
        bring(13, url=f"{heroku.url}/page?x", check_url="true", within="2s")


def test_a_password_in_the_pages_address_is_sent_and_not_told(heroku, bring):
    log = bring(check_url=heroku.url.replace("://", "://ann:hidden-word@") + "/page")
    assert heroku.asked("GET", "/page") == ["Basic YW5uOmhpZGRlbi13b3Jk"]
    assert "hidden-word" not in log.text
    with pytest.raises(TargetError, match="begins with https"):
        bring(13, check_url="ftp://x/")


def test_a_share_is_refused_before_anything_is_asked(heroku, bring):
    with pytest.raises(TargetError, match=r"Heroku cannot bring a release to 1 %.*app and an environment of its own"):
        bring(fields={"percent": 1.0})
    assert not heroku.calls


def test_a_wrong_key_is_said_without_the_key(heroku, bring, settings, at):
    wrong = {"values": {"HEROKU_API_KEY": "not-the-key"}}
    with pytest.raises(TargetError, match="does not accept the API key") as caught:
        bring(fields=wrong)
    assert "not-the-key" not in str(caught.value)
    with pytest.raises(TargetError, match="does not accept the API key"):
        running(settings(), at(**wrong), Log())
    with pytest.raises(TargetError, match="no secret HEROKU_API_KEY"):
        bring(fields={"values": {}})
    with pytest.raises(TargetError, match="characters that no key"):
        bring(fields={"values": {"HEROKU_API_KEY": "a\r\nX-Evil: 1"}})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((402, {"id": "verification_required", "message": "Please verify your account."}), "payment"),
        ((403, {"id": "forbidden", "message": "You do not have access."}), "does not let this key do it: You do not"),
        ((404, {"id": "not_found", "message": "Couldn't find that app."}), r"Couldn't find that app\. Look at `name`"),
        ((409, {"id": "conflict", "message": "Try later."}), r"refuses it \(409\): Try later"),
        ((422, {"id": "invalid_params", "message": "Bad."}), r"refuses it \(422\): Bad"),
        ((500, {}), "fault of its own"),
        ((429, {"id": "rate_limit"}), "asked too often"),
        ((302, {}), r"refuses it \(302\)"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_refusals_are_said_in_words(heroku, bring, answer, said):
    heroku.on("*", "*", lambda body: answer)
    with pytest.raises(TargetError, match=said):
        bring()


def test_what_passes_is_asked_again_and_a_build_is_not_started_twice(heroku, bring):
    refused = []

    def twice(body):
        refused.append(body)
        return (429, {}) if len(refused) < 3 else None

    heroku.on("POST", "/apps/shop/builds", twice)
    bring()
    assert len(heroku.builds) == 1
    heroku.on("POST", "/apps/shop/builds", lambda body: (500, {}))
    with pytest.raises(TargetError, match="fault of its own"):
        bring(13)
    assert len(heroku.asked("POST", "/apps/shop/builds")) == 4


def test_nobody_there_is_said_in_time(bring):
    with pytest.raises(TargetError, match="Heroku gives no answer"):
        bring(api_url="http://127.0.0.1:9")
    with pytest.raises(TargetError, match="begins with https"):
        bring(api_url="file:///etc/passwd")


def test_databases_are_not_pretended_to(settings):
    for fields in ({"backup": True}, {"restore_from": "staging"}):
        with pytest.raises(ValidationError, match=r"put a step `heroku pg:"):
            settings(**fields)


class _App:
    """What its live slug was built of tells which release it is."""

    def __init__(self, heroku, settings, at) -> None:
        self.heroku, self.target, self._at = heroku, target, at
        self.settings, self.wrong = settings(), settings(api_key="not-the-key")
        self.away = settings(api_url="http://127.0.0.1:9")

    def release(self, number, **fields):
        made = self._at(number, **fields)
        (made.folder / "number").write_text(str(number))
        return made

    def serving(self) -> dict[str, float]:
        for one in self.heroku.releases:
            for build in self.heroku.builds:
                if one["current"] and build["slug"] == one["slug"]:
                    blob = self.heroku.blobs[build["source_blob"]["url"].rpartition("/")[2]]
                    with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
                        return {archive.extractfile("number").read().decode(): 1.0}
        return {}

    def work(self) -> list:
        return [call for call in self.heroku.calls if call[0] != "GET"]


class TestContract(TargetContract):
    has_shares = False

    @pytest.fixture
    def place(self, heroku, settings, at):
        return _App(heroku, settings, at)
