"""load.py - many keep-alive connections from one thread: a request each, over and over, as fast as they are answered or at a rate.

    result = Load(port, body).run(seconds=3, connections=16)              # closed loop
    result = Load(port, body).run(seconds=3, connections=256, rate=2000)  # open loop: what finds no free connection is not sent

Writes nothing, leaves no connection open.
"""
# SPDX-License-Identifier: Apache-2.0
import collections
import json
import selectors
import socket
import time


class Result:
    """What came back: (status, seconds it took, headers, body) of each answer; lost: connections that ended without one."""

    def __init__(self):
        self.answers, self.lost, self.sent, self.seconds = [], 0, 0, 0.0

    def count(self, status):
        return sum(1 for a in self.answers if a[0] == status)

    def statuses(self):
        return dict(collections.Counter(a[0] for a in self.answers))

    def rate(self, status):
        return self.count(status) / self.seconds

    def latency(self, status, share):
        took = sorted(a[1] for a in self.answers if a[0] == status)
        return took[min(len(took) - 1, int(share * len(took)))] if took else 0.0

    def replicas(self):
        return collections.Counter(json.loads(a[3])["replica"]["id"] for a in self.answers if a[0] == 200)

    def __repr__(self):
        return f"<{self.statuses()} of {self.sent} sent in {self.seconds:.1f} s, {self.lost} lost>"


class Connection:
    def __init__(self, port):
        self.port = port
        self.open()

    def open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began, self.data = None, b""

    def send(self, request):
        self.began, self.data = time.monotonic(), b""
        self.socket.sendall(request)      # small enough for the socket's buffer

    def receive(self):
        """(status, headers, body), None while it is not whole. ConnectionError when the peer closed."""
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError
        self.data += got
        head, found, body = self.data.partition(b"\r\n\r\n")
        if not found:
            return None
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        if len(body) < int(headers.get("content-length", 0)):
            return None
        return int(lines[0].split()[1]), headers, body


class Load:
    def __init__(self, port, body, path="/v1/recognize", headers=(), content_type="audio/wav"):
        head = [f"POST {path} HTTP/1.1", "Host: sparrow", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        self.request = "\r\n".join(head + list(headers) + ["", ""]).encode() + body
        self.port = port

    def run(self, seconds, connections, rate=None, drain=10.0):
        result, free = Result(), collections.deque()
        with selectors.DefaultSelector() as selector:
            everyone = [Connection(self.port) for _ in range(connections)]
            for c in everyone:
                selector.register(c.socket, selectors.EVENT_READ, c)
                free.append(c)
            begin = time.monotonic()
            end, waiting, due = begin + seconds, 0, 0
            while True:
                now = time.monotonic()
                if now < end:
                    due = len(free) if rate is None else int((now - begin) * rate) - result.sent
                    while due > 0 and free:
                        free.popleft().send(self.request)
                        result.sent, waiting, due = result.sent + 1, waiting + 1, due - 1
                    if rate is not None and due > 0:
                        begin += due / rate     # nobody was free for these: they are not made up for later
                elif waiting == 0 or now > end + drain:
                    break
                for key, _ in selector.select(0.001 if rate else 0.05):
                    waiting -= self.take(key.data, selector, result, free)
            result.seconds = seconds
            result.lost += waiting
            for c in everyone:
                c.socket.close()
        return result

    @staticmethod
    def take(c, selector, result, free):
        """Returns how many requests this ended."""
        try:
            answer = c.receive()
        except OSError:
            answer = ()
        if answer is None:
            return 0
        ended = 1 if c.began is not None else 0
        if answer:
            result.answers.append((answer[0], time.monotonic() - c.began, answer[1], answer[2]))
        else:
            result.lost += ended
        if not answer or answer[1].get("connection", "").lower() == "close":
            selector.unregister(c.socket)
            c.socket.close()
            c.open()
            selector.register(c.socket, selectors.EVENT_READ, c)
        c.began = None
        free.append(c)
        return ended
