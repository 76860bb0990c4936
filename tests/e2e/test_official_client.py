"""The official SDKs, with the keys that the first start wrote, against the real server."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.api.test_official_clients import BasicCredentials, HttpConfig, dgc, dlf, id_of, job_body, run_request
from tests.e2e.house import UNENDED, House, house, until


def _client(sdk: Any, home: House) -> Any:
    keys = home.credentials
    credentials = BasicCredentials(keys["Access Key Id"], keys["Secret Access Key"], keys["Project Id"])
    config = HttpConfig.get_default_config()
    config.retry_times = 0
    kind = sdk.DgcClient if sdk is dgc else sdk.DlfClient
    builder = kind.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(home.url).build()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_job_is_made_run_and_found_with_the_official_sdks(tmp_path: Path) -> None:
    with house(tmp_path) as home, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # they leave their connections to the collector
        made: list[tuple[str, int]] = []
        for name, sdk in (("new", dgc), ("old", dlf)):
            client = _client(sdk, home)
            assert client.create_job(sdk.CreateJobRequest(body=job_body(sdk, name))).status_code == 204
            instance_id = id_of(client.run_once(run_request(sdk, name, aaa="111")))
            made.append((name, instance_id))
            asked = sdk.ShowJobInstanceRequest(job_name=name, instance_id=instance_id)
            until(lambda c=client, a=asked: c.show_job_instance(a).status not in UNENDED, "the instance ends")
            shown = client.show_job_instance(asked)
            assert (shown.status, [node.status for node in shown.nodes]) == ("success", ["success", "success"])
            listed = client.list_job_instances(sdk.ListJobInstancesRequest())
            assert sorted(id_of(each) for each in listed.instances) == [each for _, each in made]
            assert {each.name for each in client.list_jobs(sdk.ListJobsRequest()).jobs} == {each for each, _ in made}
        own = home.client()
        assert own.log("new", made[0][1], "hello") == "hello 111\n"
        own.close()
        assert home.stop() == 0
