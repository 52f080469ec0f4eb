using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Host.Commands;
using Hanbae.Host.Packages;
using Hanbae.Host.Pki;
using Hanbae.Host.Progress;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Simulation;
using Hanbae.Kubelet.Volumes.Local;
using Hanbae.Machinery.Nodes;
using Hanbae.Server.Encryption;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Roles;

/// <summary>A whole cluster in this process: brought up step by step, run until it is told to stop.</summary>
sealed class Cluster(ClusterSettings settings, NodePaths paths, ILoggerFactory loggers)
{
    readonly TimeProvider _time = TimeProvider.System;
    readonly Steps _steps = new(Console.Out, live: !Console.IsOutputRedirected);
    readonly NodeRuntime _runtime = new(paths, TimeProvider.System);
    readonly PkiFolder _pki = new(Path.Combine(paths.Data, ClusterPki.Folder), TimeProvider.System);
    ClusterSettings _settings = settings;

    bool HasNode => !_settings.ControlPlaneOnly;

    public async Task<int> RunAsync(CancellationToken ct)
    {
        _steps.Say($"Hanbae in {paths.Data}");
        if (HasNode && _settings.RuntimeEndpoint is null)
            await _steps.RunAsync("programs a node needs", () => PackageInstaller.EnsureAsync("hanbae up", _steps.Say, ct));
        _runtime.Register();
        OtherClusters.Register(paths);
        try
        {
            await RunRegisteredAsync(ct);
            return Shared.Ok;
        }
        finally { File.Delete(paths.HanbaeProcess); }
    }

    async Task RunRegisteredAsync(CancellationToken ct)
    {
        var begun = _time.GetUtcNow();
        // Another's runtime is there or is not: nothing needs to be started to know.
        var foreign = HasNode && _settings.RuntimeEndpoint is { } endpoint
            ? await _steps.RunAsync("container runtime", () => _runtime.UseAsync(endpoint, Images.PauseImage.Name, ct)) : null;
        var live = await CertificatesAsync(ct);
        await using var control = await _steps.RunAsync("API server", () => StartControlAsync(live, ct));
        // A port that was free is this cluster's from now on: its kubeconfig stays true.
        _settings = _settings with { ApiPort = control.Port };
        await KubeconfigWriter.WriteAsync(KubeconfigPath.Of(paths.Data), control.Port, live.Now, ct);
        await using var supervisor = new Supervisor(loggers, _time);
        KeepFiles(supervisor, live);
        // After the API server, for whose first answer somebody waits, and beside all that follows.
        var own = HasNode && foreign is null ? _steps.RunAsync("container runtime", () => StartRuntimeAsync(ct)) : null;
        control.RunComponents(supervisor, _settings, live);
        Simulate(supervisor, control);
        if (own is not null)
        {
            foreign = await own;
            supervisor.Run("containerd", stop => new Containerd(paths, _time).KeepAsync(loggers.CreateLogger("hanbae.containerd"), stop));
        }
        if (foreign is { } ready) await JoinAsync(supervisor, control, live, ready, begun, ct);
        _settings.Save(paths.Data);
        SayReady();
        await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    async Task<LivePki> CertificatesAsync(CancellationToken ct)
    {
        var pki = await _steps.RunAsync("certificates", async () =>
        {
            using var alone = await _pki.AloneAsync(ct);
            return await Task.Run(() => ClusterPki.Ensure(_pki, _settings), ct);
        });
        return new(_pki, _settings, pki, _time, loggers.CreateLogger("hanbae.certificates"));
    }

    Task<ControlPlane> StartControlAsync(LivePki live, CancellationToken ct) => ControlPlane.StartAsync(
        _settings, paths.Data, live, Encryption(), HasNode ? _settings.BridgeAddress : Advertised(_settings), _time, loggers, ct);

    /// <summary>What is on the disk follows what runs.</summary>
    void KeepFiles(Supervisor supervisor, LivePki live)
    {
        supervisor.Run("quiet", stop => Quiet.RunAsync(_time, stop));
        if (Detached.IsChild) supervisor.Run("log-size", stop => Commands.LogFile.KeepSmallAsync(Path.Combine(paths.Data, Up.LogFile), _time, stop));
        supervisor.Run("certificates", live.RunAsync);
        supervisor.Run("kubeconfig", stop => KeepKubeconfigAsync(KubeconfigPath.Of(paths.Data), _settings.ApiPort, live, stop));
    }

    Task<RuntimeReady> StartRuntimeAsync(CancellationToken ct) =>
        _runtime.StartAsync([_settings.NodePodCidr], [_settings.PodCidr], NodeAgent.SystemdCgroups(paths, _settings.KubeletConfig), ct);

    /// <summary>Nodes that there are not, and volumes for the Pods of all nodes.</summary>
    void Simulate(Supervisor supervisor, ControlPlane control)
    {
        if (_settings.SimulatedNodes > 0)
        {
            var access = control.Access(supervisor, "system:hanbae:simulated-nodes", "kubelet", "simulated-nodes");
            supervisor.Run("simulated-nodes", stop => new SimulatedNodes(access, _settings.SimulatedNodes).RunAsync(stop));
            if (HasNode) _steps.Say("  Pods go to simulated nodes too, where they run nowhere: keep them away by the label hanbae.io/simulated");
        }
        if (!HasNode && _settings.SimulatedNodes == 0) return;
        var provisioner = control.Access(supervisor, "system:hanbae:local-provisioner", "hanbae", LocalProvisioner.Name);
        var storage = new LocalStorage(provisioner, _settings, Path.Combine(paths.Data, "volumes"), loggers.CreateLogger("hanbae.local-provisioner"));
        supervisor.Run("local-storage", storage.RunAsync);
    }

    /// <summary>This machine becomes a node.</summary>
    async Task JoinAsync(Supervisor supervisor, ControlPlane control, LivePki live, RuntimeReady runtime, DateTimeOffset begun, CancellationToken ct)
    {
        if (_settings.KubeletPort > 0 && !Ports.IsFree(_settings.KubeletPort))
            _steps.Say($"  port {_settings.KubeletPort} is another program's: the kubelet takes a free one, and the Node says which");
        new NodeAgent(control, _settings, paths, live, _time, loggers).Run(supervisor, runtime);
        await _steps.RunAsync($"node {_settings.NodeName} Ready", () => ReadyAsync(control.Informers.Cache<Node>(), _settings.NodeName, begun, ct));
    }

    /// <summary>How Secrets are encrypted: as the user's configuration says, or by a key of the cluster's own that is made with it.</summary>
    EncryptionFile Encryption()
    {
        string file = _settings.Flags.EncryptionConfig ?? _pki.Secret(OwnEncryption.FileName, OwnEncryption.New);
        try { return new(file, _time, loggers.CreateLogger("hanbae.encryption")); }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"--encryption-provider-config {e.Message}", e);
        }
    }

    /// <summary>The administrator's kubeconfig is of the certificates that there are now.</summary>
    static async Task KeepKubeconfigAsync(string file, int port, LivePki live, CancellationToken ct)
    {
        await foreach (var pki in live.ChangesAsync(first: false, ct)) await KubeconfigWriter.WriteAsync(file, port, pki, ct);
    }

    /// <summary>Where others reach an API server that has no bridge of Pods: no endpoint may be a loopback address.</summary>
    static IPAddress Advertised(ClusterSettings settings) =>
        IPAddress.TryParse(settings.BindAddress, out var bound) && !bound.Equals(IPAddress.Any) && !IPAddress.IsLoopback(bound) ? bound
        : LocalInterfaces.All().Where(n => n.Interface.OperationalStatus == OperationalStatus.Up).Select(n => n.Properties)
            .OrderByDescending(p => p.GatewayAddresses.Count).SelectMany(p => p.UnicastAddresses).Select(a => a.Address)
            .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a)) ?? settings.BridgeAddress;

    /// <param name="since">A kubelet that was killed left a node that is Ready: only what was said since counts. Of conditions whole seconds are kept.</param>
    static async Task ReadyAsync(ICache<Node> nodes, string name, DateTimeOffset since, CancellationToken ct)
    {
        since = since.AddSeconds(-1);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var cancelled = ct.Register(() => ready.TrySetCanceled(ct));
        using var subscription = nodes.Subscribe(e =>
        {
            if (e.New is { } node && node.Metadata.Name == name
                && node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" } && c.LastHeartbeatTime > since)) ready.TrySetResult();
        });
        await ready.Task;
    }

    /// <summary>Ends with an empty line: what a detached start shows ends there too.</summary>
    void SayReady()
    {
        _steps.Say(Detached.Ready + Steps.Format(_steps.Elapsed));
        foreach (string line in Owners.Kubeconfig(paths.Data)) _steps.Say("  " + line);
        _steps.Say(HasNode || _settings.SimulatedNodes > 0 ? "  kubectl get nodes" : "  kubectl get namespaces");
        _steps.Say($"  ./{Shared.Again("down", paths.Data)}        stops the cluster, ./{Shared.Again("reset", paths.Data)} removes it");
        if (!Detached.IsChild && HasNode) _steps.Say("  Ctrl-C ends this process; Pods go on running until then `down` stops them");
        _steps.Say("");
    }
}
