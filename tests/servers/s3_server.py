"""Serves S3 on a free port of loopback, with moto, until its standard input is closed; prints the port.

It runs in the environment that `make .servers/moto/installed` makes.
"""

import logging
import sys

from moto.server import ThreadedMotoServer

logging.disable()
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
