using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Host.Components;
using Hanbae.Host.Packages;
using Hanbae.Host.Pki;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;
using Hanbae.Kubelet;
using Hanbae.Kubelet.Certificates;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Static;
using Hanbae.Machinery.Pkcs;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Roles;

/// <summary>What a kubelet by itself is told; names and meanings are upstream's.</summary>
/// <param name="Kubeconfig">Null for no cluster at all: then only what is in files runs.</param>
sealed record StandaloneSettings(
    string NodeName, string? Kubeconfig, string? BootstrapKubeconfig, string? RuntimeEndpoint, string PodCidr, int Port,
    bool RotateServer, string? Config = null, string? ConfigFolder = null)
{
    /// <summary>Fields of the configuration that the command line says.</summary>
    public JsonObject Flags { get; init; } = JsonObject.Empty;
    public Map<string> NodeLabels { get; init; }
    /// <summary>Empty finds one.</summary>
    public Seq<string> NodeIPs { get; init; }
    /// <summary>Another program of the cluster knows the node's addresses.</summary>
    public bool ExternalCloud { get; init; }
    /// <summary>The Node is made cordoned.</summary>
    public bool Unschedulable { get; init; }
    /// <summary>Where the kubelet's certificates are; null for the data folder.</summary>
    public string? CertificateFolder { get; init; }
    /// <summary>Who knows logins of image registries: a configuration, and the folder of its programs.</summary>
    public (string Config, string Folder)? Credentials { get; init; }
    /// <summary>Held while the kubelet runs.</summary>
    public string? LockFile { get; init; }
    /// <summary>The kubelet ends when somebody else wants that.</summary>
    public bool YieldsLock { get; init; }
}

/// <summary>A kubelet alone on this machine, of a cluster elsewhere: joins by a bootstrap kubeconfig, and keeps its certificates good.</summary>
sealed class StandaloneKubelet(StandaloneSettings settings, NodePaths paths, TimeProvider time, ILoggerFactory loggers)
{
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);

    readonly ILogger _log = loggers.CreateLogger("hanbae.kubelet");

    CertificateFolder Folder(string name) => new(settings.CertificateFolder ?? Path.Combine(paths.Data, "pki"), name);

    public async Task RunAsync(CancellationToken ct)
    {
        if (settings.LockFile is not { } file)
        {
            await WorkAsync(ct);
            return;
        }
        using var held = await LockFile.TakeAsync(file, time, ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var work = WorkAsync(stop.Token);
        var asked = settings.YieldsLock ? held.AskedForAsync(stop.Token) : Task.Delay(Timeout.Infinite, stop.Token);
        try
        {
            if (await Task.WhenAny(work, asked).ConfigureAwait(false) == asked) await asked.ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await work;
        }
    }

    async Task WorkAsync(CancellationToken ct)
    {
        // Before anything is made on the machine for a kubelet that nobody knows.
        if (settings is { Kubeconfig: { } known, BootstrapKubeconfig: null } && !IsGood(known)) throw new SettingsException($"there is no good certificate in {known}: give a --bootstrap-kubeconfig");
        if (settings.RuntimeEndpoint is null) await PackageInstaller.EnsureAsync("hanbae kubelet", Console.WriteLine, ct);
        var runtime = new NodeRuntime(paths, time);
        runtime.Register();
        OtherClusters.Register(paths);
        try
        {
            // For commands about the folder, such as `image`.
            if (settings.RuntimeEndpoint is { } other) await File.WriteAllTextAsync(paths.OtherRuntime, other, ct);
            else File.Delete(paths.OtherRuntime);
            bool systemd = NodeAgent.SystemdCgroups(paths, settings.Config, settings.ConfigFolder, settings.Flags);
            var ready = settings.RuntimeEndpoint is { } endpoint ? await runtime.UseAsync(endpoint, Images.PauseImage.Name, ct)
                : await runtime.StartAsync([settings.PodCidr], [settings.PodCidr], systemd, ct);
            if (settings.Kubeconfig is not { } kubeconfig)
            {
                await AloneAsync(ready, ct);
                return;
            }
            await JoinAsync(kubeconfig, ct);
            var config = Client.Kubeconfig.Load(kubeconfig).Resolve();
            using var transport = new HttpTransport(config, time);
            await using var supervisor = new Supervisor(loggers, time);
            supervisor.Run("quiet", stop => Quiet.RunAsync(time, stop));
            if (settings.RuntimeEndpoint is null) supervisor.Run("containerd", stop => new Containerd(paths, time).KeepAsync(_log, stop));
            Run(supervisor, config, transport, ready);
            Console.WriteLine($"kubelet of node {settings.NodeName} runs, for {config.Server}");
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally { File.Delete(paths.HanbaeProcess); }
    }

    /// <summary>Runs what is in files, for nobody.</summary>
    async Task AloneAsync(RuntimeReady ready, CancellationToken ct)
    {
        await using var supervisor = new Supervisor(loggers, time);
        supervisor.Run("quiet", stop => Quiet.RunAsync(time, stop));
        if (settings.RuntimeEndpoint is null) supervisor.Run("containerd", stop => new Containerd(paths, time).KeepAsync(_log, stop));
        using var channel = new GrpcChannel(ready.Endpoint);
        var options = Options(ready);
        options = options with { ServingCertificate = Files(options)?.First ?? SelfSigned.Of(settings.NodeName, time) };
        supervisor.Run("kubelet", stop => new Kubelet.Kubelet(NoApi.Parts(options, new CriClient(channel), time, _log) with { Snapshots = new(channel) }).RunAsync(stop));
        Console.WriteLine($"kubelet of node {settings.NodeName} runs without a cluster: Pods are the files in {options.StaticPodPath}");
        await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    KubeletOptions Options(RuntimeReady ready) => NodeAgent.Configured(NodeAgent.Options(settings.NodeName, paths, settings.Port) with
    {
        PodCidr = settings.PodCidr, NodeLabels = settings.NodeLabels, NodeIPs = settings.NodeIPs, ExternalCloud = settings.ExternalCloud, Unschedulable = settings.Unschedulable,
        CredentialProviderConfig = settings.Credentials?.Config ?? "", CredentialProviderFolder = settings.Credentials?.Folder ?? "",
    }, settings.Config, _log, settings.ConfigFolder, settings.Flags) with { RuntimeEndpoint = ready.Endpoint };

    void Run(Supervisor supervisor, ClusterConfig config, HttpTransport http, RuntimeReady ready)
    {
        var transport = new CountingTransport(http, config.Server.Authority);
        string node = settings.NodeName;
        var informers = new InformerFactory(transport, time, logger: _log);
        var access = new ClusterAccess(transport, informers, "kubelet", time, node, _log);
        var pods = access.Cache<Pod>(new() { FieldSelector = "spec.nodeName=" + node });
        var services = access.Cache<Service>();
        var wanted = new Wanted(node);
        // A kubeconfig whose certificate is somebody else's to renew stays as it is.
        var client = config.ClientCertificate.File != Folder("kubelet-client").Current ? null
            : new RotatingCertificate(Folder("kubelet-client"), KubeletRequests.ClientSigner, _ => Task.FromResult<Wanted?>(wanted), access.Client, time, _log);
        if (client is not null) supervisor.Run("client-certificate", client.RunAsync);
        var serving = new RotatingCertificate(Folder("kubelet-server"), KubeletRequests.ServingSigner, async ct => Names(await access.Client.FindAsync<Node>(new("", node), ct)), access.Client, time, _log);
        var options = Options(ready);
        var files = Files(options);
        // As upstream without serverTLSBootstrap.
        var own = settings.RotateServer ? null : SelfSigned.Of(node, time);
        if (settings.RotateServer && files is null) supervisor.Run("serving-certificate", serving.RunAsync);
        supervisor.Run("kubelet-informers", informers.RunAsync);
        supervisor.Run("kubelet-events", access.RunAsync);
        var clients = new X509Certificate2Collection();
        clients.ImportFromPem(config.CertificateAuthority.ReadText());
        var channel = new GrpcChannel(ready.Endpoint);
        var cri = new CriClient(channel);
        supervisor.Run("kubelet", ct => new Kubelet.Kubelet(new()
        {
            Options = options with
            {
                CurrentServingCertificate = () => files?.Current().TargetCertificate ?? own ?? serving.Current, CurrentClientCAs = () => clients,
                ClientCertificate = client is null ? null : () => client.Current,
            },
            Cri = cri, Client = access.Client, Requests = transport, Pods = pods, Events = access.Recorder, Time = time, Services = services, Snapshots = new(channel), Log = _log,
        }).RunAsync(ct));
    }

    /// <returns>Null where the kubelet has no certificate of somebody else's.</returns>
    /// <exception cref="SettingsException">They are not there, or do not belong together.</exception>
    internal static ServingFiles? Files(KubeletOptions options) => options.TlsCertificateFile.Length > 0 ? new(options.TlsCertificateFile, options.TlsKeyFile) : null;

    /// <summary>Whether it is there, with a certificate that still counts or is somebody else's to renew.</summary>
    bool IsGood(string kubeconfig)
    {
        var folder = Folder("kubelet-client");
        return File.Exists(kubeconfig) && (Client.Kubeconfig.Load(kubeconfig).Resolve().ClientCertificate.File != folder.Current
            || folder.Load() is { } kept && kept.NotAfter.ToUniversalTime() > time.GetUtcNow());
    }

    /// <summary>Makes the kubeconfig, by the bootstrap one, when there is none with a certificate that is good: as upstream's TLS bootstrapping.</summary>
    async Task JoinAsync(string kubeconfig, CancellationToken ct)
    {
        if (IsGood(kubeconfig) || settings.BootstrapKubeconfig is not { } bootstrap) return;
        var folder = Folder("kubelet-client");
        var config = Client.Kubeconfig.Load(bootstrap).Resolve();
        using var transport = new HttpTransport(config, time);
        var client = new ApiClient(transport, time);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        while (true)
            try
            {
                folder.Save(await Signing.AskAsync(client, KubeletRequests.ClientSigner, key, new(settings.NodeName), time, ct), key, time.GetUtcNow());
                break;
            }
            // The API server may not be there yet, and rights may come later.
            catch (Exception e) when (e is ApiException or HttpRequestException or NotSignedException)
            {
                Log.NotJoined(_log, config.Server, e.Message);
                await Task.Delay(s_pause, time, ct);
            }
        var pem = new FileOrData(folder.Current, default);
        await new KubeconfigFile("default-cluster", "default-auth", config.WithoutCredentials() with { ClientCertificate = pem, ClientKey = pem }) { NamesFiles = true }.WriteAsync(kubeconfig, ct);
    }

    /// <summary>The names and addresses by which the Node is reached; null while it has none.</summary>
    static Wanted? Names(Node? node)
    {
        if (node is null) return null;
        var addresses = node.Status.Addresses;
        var found = new Wanted(node.Metadata.Name)
        {
            DnsNames = [.. addresses.Where(a => a.Type is "Hostname" or "InternalDNS" or "ExternalDNS").Select(a => a.Address).Distinct()],
            Addresses = [.. addresses.Where(a => a.Type is "InternalIP" or "ExternalIP").Select(a => IPAddress.Parse(a.Address)).Distinct()],
        };
        return found.DnsNames.Count + found.Addresses.Count > 0 ? found : null;
    }
}

static partial class Log
{
    [LoggerMessage(1030, LogLevel.Warning, "{Server} has not signed this node's certificate yet, it is asked again: {Why}")]
    public static partial void NotJoined(ILogger logger, Uri server, string why);
}
