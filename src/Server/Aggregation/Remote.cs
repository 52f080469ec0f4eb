using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Aggregation;

/// <summary>Another API server as an APIService describes it: the connections to it, and what was last seen of it.</summary>
sealed class Remote : IDisposable
{
    readonly SslClientAuthenticationOptions _tls;
    readonly ServiceBackends _backends;
    readonly SocketsHttpHandler _handler;

    public Remote(APIServiceSpec spec, ServiceBackends backends, AggregationOptions options)
    {
        (Spec, Service, _backends) = (spec, spec.Service!, backends);
        Version = new(spec.Group, spec.Version);
        Port = Service.Port ?? 443;
        _tls = Tls(spec, HostName, options.ProxyClientCertificate);
        _handler = new()
        {
            UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(30), PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            // Names and groups may be any text; Go sends them as they are.
            RequestHeaderEncodingSelector = static (_, _) => System.Text.Encoding.UTF8,
            SslOptions = _tls,
            PlaintextStreamFilter = static (context, _) => new(new RepeatedHeaders(context.PlaintextStream)),
            ConnectCallback = async (_, ct) => await ConnectAsync(ct).ConfigureAwait(false),
        };
        Http = new(_handler);
    }

    public APIServiceSpec Spec { get; private set; }
    public ServiceReference Service { get; }
    public Api.GroupVersion Version { get; }
    public int Port { get; }
    /// <summary>What its certificate must be for.</summary>
    public string HostName => $"{Service.Name}.{Service.Namespace}.svc";
    public string Authority => $"{HostName}:{Port}";
    public HttpMessageInvoker Http { get; }

    /// <summary>Another description of the same server, such as another priority, needs no new connection: requests go on meanwhile.</summary>
    /// <returns>False when it is of another server.</returns>
    public bool TryTake(APIServiceSpec spec)
    {
        if (spec with { GroupPriorityMinimum = Spec.GroupPriorityMinimum, VersionPriority = Spec.VersionPriority } != Spec) return false;
        Spec = spec;
        return true;
    }

    /// <summary>What the last check said; requests are passed on only while it is true.</summary>
    public bool IsAvailable { get; set; }
    /// <summary>Its resources as last heard of.</summary>
    public Seq<APIResource> Resources { get; set; }
    /// <summary>Its OpenAPI documents as last heard of.</summary>
    public RemoteDocuments Documents { get; } = new();

    /// <summary>A connection to one of the Service's endpoints, without TLS.</summary>
    ValueTask<Stream> ConnectAsync(CancellationToken ct) => _backends.DialAsync(Service.Namespace, Service.Name, Port, ct);

    /// <summary>A connection of its own, for an upgrade.</summary>
    public async ValueTask<Stream> DialAsync(CancellationToken ct)
    {
        var secure = new SslStream(await ConnectAsync(ct).ConfigureAwait(false));
        try
        {
            await secure.AuthenticateAsClientAsync(_tls, ct).ConfigureAwait(false);
            return new RepeatedHeaders(secure);
        }
        catch
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    static SslClientAuthenticationOptions Tls(APIServiceSpec spec, string name, Func<X509Certificate2?> certificate)
    {
        var tls = BackendTls.Trusting(spec.InsecureSkipTLSVerify ? default : spec.CaBundle);
        tls.TargetHost = name;
        tls.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate()!;
        if (spec.InsecureSkipTLSVerify) tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        return tls;
    }

    public void Dispose() => Http.Dispose();
}
