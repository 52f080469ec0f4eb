using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes;

namespace Hanbae.Kubelet.Tests;

/// <summary>Volumes for Pods that have none but images, which need nothing done.</summary>
sealed class NoVolumes : IVolumes
{
    /// <summary>Why they cannot be had.</summary>
    public VolumeException? Failure { get; set; }
    public Task<PreparedVolumes> PrepareAsync(Pod pod, CancellationToken ct) => Failure is null
        ? Task.FromResult(new PreparedVolumes(pod.Spec.Volumes.Where(v => v.Image is not null).ToDictionary(v => v.Name, v => new PreparedVolume("") { ImageReference = v.Image!.Reference })))
        : Task.FromException<PreparedVolumes>(Failure);
    public Task<string> SubPathAsync(Pod pod, string container, VolumeMount mount, string subPath, PreparedVolumes volumes, CancellationToken ct) => throw new VolumeException("no volumes");
    public Task RefreshAsync(Pod pod, CancellationToken ct) => Task.CompletedTask;
    public Task TearDownAsync(string podUid, CancellationToken ct) => Task.CompletedTask;
}

/// <summary>Variables with plain values.</summary>
sealed class PlainEnvironments : IContainerEnvironments
{
    public Task<ContainerEnvironment> ForAsync(Pod pod, Container container, CancellationToken ct) =>
        Task.FromResult(new ContainerEnvironment(container.Env.Select(e => KeyValuePair.Create(e.Name, e.Value)).ToSeq()));
}

sealed class GivenObjects : IPodObjects
{
    public Dictionary<string, Secret> Secrets { get; } = [];
    public Node? Node { get; set; }
    /// <summary>What the server has meanwhile.</summary>
    public Node? NodeNow { get; set; }
    public Task<Node?> NodeNowAsync(CancellationToken ct) => Task.FromResult(NodeNow ?? Node);
    public Task<ConfigMap?> ConfigMapAsync(string ns, string name, CancellationToken ct) => Task.FromResult<ConfigMap?>(null);
    public Task<Secret?> SecretAsync(string ns, string name, CancellationToken ct) => Task.FromResult(Secrets.GetValueOrDefault(name));
    public Task<IReadOnlyList<Hanbae.Api.Certificates.V1beta1.ClusterTrustBundle>> TrustBundlesAsync(string fieldSelector, CancellationToken ct) => throw new InvalidOperationException("no bundles here");
    public IReadOnlyCollection<Service> Services(string ns) => [];
    public Task<TokenRequestStatus> TokenAsync(Pod pod, string audience, TimeSpan lifetime, CancellationToken ct) => Task.FromResult(new TokenRequestStatus { Token = "token for " + audience });
    public Dictionary<string, ServiceAccount> Accounts { get; } = [];
    public Task<ServiceAccount?> ServiceAccountAsync(string ns, string name, CancellationToken ct) => Task.FromResult(Accounts.GetValueOrDefault(name));
    public Task<Hanbae.Api.Certificates.V1beta1.PodCertificateRequest> AskCertificateAsync(Hanbae.Api.Certificates.V1beta1.PodCertificateRequest request, CancellationToken ct) => throw new InvalidOperationException("no certificates here");
    public Task<Hanbae.Api.Certificates.V1beta1.PodCertificateRequest?> CertificateRequestAsync(string ns, string name, CancellationToken ct) => throw new InvalidOperationException("no certificates here");
}

sealed class Events : IRecorder
{
    readonly ConcurrentQueue<string> _all = new();

    public IReadOnlyList<string> All => [.. _all];

    public void Event(IObject about, string type, string reason, string message, string fieldPath = "") => _all.Enqueue($"{type} {reason} {message}");
}

/// <summary>Keeps what the kubelet tells.</summary>
sealed class Reports : IPodReports
{
    public ConcurrentDictionary<string, PodStatus> Last { get; } = new();
    public ConcurrentQueue<string> Finished { get; } = new();

    readonly ConcurrentDictionary<TaskCompletionSource, Func<bool>> _waits = new();

    public void Report(Pod pod, PodStatus status)
    {
        Last[pod.Metadata.Uid] = status;
        foreach (var (wait, condition) in _waits) if (condition()) wait.TrySetResult();
    }

    /// <summary>Completes when what was told has made it so.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        var wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waits[wait] = condition;
        if (condition()) wait.TrySetResult();
        try { await wait.Task.WaitAsync(TimeSpan.FromSeconds(60)); }
        catch (TimeoutException) { Assert.Fail($"not within 60 s: {what}; told: {string.Join("; ", Last.Values)}"); }
        finally { _waits.TryRemove(wait, out _); }
    }

    public void Forget(string uid) { }

    public Task FinishAsync(Pod pod, PodStatus status, CancellationToken ct)
    {
        Last[pod.Metadata.Uid] = status;
        Finished.Enqueue(pod.Metadata.Uid);
        return Task.CompletedTask;
    }
}
