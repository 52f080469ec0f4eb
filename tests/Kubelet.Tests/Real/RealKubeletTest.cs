using Hanbae.Kit.Containerd;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;

namespace Hanbae.Kubelet.Tests.Real;

/// <summary>A test of the whole kubelet on a real containerd, with as much of an API server as it needs.</summary>
public abstract class RealKubeletTest(KubeletNode node) : IClassFixture<KubeletNode>, IAsyncLifetime
{
    private protected readonly MemoryApi _api = new();
    private protected readonly Events _events = new();
    readonly List<(CancellationTokenSource Stop, Task Run)> _running = [];

    protected KubeletNode Node { get; } = node;

    public virtual Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (Kit.Containerd.ContainerdRig.Missing is not null) return;
        if (_running.Count > 0)
        {
            foreach (var pod in _api.All) _api.MarkDeleted(pod.Metadata.Name, 1);
            await _api.UntilAsync(a => a.All.Count == 0, "all pods deleted");
        }
        await StopAsync();
    }

    protected async Task StopAsync()
    {
        foreach (var (stop, run) in _running)
        {
            await stop.CancelAsync();
            await run.ContinueWith(_ => { }, TaskScheduler.Default);
        }
        _running.Clear();
    }

    protected Kubelet Start(Func<KubeletOptions, KubeletOptions>? change = null)
    {
        var options = new KubeletOptions
        {
            NodeName = "n1", Folders = new(Path.Combine(Node.Directory, "kubelet"), Path.Combine(Node.Directory, "logs")), CgroupRoot = Node.CgroupRoot, Port = 0,
            Address = IPAddress.Loopback, NodeIPs = ["10.213.255.1"],
        };
        var kubelet = new Kubelet(new()
        {
            Options = change?.Invoke(options) ?? options, Cri = Node.Cri, Client = _api, Pods = _api, Events = _events, Time = TimeProvider.System,
            // This process is not in containerd's mount namespace: volumes that need no mounts do for it.
            Volumes = objects => new PodVolumes(options.Folders, objects, new PersistentVolumesOf(_api), TimeProvider.System, canMount: false),
        });
        var stop = new CancellationTokenSource();
        _running.Add((stop, kubelet.RunAsync(stop.Token)));
        return kubelet;
    }

    protected static Pod Pod(string name, params Container[] containers) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = Guid.NewGuid().ToString(), Generation = 1 },
        Spec = new() { NodeName = "n1", Containers = containers, RestartPolicy = "Always", DnsPolicy = "Default", TerminationGracePeriodSeconds = 2 },
    };

    protected static Container Shell(string name, string script) => new()
    {
        Name = name, Image = SpecImage.Forever, ImagePullPolicy = "IfNotPresent", Command = ["sh", "-c", script],
        TerminationMessagePath = "/dev/termination-log", TerminationMessagePolicy = "File",
    };

    protected Task Until(string name, Func<PodStatus, bool> condition, string what) => _api.UntilAsync(a => a.Pod(name) is { } p && condition(p.Status), $"{name}: {what}");

    /// <summary>For what no write tells of.</summary>
    protected static async Task LookAsync(string what, Func<Task<bool>> enough)
    {
        for (int i = 0; i < 1200; i++)
        {
            if (await enough()) return;
            await Task.Delay(50);
        }
        Assert.Fail("not within 60 s: " + what);
    }

    protected PodStatus StatusOf(string name) => _api.Pod(name)!.Status;
}

/// <summary>An authority and what it issues, for one test.</summary>
sealed class TestPki : IDisposable
{
    readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestPki()
    {
        var request = new CertificateRequest("CN=test-ca", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Server = Issue("node");
    }

    public X509Certificate2 Authority { get; }
    public X509Certificate2 Server { get; }

    public X509Certificate2 Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")], false));
        using var issued = request.Create(Authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        using var whole = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pfx), null);
    }

    public HttpClient Client(string? name)
    {
        var handler = new SocketsHttpHandler { SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        if (name is not null) handler.SslOptions.ClientCertificates = [Issue(name)];
        return new(handler) { Timeout = TimeSpan.FromSeconds(60) };
    }

    public void Dispose()
    {
        _key.Dispose();
        Authority.Dispose();
        Server.Dispose();
    }
}
