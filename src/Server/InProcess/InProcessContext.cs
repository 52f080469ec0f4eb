using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Server.InProcess;

/// <summary>A request from the same process.</summary>
sealed class InProcessContext : RequestContext
{
    readonly ApiRequest _request;

    InProcessContext(ApiRequest request, CancellationToken ct) : base(request, ct) => _request = request;

    public static InProcessContext Of(ApiRequest request, CancellationToken ct)
    {
        var context = new InProcessContext(request, ct);
        if (request.Identity is { } user) context.User = user;
        return context;
    }

    public override string RawTarget => _request.Query.Count == 0 ? _request.Path
        : _request.Path + "?" + string.Join("&", _request.Query.Select(q => Uri.EscapeDataString(q.Key) + "=" + Uri.EscapeDataString(q.Value)));

    public override IEnumerable<KeyValuePair<string, string>> Headers => _request.Headers;
    public override X509Certificate2? ClientCertificate => null;
    public override string RemoteAddress => "";
    public override bool InProcess => true;
    internal override ReadOnlyMemory<byte> BodyRead => _request.Body;
    public override IKind? Object => _request.Object;

    public override string Header(string name)
    {
        switch (name)
        {
            case "Accept": return _request.Accept;
            case "Content-Type": return _request.ContentType;
            case "User-Agent": return _request.UserAgent;
        }
        foreach (var (key, value) in _request.Headers)
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase)) return value;
        return "";
    }

    public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken ct) =>
        new(_request.Object is { } obj && _request.Body.IsEmpty ? obj.Kind().ToJson(obj) : _request.Body);
}
