using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Host.Runtime;

/// <summary>A sandbox as a reset needs to know it.</summary>
public sealed record Sandbox(string Id, string? PodUid);

/// <summary>An image as the runtime has it.</summary>
public sealed record RuntimeImage(string Id, IReadOnlyList<string> Names, IReadOnlyList<string> Digests, long Size);

/// <summary>What starting, resetting and image commands ask of a runtime, also while no kubelet runs; failures are told in the words of a command.</summary>
public sealed class NodeCri : IDisposable
{
    const string PodUidLabel = "io.kubernetes.pod.uid", PodNameLabel = "io.kubernetes.pod.name", NamespaceLabel = "io.kubernetes.pod.namespace";
    readonly GrpcChannel _channel;

    /// <param name="endpoint"><c>unix:///path</c>, or just the path.</param>
    public NodeCri(string endpoint)
    {
        _channel = new(endpoint.Contains("://", StringComparison.Ordinal) ? endpoint : "unix://" + endpoint);
        Cri = new CriClient(_channel);
    }

    public ICri Cri { get; }

    /// <summary>Name and version of the runtime, such as <c>containerd 1.6.20</c>: also the test that an endpoint is one.</summary>
    public Task<string> VersionAsync(CancellationToken ct) => AskAsync(async cri =>
    {
        var version = await cri.VersionAsync(ct);
        return version.RuntimeName + " " + version.RuntimeVersion;
    });

    public Task<IReadOnlyList<Sandbox>> SandboxesAsync(CancellationToken ct) => AskAsync<IReadOnlyList<Sandbox>>(async cri =>
        [.. (await cri.ListPodSandboxAsync(null, ct)).Select(s => new Sandbox(s.Id, s.Labels.TryGetValue(PodUidLabel, out string? uid) ? uid : null))]);

    public Task StopSandboxAsync(string id, CancellationToken ct) => AskAsync(async cri => { await cri.StopPodSandboxAsync(id, ct); return 0; });

    public Task RemoveSandboxAsync(string id, CancellationToken ct) => AskAsync(async cri => { await cri.RemovePodSandboxAsync(id, ct); return 0; });

    public Task<IReadOnlyList<RuntimeImage>> ImagesAsync(CancellationToken ct) => AskAsync<IReadOnlyList<RuntimeImage>>(async cri =>
        [.. (await cri.ListImagesAsync(ct)).Select(i => new RuntimeImage(i.Id, [.. i.RepoTags], [.. i.RepoDigests], (long)i.Size))]);

    /// <summary>Removes an image with all of its names, as CRI defines it.</summary>
    public Task RemoveImageAsync(string nameOrId, CancellationToken ct) => AskAsync(async cri => { await cri.RemoveImageAsync(new() { Image = nameOrId }, ct); return 0; });

    /// <returns>The Pods, as namespace/name, that have a container made of the image.</returns>
    public Task<IReadOnlyList<string>> UsersOfAsync(RuntimeImage image, CancellationToken ct) => AskAsync<IReadOnlyList<string>>(async cri =>
        [.. (await cri.ListContainersAsync(null, ct))
            .Where(c => c.ImageRef == image.Id || image.Names.Contains(c.Image?.Image) || image.Digests.Contains(c.ImageRef))
            .Select(c => $"{Label(c, NamespaceLabel)}/{Label(c, PodNameLabel)}").Distinct().Order(StringComparer.Ordinal)]);

    static string Label(Container container, string name) => container.Labels.TryGetValue(name, out string? value) ? value : "?";

    /// <exception cref="RuntimeException">Nobody answers, or the answer is an error.</exception>
    async Task<T> AskAsync<T>(Func<ICri, Task<T>> call)
    {
        try { return await call(Cri); }
        catch (GrpcException e)
        {
            throw new RuntimeException(e.Status is GrpcStatus.Unavailable or GrpcStatus.DeadlineExceeded ? "the container runtime does not answer: " + e.Detail : e.Detail, e);
        }
    }

    public void Dispose() => _channel.Dispose();
}
