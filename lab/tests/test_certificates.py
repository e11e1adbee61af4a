"""The lab's certificates stand up to clients that verify as strictly as Python 3.13 does."""

from __future__ import annotations

import ssl

from bahnvision_lab.certificates import Authority


def test_a_strict_client_takes_the_certificate_of_a_server(tmp_path):
    authority = Authority(tmp_path)
    authority.issue(tmp_path)
    here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    there = ssl.create_default_context(cafile=str(authority.bundle))
    there.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server, client = here.wrap_bio(up, down, server_side=True), there.wrap_bio(down, up, server_hostname="localhost")

    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue

    assert client.version() == "TLSv1.3"
    assert dict(client.getpeercert()["subjectAltName"])["DNS"] == "localhost"
