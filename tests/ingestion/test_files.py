"""Folders of stored files are deleted, whoever writes there meanwhile."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from ingestion import files


def test_a_folder_goes_with_all_that_is_in_it(data_dir) -> None:
    for name in ("source.pdf", "pages/1.jpg", "pages/deep/2.jpg"):
        default_storage.save(f"documents/one/{name}", ContentFile(b"x"))
    files.delete_folder("documents/one")
    assert not default_storage.exists("documents/one")
    assert default_storage.exists("documents")


def test_what_is_written_meanwhile_stops_no_deletion(data_dir, monkeypatch) -> None:
    delete = FileSystemStorage.delete

    def write_first(self: FileSystemStorage, name: str) -> None:
        if name.endswith("/pages"):
            self.save(f"{name}/2.jpg", ContentFile(b"late"))
        delete(self, name)

    monkeypatch.setattr(FileSystemStorage, "delete", write_first)
    default_storage.save("documents/one/pages/1.jpg", ContentFile(b"x"))
    files.delete_folder("documents/one")
    assert list(files.files_under("documents/one")) == ["documents/one/pages/2.jpg"]
