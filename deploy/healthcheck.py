#!/opt/arkwright/bin/python
"""Whether the server in this container answers: exit code 0 or 1. With an argument, that path instead of /healthz.

The certificate is not looked at: it is the server's own, asked for by its own container.
"""

import os
import ssl
import sys
import urllib.request

scheme = "https" if os.environ.get("ARKWRIGHT_TLS_CERT") else "http"
path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
url = f"{scheme}://127.0.0.1:{os.environ.get('ARKWRIGHT_PORT', '8990')}{path}"
try:
    with urllib.request.urlopen(url, timeout=4, context=ssl._create_unverified_context()) as answer:
        print(answer.read().decode())
except OSError as error:
    sys.exit(f"{url}: {error}")
