"""The verifier of webhooks, over the vectors that Rust and TypeScript run too.

``python3 webhooks/python/tests/test_vectors.py`` counts in its last line, as ``cargo xtask test``
reads it; ``python3 -m unittest`` works as well.
"""

import base64
import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sottovoce_webhooks import SeenIds, WebhookError, verify_hmac_sha1, verify_standard  # noqa: E402

VECTORS = json.loads(
    (Path(__file__).parents[3] / "tests" / "vectors" / "webhooks.json").read_text("utf-8")
)


def word(verify, *arguments):
    try:
        verify(*arguments)
    except WebhookError as error:
        return error.code
    return "ok"


class Vectors(unittest.TestCase):
    def test_hmac_sha1_is_verified_as_the_vectors_say(self):
        self.assertGreater(len(VECTORS["hmac_sha1"]), 20)
        for vector in VECTORS["hmac_sha1"]:
            body = base64.b64decode(vector["body"])
            outcome = word(
                verify_hmac_sha1, vector["header"], body, vector["tokens"], vector["token_use"]
            )
            self.assertEqual(outcome, vector["outcome"], vector["name"])

    def test_standard_webhooks_are_verified_as_the_vectors_say(self):
        self.assertGreater(len(VECTORS["standard"]), 30)
        for vector in VECTORS["standard"]:
            headers = vector["id"], vector["timestamp"], vector["signature"]
            body = base64.b64decode(vector["body"])
            outcome = word(verify_standard, *headers, body, vector["keys"], vector["now"])
            self.assertEqual(outcome, vector["outcome"], vector["name"])

    def test_headers_that_are_not_there_are_malformed(self):
        self.assertEqual(word(verify_hmac_sha1, None, b"", []), "malformed-header")
        self.assertEqual(word(verify_standard, None, None, None, b"", []), "malformed-header")

    def test_what_is_no_token_and_no_key_is_refused(self):
        for token in VECTORS["malformed"]["tokens"]:
            self.assertEqual(word(verify_hmac_sha1, "00" * 20, b"", [token]), "malformed-key")
        for key in VECTORS["malformed"]["keys"]:
            headers = "evt_1", "0", "v1,AAAA"
            self.assertEqual(word(verify_standard, *headers, b"", [key], 0), "malformed-key", key)

    def test_an_event_that_comes_again_is_known_for_as_long_as_was_asked(self):
        ids = SeenIds(VECTORS["seen"]["keep"])
        for call in VECTORS["seen"]["calls"]:
            self.assertEqual(ids.is_new(call["id"], call["now"]), call["new"], call)


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    failed = len(result.failures) + len(result.errors) + len(result.skipped)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed != 0)
