"""SQS by hand: one kept-open connection, AWS JSON, signed. A tenth of an SDK's cost, so that few threads are a load."""

import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse


class Refused(Exception):
    """An answer that is none of the good ones."""


class Door:
    def __init__(self, endpoint: str, key: str, secret: str, region: str = "us-east-1", timeout_s: float = 30):
        self.address = urllib.parse.urlsplit(endpoint).netloc
        self.key, self.secret, self.region, self.timeout_s = key, secret, region, timeout_s
        self.connection: http.client.HTTPConnection | None = None
        self.signing: tuple[str, bytes] = ("", b"")

    def call(self, action: str, **parameters) -> dict:
        """Raises OSError or http.client.HTTPException where the connection breaks, Refused on any error."""
        body = json.dumps(parameters).encode()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=self.timeout_s)
        try:
            self.connection.request("POST", "/", body, self.headers(action, body))
            response = self.connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if response.status != 200:
            raise Refused(f"{action}: {response.status} {answer[:300]!r}")
        return json.loads(answer or b"{}")

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def headers(self, action: str, body: bytes) -> dict[str, str]:
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        target = "AmazonSQS." + action
        signed = "host;x-amz-date;x-amz-target"
        canonical = (f"POST\n/\n\nhost:{self.address}\nx-amz-date:{now}\nx-amz-target:{target}\n\n{signed}\n"
                     f"{hashlib.sha256(body).hexdigest()}")
        scope = f"{now[:8]}/{self.region}/sqs/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self.signing_key(now[:8]), text.encode(), hashlib.sha256).hexdigest()
        return {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target, "X-Amz-Date": now,
                "Authorization": f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={signed}, "
                                 f"Signature={signature}"}

    def signing_key(self, day: str) -> bytes:
        if self.signing[0] != day:
            key = b"AWS4" + self.secret.encode()
            for part in (day, self.region, "sqs", "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self.signing = (day, key)
        return self.signing[1]
