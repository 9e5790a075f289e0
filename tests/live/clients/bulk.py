# SPDX-License-Identifier: BSD-2-Clause
"""GETs paths on one connection and throws their bodies away: bulk.py URL CA PATH…"""
import http.client
import ssl
import sys
import urllib.parse

target = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPSConnection(target.hostname, target.port, context=ssl.create_default_context(cafile=sys.argv[2]), timeout=120)
for path in sys.argv[3:]:
    connection.request("GET", path)
    response = connection.getresponse()
    while response.read(65536):
        pass
connection.close()
