"""The official client of the newer API, signed with access key and secret key."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.server import ACCESS_KEY, PROJECT, SECRET_KEY

with warnings.catch_warnings():
    # The SDK's own imports use things that newer Pythons deprecate.
    warnings.simplefilter("ignore")
    import huaweicloudsdkdataartsstudio.v1 as studio
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
    from huaweicloudsdkcore.http.http_config import HttpConfig


def studio_client(url: str, *, access: str = ACCESS_KEY, secret: str = SECRET_KEY) -> Any:
    config = HttpConfig.get_default_config()
    config.retry_times = 0
    builder = studio.DataArtsStudioClient.new_builder().with_http_config(config)
    return builder.with_credentials(BasicCredentials(access, secret, PROJECT)).with_endpoint(url).build()


def refused(code: str, call: Callable[[], Any], *, status: int = 400) -> ClientRequestException:
    with pytest.raises(ClientRequestException) as caught:
        call()
    error: ClientRequestException = caught.value
    assert (error.status_code, error.error_code) == (status, code), error.error_msg
    assert error.request_id
    assert error.error_msg
    return error


__all__ = ["refused", "studio", "studio_client"]
