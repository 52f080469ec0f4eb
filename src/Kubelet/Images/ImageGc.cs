using System.Text.Json;
using Hanbae.Api.Core.V1;
using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Images;

/// <summary>Removes images that nobody uses when the disk fills, those used longest ago first.</summary>
/// <remarks>
/// Never: an image in use, one that is pinned (in the runtime, or by name in the file <c>pinned-images</c> of the data folder), the sandboxes'
/// own, and one that did not come from a registry: nobody could bring it back. When an image was last used is known since this kubelet began.
/// </remarks>
sealed class ImageGc(PodContext context)
{
    readonly Dictionary<string, (DateTimeOffset Found, DateTimeOffset Used)> _known = []; // as many as images
    readonly SemaphoreSlim _turn = new(1);
    readonly KubeletOptions _options = context.Options;
    string? _sandboxImage;

    /// <summary>Where the runtime keeps images, and what containers write; nothing until it said so.</summary>
    public DiskLayout Disks { get; private set; } = DiskLayout.None;
    public Func<IReadOnlyCollection<Pod>> Pods { get; init; } = () => [];

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            try { await OnceAsync(ct).ConfigureAwait(false); }
            catch (Exception e) when (e is GrpcException or IOException && !ct.IsCancellationRequested) { context.Log.ImageNotRemoved("", e.Message); }
            await Task.Delay(_options.ImagePeriod, context.Time, ct).ConfigureAwait(false);
        }
    }

    public Task OnceAsync(CancellationToken ct) => InTurnAsync(async () =>
    {
        var unused = await UnusedAsync(ct).ConfigureAwait(false);
        if (_options.ImageMaximumAge > TimeSpan.Zero)
            foreach (var image in unused.Where(u => context.Time.GetUtcNow() - (u.Used > u.Found ? u.Used : u.Found) > _options.ImageMaximumAge)) await RemoveAsync(image.Image, "age", ct).ConfigureAwait(false);
        if (Disks.Images.Length == 0) Disks = DiskLayout.Of(_options.Folders.Data, await context.Cri.ImageFsInfoAsync(ct).ConfigureAwait(false));
        if (Disks.Images.Length == 0 || !Directory.Exists(Disks.Images)) return 0;
        var (total, available, _, _) = Native.FileSystem(Disks.Images);
        if (total == 0 || 100 - available * 100 / total < _options.ImageHighPercent) return 0;
        return await RemoveUnusedAsync(total * (100 - _options.ImageLowPercent) / 100 - available, ct).ConfigureAwait(false);
    }, ct);

    /// <summary>Removes unused images until so many bytes are free.</summary>
    /// <returns>The bytes of what was removed.</returns>
    public Task<long> FreeAsync(long bytes, CancellationToken ct) => InTurnAsync(() => RemoveUnusedAsync(bytes, ct), ct);

    /// <summary>The eviction loop asks for room beside the loop of this.</summary>
    async Task<long> InTurnAsync(Func<Task<long>> work, CancellationToken ct)
    {
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        try { return await work().ConfigureAwait(false); }
        finally { _turn.Release(); }
    }

    async Task<long> RemoveUnusedAsync(long bytes, CancellationToken ct)
    {
        long freed = 0;
        foreach (var (image, _, found) in await UnusedAsync(ct).ConfigureAwait(false))
        {
            if (freed >= bytes) break;
            if (context.Time.GetUtcNow() - found < _options.ImageMinimumAge) continue;
            if (await RemoveAsync(image, "space", ct).ConfigureAwait(false)) freed += (long)image.Size;
        }
        return freed;
    }

    async Task<List<(Image Image, DateTimeOffset Used, DateTimeOffset Found)>> UnusedAsync(CancellationToken ct)
    {
        var now = context.Time.GetUtcNow();
        var images = await context.Cri.ListImagesAsync(ct).ConfigureAwait(false);
        context.Images.Records?.Prune(images.Select(i => i.Id).ToHashSet());
        var used = new HashSet<string>();
        foreach (var container in await context.Cri.ListContainersAsync(null, ct).ConfigureAwait(false))
        {
            used.Add(container.ImageRef);
            if (container.Image is { } image) used.Add(image.Image);
        }
        foreach (var pod in Pods()) used.UnionWith(pod.Spec.Volumes.Where(v => v.Image is not null).Select(v => ImageName.Normalize(v.Image!.Reference) ?? v.Image!.Reference));
        _sandboxImage ??= await SandboxImageAsync(ct).ConfigureAwait(false);
        if (_sandboxImage.Length > 0) used.Add(_sandboxImage);
        used.UnionWith(Pinned());

        var unused = new List<(Image, DateTimeOffset, DateTimeOffset)>();
        foreach (var image in images)
        {
            var entry = _known.TryGetValue(image.Id, out var was) ? was : (Found: now, Used: default);
            bool inUse = used.Contains(image.Id) || image.RepoTags.Any(used.Contains) || image.RepoDigests.Any(used.Contains);
            _known[image.Id] = inUse ? (entry.Found, now) : entry;
            if (!inUse && !image.Pinned && image.RepoDigests.Count > 0) unused.Add((image, entry.Used, entry.Found));
        }
        foreach (string gone in _known.Keys.Except(images.Select(i => i.Id)).ToArray()) _known.Remove(gone);
        unused.Sort((a, b) => a.Item2 != b.Item2 ? a.Item2.CompareTo(b.Item2) : a.Item3.CompareTo(b.Item3));
        return unused;
    }

    async Task<bool> RemoveAsync(Image image, string why, CancellationToken ct)
    {
        string name = image.RepoTags.Concat(image.RepoDigests).FirstOrDefault() ?? image.Id;
        try
        {
            await context.Cri.RemoveImageAsync(new ImageSpec { Image = image.Id }, ct).ConfigureAwait(false);
            _known.Remove(image.Id);
            context.Log.ImageRemoved(name, image.Size);
            context.Figures.Count("kubelet_image_garbage_collected_total", ("reason", why));
            return true;
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested)
        {
            context.Log.ImageNotRemoved(name, e.Message);
            return false;
        }
    }

    /// <summary>One name a line; what starts with <c>#</c> is a remark.</summary>
    IEnumerable<string> Pinned()
    {
        string file = Path.Combine(_options.Folders.Data, "pinned-images");
        return File.Exists(file) ? [.. File.ReadAllLines(file).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#').Select(l => ImageName.Normalize(l) ?? l)] : [];
    }

    /// <summary>Containerd tells its settings as JSON.</summary>
    async Task<string> SandboxImageAsync(CancellationToken ct)
    {
        var status = await context.Cri.StatusAsync(verbose: true, ct).ConfigureAwait(false);
        if (!status.Info.TryGetValue("config", out string? text)) return "";
        try
        {
            using var config = JsonDocument.Parse(text);
            return config.RootElement.TryGetProperty("sandboxImage", out var image) && image.GetString() is { } name ? ImageName.Normalize(name) ?? name : "";
        }
        catch (JsonException) { return ""; }
    }
}
