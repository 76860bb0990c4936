"""What a start need not cost."""

from __future__ import annotations

import gc
import ssl

import pytest

from arkwright.cli.lasting import lasting_imports
from arkwright.client.transport import trusted


def test_what_is_imported_to_last_is_never_looked_through_for_garbage() -> None:
    before = gc.get_freeze_count()
    with lasting_imports():
        assert not gc.isenabled()
        made: list[list[int]] = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(made)


def test_an_import_that_fails_leaves_the_garbage_collector_on() -> None:
    with pytest.raises(ImportError), lasting_imports():
        raise ImportError
    assert gc.isenabled()


def test_without_tls_no_certificates_are_read_and_nobody_is_trusted() -> None:
    context = trusted("http://127.0.0.1:8990", None)
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs() == []
    assert trusted("https://arkwright.example", None) is True
