"""Backups on the run's PostgreSQL: made while others write, proved whole, refused where they are not."""

from __future__ import annotations

import io
import json
import secrets
import tarfile

import pytest
from cryptography.fernet import Fernet
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from builds.models import Artifact, Job, Project
from ciservice.keeping.archive import MANIFEST, BackupError
from ciservice.keeping.backup import backup
from ciservice.keeping.database import Postgresql
from ciservice.keeping.restore import restore, verify

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _a_database_beside(django_db_blocker, monkeypatch, transactional_db):
    """Django's tests know no database but those of the settings; a backup is looked at in one that is made for it."""
    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", django_db_blocker._real_ensure_connection)


@pytest.fixture
def storage(settings, tmp_path):
    """A storage of the test's own."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "storage")},
        },
    }
    return tmp_path / "storage"


@pytest.fixture
def artifact(storage, make_build, organization):
    job = Job.objects.create(build=make_build(), organization=organization, name="test", spec={}, attempt=1)
    name = default_storage.save("artifacts/report.xml", ContentFile(b"<ok/>"))
    return Artifact.objects.create(job=job, path="report.xml", size=5, sha256="0" * 64, storage_name=name)


@pytest.fixture
def archive(artifact, tmp_path):
    path = tmp_path / "monday.tar"
    backup(path, lambda line: None)
    return path


def rewritten(path, change):
    """The archive with its members as `change(name, content)` gives them; None leaves one out."""
    members = []
    with tarfile.open(path) as tar:
        for entry in tar:
            content = change(entry.name, tar.extractfile(entry).read())
            if content is not None:
                members.append((entry.name, content))
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def manifest(path):
    with tarfile.open(path) as tar:
        return json.loads(tar.extractfile(MANIFEST).read())


@pytest.fixture
def databases(monkeypatch):
    """Those that were made beside, and are still there."""
    made = []
    run = Postgresql._run

    def noted(self, program, *words, **options):
        made.extend(words if program == "createdb" else ())
        run(self, program, *words, **options)

    def left():
        assert made, "none was made"
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s)", [made])
            return cursor.fetchall()

    monkeypatch.setattr(Postgresql, "_run", noted)
    return left


def test_a_backup_is_whole_and_opens(archive, project, databases):
    told = []
    checked = verify(archive, told.append)
    assert checked.files == 1
    assert checked.sealed >= 1  # the project's hook secret
    assert checked.manifest.tables["builds_project"] == 1
    assert any("sealed values open" in line for line in told)
    assert archive.stat().st_mode & 0o077 == 0, "it has everybody's data in it"
    assert databases() == []


def test_no_secret_stands_in_it_open(archive, project):
    assert project.hook_secret.encode() not in archive.read_bytes()


def test_a_name_that_is_taken_is_refused_and_kept(archive):
    before = archive.read_bytes()
    with pytest.raises(BackupError, match="is there already"):
        backup(archive, lambda line: None)
    assert archive.read_bytes() == before
    assert [path.name for path in archive.parent.iterdir() if path.name.startswith(".")] == []


def test_what_was_changed_is_found(archive):
    rewritten(archive, lambda name, content: b"<no/>" if name.startswith("storage/") else content)
    with pytest.raises(BackupError, match=r"damaged: storage/artifacts/report\.xml"):
        verify(archive, lambda line: None)


def test_what_was_cut_off_is_found(archive):
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(BackupError, match=r"cannot be read to its end|has no manifest|damaged"):
        verify(archive, lambda line: None)


def test_a_file_that_a_row_names_is_missed(artifact, tmp_path, databases):
    default_storage.delete(artifact.storage_name)
    path = tmp_path / "tuesday.tar"
    backup(path, lambda line: None)
    with pytest.raises(
        BackupError, match=r"1 files that the database names are not in the backup: artifacts/report\.xml"
    ):
        verify(path, lambda line: None)
    assert databases() == []


def test_rows_that_are_gone_are_missed(archive):
    def more(name, content):
        if name != MANIFEST:
            return content
        told = json.loads(content)
        told["tables"]["builds_project"] += 1
        return json.dumps(told).encode()

    rewritten(archive, more)
    with pytest.raises(BackupError, match="Rows are missing, or too many, in: builds_project"):
        verify(archive, lambda line: None)


def test_another_key_is_named(archive, settings):
    settings.SEALING_KEYS = [secrets.token_urlsafe(48)]
    with pytest.raises(BackupError, match="sealed with another key.*OLD_SEALING_KEYS"):
        verify(archive, lambda line: None)


def test_a_value_that_does_not_open_is_named(project, storage, tmp_path):
    torn = f"k1.00000000.{Fernet(Fernet.generate_key()).encrypt(b'x').decode()}"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE builds_project SET hook_secret = %s", [torn])
    path = tmp_path / "torn.tar"
    backup(path, lambda line: None)
    with pytest.raises(BackupError, match=r"builds\.Project\.hook_secret"):
        verify(path, lambda line: None)


@pytest.mark.parametrize("content", [b"", b"not a tar", b"\0" * 10240], ids=["empty", "no tar", "nothing"])
def test_what_is_no_backup_is_said_so(tmp_path, content):
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    with pytest.raises(BackupError, match=r"cannot be read|no manifest"):
        verify(path, lambda line: None)


def test_a_backup_of_a_later_form_is_refused(archive):
    rewritten(archive, lambda name, content: b'{"format": 2}' if name == MANIFEST else content)
    with pytest.raises(BackupError, match="has format 2; this release reads format 1"):
        verify(archive, lambda line: None)


def test_an_instance_is_not_replaced_by_accident(archive, owner):
    with pytest.raises(BackupError, match="holds people already"):
        restore(archive, lambda line: None, replace=False)


def test_restored_all_is_as_it_was(archive, artifact, owner, project, organization):
    """What was made since is gone, what was removed since is back."""
    name = artifact.storage_name
    Artifact.objects.all().delete()
    default_storage.delete(name)
    Project.objects.create(organization=organization, name="made/since", repository_url="https://git.example.com/a.git")
    secret = project.hook_secret
    restore(archive, lambda line: None, replace=True)
    assert [(row.name, row.hook_secret) for row in Project.objects.all()] == [(project.name, secret)]
    with default_storage.open(Artifact.objects.get().storage_name) as file:
        assert file.read() == b"<ok/>"
