// The floor under every figure: bare Kestrel over TLS and HTTP/2 that sends bytes of a Pod's size, with nothing behind it.
//   floor PORT KUBECONFIG-TO-WRITE
// A path that ends in /pods is answered with 10,000 of them, or with 100 when there is a label selector; all else with one.
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;

const int podBytes = 3600, flushEvery = 128 << 10;
int port = int.Parse(args[0], null);
File.WriteAllText(args[1], $"clusters: [{{cluster: {{server: \"https://localhost:{port}\"}}}}]\nusers: [{{user: {{token: x}}}}]\n");
using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
using var self = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
var certificate = X509CertificateLoader.LoadPkcs12(self.Export(X509ContentType.Pkcs12), null);
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseKestrelHttpsConfiguration();
builder.WebHost.ConfigureKestrel(o =>
{
    o.ListenLocalhost(port, listen =>
    {
        listen.UseHttps(certificate);
        listen.Protocols = HttpProtocols.Http1AndHttp2;
    });
    o.Limits.Http2.InitialStreamWindowSize = 8 << 20;
    o.Limits.Http2.InitialConnectionWindowSize = 16 << 20;
});
var app = builder.Build();
byte[] pod = new byte[podBytes];
Array.Fill(pod, (byte)'a');
app.Run(async context =>
{
    var body = context.Response.BodyWriter;
    int pods = !context.Request.Path.Value!.EndsWith("/pods", StringComparison.Ordinal) ? 1 : context.Request.Query.ContainsKey("labelSelector") ? 100 : 10_000;
    for (int i = 0; i < pods; i++)
    {
        pod.AsSpan().CopyTo(body.GetSpan(pod.Length));
        body.Advance(pod.Length);
        if (body.UnflushedBytes > flushEvery) await body.FlushAsync();
    }
    await body.FlushAsync();
});
app.Run();
