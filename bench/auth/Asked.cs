using System.Security.Cryptography.X509Certificates;
using Hanbae.Server;

namespace Hanbae.Bench.Auth;

/// <summary>A request with the headers of a client and perhaps its certificate; it goes no further than authorization.</summary>
sealed class Asked(string path, X509Certificate2? certificate, params KeyValuePair<string, string>[] headers) : RequestContext("GET", path, [], CancellationToken.None)
{
    public override string RawTarget => Path;
    public override IEnumerable<KeyValuePair<string, string>> Headers => headers;
    public override X509Certificate2? ClientCertificate => certificate;
    public override string RemoteAddress => "";
    public override bool InProcess => false;
    public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken ct) => new(ReadOnlyMemory<byte>.Empty);

    public override string Header(string name)
    {
        foreach (var (key, value) in headers)
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase)) return value;
        return "";
    }
}
