"""Stands in for a Django project's manage.py."""

import http.server
import signal
import sys

if sys.argv[1] == "migrate":
    print("no migrations to apply")
elif sys.argv[1] == "runserver":
    handler = type(
        "Handler",
        (http.server.BaseHTTPRequestHandler,),
        {"do_GET": lambda self: (self.send_response(200), self.end_headers())},
    )
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[-1])), handler).serve_forever()
else:
    signal.pause()
