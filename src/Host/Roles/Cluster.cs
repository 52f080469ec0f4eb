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
static class Cluster
{
    public static async Task<int> RunAsync(ClusterSettings settings, NodePaths paths, string logLevel, CancellationToken ct)
    {
        var time = TimeProvider.System;
        var begun = time.GetUtcNow();
        using var loggers = Commands.Flags.Loggers(logLevel);
        var steps = new Steps(Console.Out, live: !Console.IsOutputRedirected);
        bool node = !settings.ControlPlaneOnly;
        steps.Say($"Hanbae in {paths.Data}");
        if (node && settings.RuntimeEndpoint is null)
            await steps.RunAsync("programs a node needs", () => PackageInstaller.EnsureAsync("hanbae up", steps.Say, ct));
        var runtime = new NodeRuntime(paths, time);
        runtime.Register();
        OtherClusters.Register(paths);
        try
        {
            var folder = new PkiFolder(Path.Combine(paths.Data, ClusterPki.Folder), time);
            var pki = await steps.RunAsync("certificates", async () =>
            {
                using var alone = await folder.AloneAsync(ct);
                return await Task.Run(() => ClusterPki.Ensure(folder, settings), ct);
            });
            var live = new LivePki(folder, settings, pki, time, loggers.CreateLogger("hanbae.certificates"));
            var encryption = Encryption(settings, folder, time, loggers);
            await using var control = await steps.RunAsync("API server", () => ControlPlane.StartAsync(settings, paths.Data, live, encryption, node ? settings.BridgeAddress : Advertised(settings), time, loggers, ct));
            // A port that was free is this cluster's from now on: its kubeconfig stays true.
            settings = settings with { ApiPort = control.Port };
            await KubeconfigWriter.WriteAsync(KubeconfigPath.Of(paths.Data), control.Port, pki, ct);
            await using var supervisor = new Supervisor(loggers, time);
            supervisor.Run("quiet", stop => Quiet.RunAsync(time, stop));
            if (Commands.Detached.IsChild) supervisor.Run("log-size", stop => Commands.LogFile.KeepSmallAsync(Path.Combine(paths.Data, Commands.Up.LogFile), time, stop));
            supervisor.Run("certificates", live.RunAsync);
            supervisor.Run("kubeconfig", stop => KeepKubeconfigAsync(KubeconfigPath.Of(paths.Data), control.Port, live, stop));
            // After the API server, for whose first answer somebody waits, and beside all that follows.
            var starting = !node ? Task.FromResult<RuntimeReady?>(null) : steps.RunAsync<RuntimeReady?>("container runtime", async () => settings.RuntimeEndpoint is { } endpoint
                ? await runtime.UseAsync(endpoint, Images.PauseImage.Name, ct)
                : await runtime.StartAsync([settings.NodePodCidr], [settings.PodCidr], NodeAgent.SystemdCgroups(paths, settings.KubeletConfig), ct));
            control.RunComponents(supervisor, settings, live);
            if (settings.SimulatedNodes > 0)
            {
                var access = control.Access(supervisor, "system:hanbae:simulated-nodes", "kubelet", "simulated-nodes");
                supervisor.Run("simulated-nodes", stop => new SimulatedNodes(access, settings.SimulatedNodes).RunAsync(stop));
            }
            if (node || settings.SimulatedNodes > 0)
            {
                var storage = new LocalStorage(control.Access(supervisor, "system:hanbae:local-provisioner", "hanbae", LocalProvisioner.Name), settings, Path.Combine(paths.Data, "volumes"), loggers.CreateLogger("hanbae.local-provisioner"));
                supervisor.Run("local-storage", storage.RunAsync);
            }
            if (await starting is { } ready)
            {
                if (settings.RuntimeEndpoint is null) supervisor.Run("containerd", stop => new Containerd(paths, time).KeepAsync(loggers.CreateLogger("hanbae.containerd"), stop));
                new NodeAgent(control, settings, paths, live, time, loggers).Run(supervisor, ready);
                await steps.RunAsync($"node {settings.NodeName} Ready", () => ReadyAsync(control.Informers.Cache<Node>(), settings.NodeName, begun, ct));
            }
            settings.Save(paths.Data);
            Say(steps, settings, paths);
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return Shared.Ok;
        }
        finally { File.Delete(paths.HanbaeProcess); }
    }

    /// <summary>How Secrets are encrypted: as the user's configuration says, or by a key of the cluster's own that is made with it.</summary>
    static EncryptionFile Encryption(ClusterSettings settings, PkiFolder folder, TimeProvider time, ILoggerFactory loggers)
    {
        string file = settings.Flags.EncryptionConfig ?? folder.Secret(OwnEncryption.FileName, OwnEncryption.New);
        try { return new(file, time, loggers.CreateLogger("hanbae.encryption")); }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException) { throw new SettingsException($"--encryption-provider-config {e.Message}", e); }
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
            if (e.New is { } node && node.Metadata.Name == name && node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" } && c.LastHeartbeatTime > since)) ready.TrySetResult();
        });
        await ready.Task;
    }

    /// <summary>Ends with an empty line: what a detached start shows ends there too.</summary>
    static void Say(Steps steps, ClusterSettings settings, NodePaths paths)
    {
        steps.Say(Detached.Ready + Steps.Format(steps.Elapsed));
        steps.Say($"  export KUBECONFIG={KubeconfigPath.Of(paths.Data)}");
        steps.Say(settings.ControlPlaneOnly && settings.SimulatedNodes == 0 ? "  kubectl get namespaces" : "  kubectl get nodes");
        steps.Say($"  ./{Shared.Again("down", paths.Data)}        stops the cluster, ./{Shared.Again("reset", paths.Data)} removes it");
        if (!Detached.IsChild && !settings.ControlPlaneOnly) steps.Say("  Ctrl-C ends this process; Pods go on running until then `down` stops them");
        steps.Say("");
    }
}
