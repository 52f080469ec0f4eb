using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hanbae.Cri.Containerd;
using Hanbae.Grpc;

namespace Hanbae.Cri;

/// <summary>One mount, as containerd asks for it.</summary>
public sealed record SnapshotMount(string Type, string Source, IReadOnlyList<string> Options);

/// <summary>The files of an image, to be mounted without a container: for image volumes on runtimes whose CRI cannot mount them yet (containerd before 2.1).</summary>
/// <param name="channel">To containerd; belongs to the caller.</param>
public sealed class ImageSnapshots(GrpcChannel channel)
{
    const string Snapshotter = "overlayfs", Snapshots = "containerd.services.snapshots.v1.Snapshots", Content = "containerd.services.content.v1.Content";
    const int MaxConfig = 4 << 20;

    static readonly GrpcMethod<ReadContentRequest, ReadContentResponse> s_read = new(Content, "Read", ReadContentRequest.Parser, ReadContentResponse.Parser);
    static readonly GrpcMethod<ViewSnapshotRequest, MountsResponse> s_view = new(Snapshots, "View", ViewSnapshotRequest.Parser, MountsResponse.Parser);
    static readonly GrpcMethod<MountsRequest, MountsResponse> s_mounts = new(Snapshots, "Mounts", MountsRequest.Parser, MountsResponse.Parser);
    static readonly GrpcMethod<RemoveSnapshotRequest, RemoveSnapshotResponse> s_remove = new(Snapshots, "Remove", RemoveSnapshotRequest.Parser, RemoveSnapshotResponse.Parser);

    // The namespace in which CRI keeps everything.
    static readonly GrpcCallOptions s_options = new(TimeSpan.FromMinutes(1), [new("containerd-namespace", "k8s.io")]);

    /// <summary>Makes a read-only view of an image's files, or finds the one of that key.</summary>
    /// <param name="imageId">As CRI tells it: the digest of the image's configuration.</param>
    /// <exception cref="GrpcException"/>
    public async Task<IReadOnlyList<SnapshotMount>> ViewAsync(string key, string imageId, CancellationToken ct)
    {
        MountsResponse answer;
        try
        {
            // The label keeps containerd's garbage collection away.
            var request = new ViewSnapshotRequest { Snapshotter = Snapshotter, Key = key, Parent = await ChainAsync(imageId, ct), Labels = { ["containerd.io/gc.root"] = "image-volume" } };
            answer = await channel.UnaryAsync(s_view, request, s_options, ct);
        }
        catch (GrpcException e) when (e.Status == GrpcStatus.AlreadyExists)
        {
            answer = await channel.UnaryAsync(s_mounts, new MountsRequest { Snapshotter = Snapshotter, Key = key }, s_options, ct);
        }
        return [.. answer.Mounts.Select(m => new SnapshotMount(m.Type, m.Source, [.. m.Options]))];
    }

    /// <exception cref="GrpcException"/>
    public async Task RemoveAsync(string key, CancellationToken ct)
    {
        try { await channel.UnaryAsync(s_remove, new RemoveSnapshotRequest { Snapshotter = Snapshotter, Key = key }, s_options, ct); }
        catch (GrpcException e) when (e.Status == GrpcStatus.NotFound) { } // gone already
    }

    /// <summary>What the snapshot of all of an image's layers is called.</summary>
    async Task<string> ChainAsync(string imageId, CancellationToken ct)
    {
        using var buffer = new MemoryStream();
        await foreach (var part in channel.ServerStreamAsync(s_read, new ReadContentRequest { Digest = imageId }, s_options, ct))
        {
            if (buffer.Length + part.Data.Length > MaxConfig) throw new GrpcException(GrpcStatus.ResourceExhausted, "the image's configuration is too long");
            part.Data.WriteTo(buffer);
        }
        using var config = JsonDocument.Parse(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
        return Chain(config.RootElement.GetProperty("rootfs").GetProperty("diff_ids").EnumerateArray().Select(d => d.GetString()!));
    }

    /// <summary>OCI's ChainID: each layer's name depends on all beneath it.</summary>
    public static string Chain(IEnumerable<string> layers)
    {
        string chain = "";
        foreach (string layer in layers) chain = chain.Length == 0 ? layer : "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{chain} {layer}")));
        return chain;
    }
}
