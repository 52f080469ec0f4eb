"""What Pods of the tests answer with: HTTP, HTTPS, UDP and TCP servers of little words, a guest book of three parts, and a client for DNS.

Each argument is one server: SCHEME:PORT or SCHEME:PORT=TEXT. With a text, written as in a URL, it answers that; without, it tells who and where it is. `dig` asks instead.
"""
import http.server, json, os, socket, ssl, struct, sys, threading, urllib.parse, urllib.request

NAME = socket.gethostname()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        url = urllib.parse.urlsplit(self.path)
        code, kind, text = self.server.reply(self, url.path, dict(urllib.parse.parse_qsl(url.query)))
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format, *arguments):
        print(self.client_address[0], format % arguments, flush=True)


class Http(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET
    request_queue_size = 128

    def __init__(self, port, reply):
        self.reply = reply
        super().__init__(("0.0.0.0", port), Handler)


def plain(text, code=200):
    return code, "text/plain; charset=utf-8", text


def fixed(text):
    return lambda request, path, query: (200, "text/html; charset=utf-8" if text.startswith("<") else "text/plain; charset=utf-8", text)


def as_json(text):
    return lambda request, path, query: (200, "application/json", json.dumps({"Method": request.command, "Body": text}))


def who(request, path, query):
    if path == "/clientip":
        return plain("%s:%s" % request.client_address[:2])
    if path == "/echo":
        return plain(query.get("msg", ""))
    if path == "/data.json":
        return 200, "application/json", json.dumps({"image": os.environ.get("IMAGE", "")})
    if path == "/dial":
        answers, errors = [], []
        for _ in range(int(query.get("tries", "1"))):
            try:
                answers.append(dial(query["protocol"], query["host"], int(query["port"]), query["request"]))
            except OSError as e:
                errors.append(str(e))
        return plain(json.dumps({"responses": answers, "errors": errors}))
    return plain(NAME) if path.lower() in ("/", "/hostname") else plain("not here", 404)


def dial(protocol, host, port, words):
    if protocol == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.sendto(words.encode(), (host, port))
            return s.recv(2048).decode()
    return fetch("http://%s:%d/%s" % (host, port, words))


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", port))
    while True:
        words, sender = s.recvfrom(2048)
        verb, _, rest = words.decode().strip().partition(" ")
        s.sendto({"echo": rest, "clientip": "%s:%d" % sender, "hostname": NAME}.get(verb.lower(), "").encode(), sender)


class Book:
    """A guest book: visitors talk to the frontend, which writes to the primary and reads from replicas, which the primary tells everything."""

    def __init__(self, part):
        self.part, self.pages, self.replicas, self.lock = part, {}, set(), threading.Lock()

    def join(self):
        threading.Timer(1, self.join).start()
        try:
            for key, value in json.loads(fetch("http://book-primary:6379/register")).items():
                self.pages.setdefault(key, value)
        except OSError:
            pass

    def reply(self, request, path, query):
        try:
            return plain(getattr(self, path.strip("/"), lambda *_: "")(request, query))
        except OSError as e:
            return plain(str(e), 503)

    def register(self, request, query):
        with self.lock:
            self.replicas.add(request.client_address[0])
            return json.dumps(self.pages)

    def set(self, request, query):
        with self.lock:
            self.pages[query["key"]] = self.pages.get(query["key"], "") + query["value"]
            for replica in self.replicas:
                fetch("http://%s:6379/tell?" % replica + urllib.parse.urlencode({"key": query["key"], "value": self.pages[query["key"]]}))
        return "Updated"

    def tell(self, request, query):
        self.pages[query["key"]] = query["value"]
        return ""

    def get(self, request, query):
        return self.pages.get(query["key"], "")

    def guestbook(self, request, query):
        to = "book-primary:6379/set" if query["cmd"] == "set" else "book-replica:6379/get"
        return json.dumps({"data": fetch("http://%s?%s" % (to, urllib.parse.urlencode(query)))})


def serve(argument):
    scheme, _, rest = argument.partition(":")
    port, _, text = rest.partition("=")
    port, text = int(port), urllib.parse.unquote_plus(text)
    if scheme == "udp":
        return udp(port)
    if scheme in ("primary", "replica", "frontend"):
        book = Book(scheme)
        if scheme == "replica":
            book.join()
        return Http(port, book.reply).serve_forever()
    server = Http(port, as_json(text) if scheme == "json" else fixed(text) if text else who)
    if scheme == "https":
        pem = "/tmp/pem-%d" % port
        with open(pem, "w") as file:
            file.write(os.environ["PEM"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "AAAA": 28, "SRV": 33}


def dig(name, kind, *how):
    """Prints what is known of a name, a line each; with `search` also below the domains of resolv.conf, by `tcp` or by datagram."""
    lines = [line.split() for line in open("/etc/resolv.conf")]
    server = next(l[1] for l in lines if l and l[0] == "nameserver")
    names = [name]
    if "search" in how and not name.endswith("."):
        suffixes = next((l[1:] for l in lines if l and l[0] == "search"), [])
        ndots = next((int(o[6:]) for l in lines if l and l[0] == "options" for o in l[1:] if o.startswith("ndots:")), 1)
        beneath = [name + "." + s for s in suffixes]
        names = [name] + beneath if name.count(".") >= ndots else beneath + [name]
    for name in names:
        found = ask(server, name.rstrip("."), TYPES[kind], "tcp" in how)
        if found:
            return print("\n".join(found))


def ask(server, name, kind, tcp):
    query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0" + struct.pack(">HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((server, 53))
        s.sendall(struct.pack(">H", len(query)) + query if tcp else query)
        if tcp:
            stream = s.makefile("rb")
            answer = stream.read(struct.unpack(">H", stream.read(2))[0])
        else:
            answer = s.recv(4096)
    at = skip(answer, 12) + 4
    found = []
    for _ in range(struct.unpack(">H", answer[6:8])[0]):
        at = skip(answer, at)
        its, _, _, length = struct.unpack(">HHIH", answer[at:at + 10])
        at += 10
        if its == kind:
            data = answer[at:at + length]
            found.append(".".join(map(str, data)) if its == 1 else socket.inet_ntop(socket.AF_INET6, data) if its == 28
                         else "%d %s" % (struct.unpack(">H", data[4:6])[0], read(answer, at + 6)) if its == 33 else read(answer, at))
        at += length
    return found


def skip(message, at):
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += message[at] + 1
    return at + 1


def read(message, at):
    labels = []
    while message[at]:
        if message[at] >= 0xC0:
            at = (message[at] & 0x3F) << 8 | message[at + 1]
            continue
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += message[at] + 1
    return ".".join(labels) + "."


if sys.argv[1] == "dig":
    dig(*sys.argv[2:])
else:
    for one in sys.argv[1:]:
        threading.Thread(target=serve, args=(one,), daemon=True).start()
    threading.Event().wait()
