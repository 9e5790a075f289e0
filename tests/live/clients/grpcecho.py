# SPDX-License-Identifier: BSD-2-Clause
"""A gRPC server over TLS that answers each message with itself: grpcecho.py CERTIFICATE KEY

Prints its port; ends with its stdin."""
import sys
from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda message, _: message)


with open(sys.argv[1], "rb") as cert, open(sys.argv[2], "rb") as key:
    credentials = grpc.ssl_server_credentials([(key.read(), cert.read())])
server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Echo()])
print(server.add_secure_port("127.0.0.1:0", credentials), flush=True)
server.start()
sys.stdin.read()
server.stop(None)
