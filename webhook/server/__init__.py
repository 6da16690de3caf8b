"""The webhook as a server: Flask, gunicorn, TLS.

serving      the settings of gunicorn, and the thread that keeps the certificate
worker       gunicorn's worker: one event loop, and the threads that decide
site         what the worker serves: admission behind TLS, and probes
listener     one port: its connections, and the threads that answer
connections  those that are open, and which of them gives way
connection   one connection's life, with a deadline for every phase
stream       the bytes of one connection, in the clear or behind TLS
tls          the certificate, and whether clients would accept it            files
wsgi         one call of a WSGI application
app          the application for the API server
probes       the application for the kubelet and Prometheus
metrics      what Prometheus is told
log          lines of the log, written by a thread                           threads
"""
