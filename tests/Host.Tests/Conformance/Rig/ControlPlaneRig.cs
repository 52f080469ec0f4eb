using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Host.Pki;
using Hanbae.Host.Roles;
using Hanbae.Host.Settings;
using Hanbae.Kubelet.Simulation;
using Hanbae.Server.Encryption;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Host.Tests.Conformance.Rig;

/// <summary>A whole control plane in this process with all of its controllers and two simulated nodes, asked over HTTPS by its administrator.</summary>
/// <remarks>For everything that conformance asks of the API and of controllers, and that needs no containers.</remarks>
public sealed class ControlPlaneRig : IAsyncLifetime
{
    public const string Name = "a control plane for conformance";
    const string Pods = "10.181.0.0/16", Services = "10.182.0.0/16";

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hanbae-conformance-");
    ControlPlane _control = null!;
    Supervisor _supervisor = null!;
    ClusterPki _pki = null!;
    int _namespaces;

    /// <summary>Of the API server; for those who have a rig of their own.</summary>
    public IReadOnlyDictionary<string, string>? Flags { get; init; }
    internal ClusterPki Pki => _pki;
    /// <summary>As <c>system:masters</c>.</summary>
    public Wire Admin { get; private set; } = null!;
    public Uri Address { get; private set; } = null!;
    public Kubectl Kubectl { get; private set; } = null!;
    /// <summary>The cluster's data, its kubeconfig for one: what commands take as <c>--data-dir</c>.</summary>
    public string Folder => _folder.FullName;

    public async Task InitializeAsync()
    {
        try
        {
            var settings = new ClusterSettings { NodeName = "none", BindAddress = "127.0.0.1", ApiPort = 0, PodCidr = Pods, ServiceCidr = Services, ControlPlaneOnly = true, SimulatedNodes = 2, ServerFlags = Flags };
            var folder = new PkiFolder(Path.Combine(_folder.FullName, "pki"), TimeProvider.System);
            _pki = ClusterPki.Ensure(folder, settings);
            var live = new LivePki(folder, settings, _pki, TimeProvider.System, NullLogger.Instance);
            var encryption = new EncryptionFile(folder.Secret(OwnEncryption.FileName, OwnEncryption.New), TimeProvider.System, NullLogger.Instance);
            _supervisor = new(NullLoggerFactory.Instance, TimeProvider.System);
            _control = await ControlPlane.StartAsync(settings, _folder.FullName, live, encryption, settings.BridgeAddress, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
            _control.RunComponents(_supervisor, settings, live);
            var nodes = _control.Access(_supervisor, "system:hanbae:simulated-nodes", "kubelet", "simulated-nodes");
            _supervisor.Run("simulated-nodes", stop => new SimulatedNodes(nodes, settings.SimulatedNodes).RunAsync(stop));
            Address = new($"https://localhost:{_control.Port}");
            Admin = Client(_pki.Admin);
            string config = Path.Combine(_folder.FullName, "kubeconfig");
            await KubeconfigWriter.WriteAsync(config, _control.Port, _pki, CancellationToken.None);
            Kubectl = new(config, Path.Combine(_folder.FullName, "cache"));
            await Admin.UntilAsync("/api/v1/nodes", nodes => nodes.Count == settings.SimulatedNodes && nodes.All(n => n.Items("status", "conditions").Any(c => c.Text("type") == "Ready" && c.Text("status") == "True")));
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>The administrator acting as somebody else.</summary>
    /// <param name="more">Further headers: <c>Impersonate-Group</c>, <c>-Uid</c>, <c>-Extra-…</c>; of each name one, since this client would join them.</param>
    public Wire As(string user, params ReadOnlySpan<(string Header, string Value)> more) => Client(_pki.Admin, headers: [("Impersonate-User", user), .. more]);

    /// <summary>Another client: with a certificate, or with the token of somebody.</summary>
    public Wire Client(X509Certificate2? certificate = null, string? token = null, params ReadOnlySpan<(string Header, string Value)> headers)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, SslOptions = new() { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } } };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(_pki.Authority.Trusted);
        if (certificate is not null) handler.SslOptions.ClientCertificates = [certificate];
        var http = new HttpClient(handler) { BaseAddress = Address, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower, Timeout = Timeout.InfiniteTimeSpan };
        if (token is not null) http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        foreach (var (name, value) in headers) http.DefaultRequestHeaders.Add(name, value);
        return new(http);
    }

    /// <summary>Makes a namespace of that test's own and waits until Pods may be made in it, as upstream's framework does.</summary>
    public async Task<string> NamespaceAsync(string labels = "{}")
    {
        string name = $"conformance-{Interlocked.Increment(ref _namespaces)}";
        await Admin.CreateAsync("/api/v1/namespaces", $$"""{"metadata":{"name":"{{name}}","labels":{{labels}} } }""");
        await Admin.UntilAsync($"/api/v1/namespaces/{name}/serviceaccounts", all => all.Any(a => a.Name() == "default"));
        await Admin.UntilAsync($"/api/v1/namespaces/{name}/configmaps", all => all.Any(m => m.Name() == "kube-root-ca.crt"));
        return name;
    }

    public async Task DisposeAsync()
    {
        Admin?.Dispose();
        if (_supervisor is not null) await _supervisor.DisposeAsync();
        if (_control is not null) await _control.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

[CollectionDefinition(ControlPlaneRig.Name)]
public sealed class ControlPlaneCollection : ICollectionFixture<ControlPlaneRig>;
