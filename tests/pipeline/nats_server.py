"""A nats-server of one's own, and as much of a client as reads a stream back: the protocol as NATS documents it, text on
a socket.  Python standard library only."""
import json
import signal
import ssl
import subprocess

from test_daemon import BOUND_S, dial, free_port


class Server:
    """more: options of nats-server; inside: words in front of it, of a command that runs it elsewhere."""

    def __init__(self, store, more=(), inside=()):
        self.port, self.process = free_port(), None
        self.command = [*inside, "nats-server", "-js", "-sd", store, "-a", "127.0.0.1", "-p", str(self.port), *more]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # Its last line before it serves; the rest is read so that its pipe never fills.
        said = []
        for line in self.process.stderr:
            said.append(line.decode())
            if b"Server is ready" in line:
                break
        else:
            raise AssertionError("nats-server ended with status %d: %s" % (self.process.wait(BOUND_S), said[-3:]))
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)
        self.process.stderr.close()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(BOUND_S)
        self.drain.wait(BOUND_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.signal(signal.SIGCONT)
        self.kill()


class Client:
    """One question, or one stream's reading, at a time."""

    def __init__(self, port):
        self.socket = dial(port)
        self.socket.settimeout(BOUND_S)
        info = b""
        while not info.endswith(b"\n"):  # byte by byte: what comes behind it may be TLS
            byte = self.socket.recv(1)
            assert byte, "the server hung up"
            info += byte
        if json.loads(info.split(b" ", 1)[1]).get("tls_required"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB _INBOX.test 1\r\n')

    def close(self):
        self.file.close()
        self.socket.close()

    def publish(self, subject, payload=b"", reply=""):
        self.socket.sendall(b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), reply.encode(), len(payload), payload))

    def next(self):
        """(subject, headers, payload) of the next message."""
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError
            words = line.split()
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif words[0] in (b"MSG", b"HMSG"):
                whole = self.file.read(int(words[-1]) + 2)[:-2]
                head_len = int(words[-2]) if words[0] == b"HMSG" else 0
                return words[1].decode(), whole[:head_len].decode(), whole[head_len:]

    def ask(self, what, question=None):
        """Of JetStream's API; None where nobody answers."""
        self.publish("$JS.API." + what, json.dumps(question).encode() if question else b"", "_INBOX.test")
        _, head, answer = self.next()
        return None if " 503" in head else json.loads(answer)

    def messages(self, stream):
        """All that a stream holds, in its order: (subject, id, item)."""
        info = self.ask("STREAM.INFO." + stream)
        cnt = info["state"]["messages"]
        self.socket.sendall(b"SUB _INBOX.all.%d 2\r\n" % id(info))
        consumer = {"deliver_subject": "_INBOX.all.%d" % id(info), "ack_policy": "none", "deliver_policy": "all"}
        self.publish("$JS.API.CONSUMER.CREATE." + stream, json.dumps({"stream_name": stream, "config": consumer}).encode(), "_INBOX.test")
        found, name = [], None
        while len(found) < cnt or not name:
            subject, head, payload = self.next()
            if subject == "_INBOX.test":
                name = json.loads(payload)["name"]
                continue
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            found.append((subject, fields.get("Nats-Msg-Id"), json.loads(payload)))
        self.socket.sendall(b"UNSUB 2\r\n")
        assert self.ask("CONSUMER.DELETE.%s.%s" % (stream, name))["success"]
        return found


def stream_messages(port, stream):
    client = Client(port)
    try:
        return client.messages(stream)
    finally:
        client.close()


def count(port, stream):
    """How many messages; None while there is no stream, or no server."""
    try:
        client = Client(port)
    except (OSError, AssertionError):
        return None
    try:
        info = client.ask("STREAM.INFO." + stream)
        return info["state"]["messages"] if info and "state" in info else None
    except (OSError, EOFError, ValueError):
        return None
    finally:
        client.close()
