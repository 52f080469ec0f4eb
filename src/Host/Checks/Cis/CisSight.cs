using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Pki;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Checks.Cis;

/// <summary>What checks look at: the running cluster as its administrator, as somebody else and as nobody, its process, its files.</summary>
sealed class CisSight : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    readonly ClusterConfig _config;
    readonly List<HttpTransport> _transports = [];
    readonly HttpClient _stranger = new(new SocketsHttpHandler
    {
        // Nobody is believed here, only looked at.
        SslOptions = new() { RemoteCertificateValidationCallback = static (_, _, _, _) => true }, UseProxy = false, AllowAutoRedirect = false,
    }) { Timeout = s_patience };

    public CisSight(string data, ClusterSettings settings, ClusterConfig config, int pid)
    {
        (Paths, Settings, _config, Pid) = (NodePaths.Of(data), settings, config, pid);
        Client = As();
    }

    public NodePaths Paths { get; }
    public ClusterSettings Settings { get; }
    public int Pid { get; }
    public string PkiFolder => Path.Combine(Paths.Data, ClusterPki.Folder);
    public string StoreFolder => Path.Combine(Paths.Data, "store");
    public IClient Client { get; }
    public Uri ApiServer => _config.Server;
    /// <summary>As the Node says; 0 without one. Known once <see cref="NodeAsync"/> was asked.</summary>
    public int KubeletPort { get; private set; }

    /// <summary>The administrator, or whom the administrator impersonates.</summary>
    public IClient As(string user = "", params ReadOnlySpan<string> groups)
    {
        List<KeyValuePair<string, string>> headers = [];
        if (user.Length > 0) headers.Add(new("Impersonate-User", user));
        foreach (string group in groups) headers.Add(new("Impersonate-Group", group));
        var transport = new HttpTransport(_config with { Headers = headers }, TimeProvider.System);
        _transports.Add(transport);
        return new ApiClient(transport, TimeProvider.System);
    }

    /// <summary>Asks an HTTPS server as nobody, or with a token.</summary>
    /// <returns>The status code, 0 when there is no answer, and the body.</returns>
    public async Task<(int Code, string Body)> AskAsync(Uri server, string path, string token, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server, path));
        if (token.Length > 0) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        try
        {
            using var response = await _stranger.SendAsync(request, ct);
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(ct));
        }
        catch (HttpRequestException) { return (0, ""); }
    }

    /// <summary>A request that is checked and answered, and changes nothing.</summary>
    public static async Task<ApiResult> DryRunAsync(IClient by, ApiRequest request, CancellationToken ct) =>
        await by.Transport.SendAsync(request with { Query = [.. request.Query, new("dryRun", "All")] }, ct);

    public async Task<SubjectAccessReviewStatus> MayAsync(string user, Seq<string> groups, string verb, string resource, string name, string ns, CancellationToken ct) =>
        (await Client.CreateAsync(new SubjectAccessReview
        {
            Spec = new() { User = user, Groups = groups, ResourceAttributes = new() { Verb = verb, Resource = resource, Name = name, Namespace = ns, Version = "v1" } },
        }, ct)).Status;

    static async Task<int> AskByCertificateAsync(Uri server, string path, X509Certificate2 certificate, CancellationToken ct)
    {
        using var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new() { RemoteCertificateValidationCallback = static (_, _, _, _) => true, ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true) },
            UseProxy = false, AllowAutoRedirect = false,
        }) { Timeout = s_patience };
        try
        {
            using var response = await client.GetAsync(new Uri(server, path), ct);
            return (int)response.StatusCode;
        }
        catch (HttpRequestException) { return 0; }
    }

    /// <summary>Asks with a certificate that says it is an administrator's, by an authority of its own.</summary>
    /// <returns>The status code; 0 when the handshake or the connection ended.</returns>
    public async Task<int> AskAsStrangerAsync(Uri server, string path, CancellationToken ct)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var authority = CertificateIssuer.Authority("kubernetes", now);
        using var certificate = CertificateIssuer.Issue(authority, new("kubernetes-admin") { Groups = ["system:masters"], Client = true, Lifetime = TimeSpan.FromHours(1) }, now);
        return await AskByCertificateAsync(server, path, certificate, ct);
    }

    /// <summary>Whether a handshake with nothing but this protocol comes to an end.</summary>
    public static async Task<bool> ShakesAsync(Uri server, SslProtocols protocol, CancellationToken ct) => await ShownAsync(server, protocol, ct) is not null;

    /// <summary>When the certificate ends that a server shows.</summary>
    public static async Task<DateTimeOffset> EndAsync(Uri server, CancellationToken ct) => await ShownAsync(server, SslProtocols.None, ct) ?? DateTimeOffset.MinValue;

    static async Task<DateTimeOffset?> ShownAsync(Uri server, SslProtocols protocol, CancellationToken ct)
    {
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(server.Host, server.Port, ct);
            await using var tls = new SslStream(socket.GetStream(), false, static (_, _, _, _) => true);
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = protocol }, ct);
            return tls.RemoteCertificate is X509Certificate2 shown ? shown.NotAfter.ToUniversalTime() : DateTimeOffset.MaxValue;
        }
        catch (Exception e) when (e is AuthenticationException or IOException or PlatformNotSupportedException or System.ComponentModel.Win32Exception) { return null; }
    }

    /// <summary>This cluster's own Node, and where its kubelet answers; null without one.</summary>
    public async Task<(Node Node, Uri Kubelet)?> NodeAsync(CancellationToken ct)
    {
        if (Settings.ControlPlaneOnly || await Client.FindAsync<Node>(new("", Settings.NodeName), ct) is not { } node) return null;
        KubeletPort = node.Status.DaemonEndpoints.KubeletEndpoint.Port;
        string address = node.Status.Addresses.Find(a => a.Type == "InternalIP")?.Address ?? "127.0.0.1";
        return (node, new($"https://{address}:{node.Status.DaemonEndpoints.KubeletEndpoint.Port}"));
    }

    JsonObject? _kubelet;

    /// <summary>The kubelet's own account of its configuration.</summary>
    public async Task<JsonObject> KubeletAsync(CancellationToken ct)
    {
        if (_kubelet is not null) return _kubelet;
        var result = await Client.Transport.SendAsync(new() { Method = "GET", Path = $"/api/v1/nodes/{Settings.NodeName}/proxy/configz" }, ct);
        return _kubelet = JsonValue.Parse(result.Body.Span) is JsonObject all && all["kubeletconfig"] is JsonObject config ? config : JsonObject.Empty;
    }

    /// <summary>TCP ports that the process listens on.</summary>
    public IReadOnlyList<(IPAddress Address, int Port)> Listening()
    {
        var own = new HashSet<string>();
        foreach (var fd in new DirectoryInfo($"/proc/{Pid}/fd").EnumerateFileSystemInfos())
            if (fd.LinkTarget is { } target && target.StartsWith("socket:[", StringComparison.Ordinal)) own.Add(target[8..^1]);
        var found = new List<(IPAddress, int)>();
        foreach (string table in (string[])["tcp", "tcp6"])
            foreach (string line in File.ReadLines($"/proc/{Pid}/net/{table}").Skip(1))
            {
                string[] columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                const string listens = "0A";
                if (columns[3] != listens || !own.Contains(columns[9])) continue;
                string[] local = columns[1].Split(':');
                byte[] address = Convert.FromHexString(local[0]);
                for (int word = 0; word < address.Length; word += 4) Array.Reverse(address, word, 4);
                found.Add((new(address), Convert.ToInt32(local[1], 16)));
            }
        return found;
    }

    /// <summary>The first of these files that others may do more with than that.</summary>
    /// <returns>Null when all are as they should be.</returns>
    public static string? Wide(IEnumerable<string> files, UnixFileMode most)
    {
        foreach (string file in files)
            if (File.GetUnixFileMode(file) is var mode && (mode & ~most) != 0) return $"{file} has mode {Convert.ToString((int)mode, 8)}";
        return null;
    }

    public void Dispose()
    {
        _stranger.Dispose();
        foreach (var transport in _transports) transport.Dispose();
    }
}
