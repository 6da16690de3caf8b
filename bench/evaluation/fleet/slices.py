"""A pull-through cache by nginx: slices of blobs, each fetched once however many clients wait for it.

It does not verify the origin's certificate, whose address nginx cannot match; pullers verify each byte by its digest.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.host import Host
from tests.parts.certificate import certificate_for
from tests.parts.process import Process

from .hosts import Server

PORT = 5000
_READY_SECONDS = 30
_SLICE = "4m"
_CONFIGURATION = """
daemon off;
worker_processes 2;
user root;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=blobs:16m max_size=100g inactive=7d use_temp_path=off;
  server {{
    listen 0.0.0.0:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location ~ ^/v2/.+/blobs/sha256: {{
      slice {slice};
      proxy_pass https://{upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Range $slice_range;
      proxy_cache blobs;
      proxy_cache_key $uri$slice_range;
      proxy_cache_valid 200 206 7d;
      proxy_cache_lock on;
      proxy_cache_lock_timeout 10m;
      proxy_cache_lock_age 10m;
    }}
    location /v2/ {{
      proxy_pass https://{upstream};
    }}
  }}
}}
"""


def has_nginx() -> bool:
    """Return whether this machine has nginx."""
    return shutil.which("nginx") is not None


@contextmanager
def slices(host: Host, folder: Path, upstream: Server) -> Iterator[Server]:
    """Run nginx on a host as a cache of a registry until the block ends."""
    folder.mkdir(parents=True)
    certificate, key = certificate_for(host.address, folder)
    (folder / "nginx.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            port=PORT,
            certificate=certificate,
            key=key,
            upstream=upstream.address,
            slice=_SLICE,
        )
    )
    command = host.command(["nginx", "-c", folder / "nginx.conf", "-p", folder])
    with Process(command, folder / "nginx.log") as process:
        process.wait_until(lambda: "start worker process" in process.said(), _READY_SECONDS)
        yield Server(f"{host.address}:{PORT}", certificate, host, process)
