// The API server alone, over the embedded store or memory, for a load generator: apiserver PORT KUBECONFIG-TO-WRITE [DATA-FOLDER]
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Server.Front;
using Hanbae.Store;
using Hanbae.Store.Memory;
using Hanbae.Store.Sqlite;

int port = int.Parse(args[0]);
using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
using var self = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
using var certificate = X509CertificateLoader.LoadPkcs12(self.Export(X509ContentType.Pkcs12), null);
await using IStore store = args.Length > 2 ? SqliteStore.Open(new() { Folder = args[2] }) : new MemoryStore();
await using var server = new ApiServer(store, new() { Authorizers = [new AlwaysAllow()] });
await using var front = await HttpFront.StartAsync(server, new() { Endpoints = [new(IPAddress.Loopback, port)], Certificate = certificate }, CancellationToken.None);
File.WriteAllText(args[1], $$$"""
    apiVersion: v1
    kind: Config
    clusters: [{name: h, cluster: {server: "https://localhost:{{{front.Addresses[0].Port}}}", insecure-skip-tls-verify: true}}]
    users: [{name: h, user: {token: x}}]
    contexts: [{name: h, context: {cluster: h, user: h}}]
    current-context: h
    """);
var stop = new TaskCompletionSource();
Console.CancelKeyPress += (_, e) => { e.Cancel = true; stop.TrySetResult(); };
using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, c => { c.Cancel = true; stop.TrySetResult(); });
await stop.Task;
