"""A server that speaks S3, in a process of its own, behind a proxy that can misbehave."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from faulty_proxy import FaultyProxy

__all__ = ["Bucket", "S3Server"]

_KEYS = ("autolog-test", "not-a-secret")


class S3Server:
    """moto's server and the proxy before it; raises AssertionError where it can't be started."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("moto_process.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.strip().isdigit(), "moto's server did not start; pip install 'moto[server]'"
        #: The port of the server itself, where no fault happens.
        self.port = int(said)
        self.faults = FaultyProxy(self.port)

    def close(self) -> None:
        """End both."""
        self.faults.away()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Bucket:
    """A fresh bucket, and what it takes to use it."""

    def __init__(self, server: S3Server) -> None:
        self._server = server
        #: What happens to requests on their way.
        self.faults = server.faults
        self.name = "b" + secrets.token_hex(6)
        #: Where a test may put things.
        self.url = f"s3://{self.name}/prefix"
        self._client = self._direct()
        self._client.create_bucket(Bucket=self.name)

    @property
    def environment(self) -> dict[str, str]:
        """All that another process needs so that `fsspec.open("s3://...")` works there."""
        return {
            "AWS_ACCESS_KEY_ID": _KEYS[0],
            "AWS_SECRET_ACCESS_KEY": _KEYS[1],
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.faults.port}",
            "AWS_DEFAULT_REGION": "us-east-1",
            # Nothing of the developer's own, and no search for credentials on the network.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def objects(self) -> dict[str, int]:
        """The keys in the bucket with their sizes in bytes, asked of the server itself."""
        found: dict[str, int] = {}
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name):
            found |= {each["Key"]: each["Size"] for each in page.get("Contents", ())}
        return found

    def read(self, key: str) -> bytes:
        """An object's bytes, asked of the server itself."""
        return bytes(self._client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def write(self, key: str, data: bytes) -> None:
        """Put an object past the proxy: a flipped byte, something that others left."""
        self._client.put_object(Bucket=self.name, Key=key, Body=data)

    def remove(self, key: str) -> None:
        """Delete an object past the proxy."""
        self._client.delete_object(Bucket=self.name, Key=key)

    def uploads(self) -> list[str]:
        """The keys of multipart uploads that were begun and neither completed nor aborted."""
        found = self._client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        return [each["Key"] for each in found]

    def close(self) -> None:
        """Delete everything in it, so that a long run of tests doesn't fill the memory."""
        self.faults.clear()
        for key in self.objects():
            self.remove(key)
        self._client.close()

    def _direct(self) -> Any:
        import botocore.session

        # Not boto3: s3fs brings botocore along, and nothing else.
        return botocore.session.Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{self._server.port}",
            aws_access_key_id=_KEYS[0],
            aws_secret_access_key=_KEYS[1],
        )
