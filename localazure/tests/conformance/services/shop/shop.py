"""A companion that only answers HTTP: the environment contract written out, without localazure."""

import http.server
import json
import os
import signal
import sys
import threading

port = int(sys.argv[1])
server = http.server.HTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler)
parent, ready = (int(os.environ[name]) for name in ("LOCALAZURE_PARENT_FD", "LOCALAZURE_READY_FD"))


def end_with_the_server():
    os.read(parent, 1)
    os.kill(os.getpid(), signal.SIGTERM)


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
threading.Thread(target=end_with_the_server, daemon=True).start()
with os.fdopen(ready, "w") as facts:
    json.dump(
        {"pid": os.getpid(), "url": f"http://127.0.0.1:{port}", "smtp": "smtp://x:1", "key": os.environ["KEY"]}, facts
    )
server.serve_forever()
