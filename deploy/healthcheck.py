#!/opt/arkwright/bin/python
"""Whether the server in this container answers: exit code 0 or 1. With an argument, that path instead of /healthz.

The certificate is not looked at: it is the server's own, asked for by its own container.
"""

import http.client
import os
import ssl
import sys

path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
port = int(os.environ.get("ARKWRIGHT_PORT", "8990"))
if os.environ.get("ARKWRIGHT_TLS_CERT"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection: http.client.HTTPConnection = http.client.HTTPSConnection("127.0.0.1", port, timeout=4, context=context)
else:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
try:
    connection.request("GET", path)
    answer = connection.getresponse()
    print(answer.read().decode())
except OSError as error:
    sys.exit(f"port {port}: {error}")
sys.exit(0 if answer.status == 200 else 1)
