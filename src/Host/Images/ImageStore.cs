using System.Runtime.InteropServices;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Images;

/// <summary>The images a node's containerd has: brought in, listed, taken out.</summary>
/// <remarks>Archives go through containerd's own <c>ctr</c>, in the namespace the kubelet's pods use.</remarks>
/// <param name="endpoint">The containerd socket, as <c>unix:///path</c> or the path.</param>
public sealed class ImageStore(string endpoint)
{
    const string Namespace = "k8s.io";
    readonly string _socket = endpoint.StartsWith("unix://", StringComparison.Ordinal) ? endpoint["unix://".Length..] : endpoint;

    /// <param name="name">For an archive with one image: the name to give it instead of its own.</param>
    /// <param name="anyPlatform">Also take images this node cannot run.</param>
    /// <returns>The names the images have now.</returns>
    public async Task<IReadOnlyList<string>> ImportAsync(string file, string? name, bool anyPlatform, CancellationToken ct)
    {
        var archive = await ArchiveFile.InspectAsync(file, ct);
        string? full = name is null ? null : FullName.Of(name);
        string here = "linux/" + Platform.Here;
        if (!anyPlatform && archive.Platforms.Count > 0 && !archive.Platforms.Contains(here))
            throw new ImageException($"{file} is for {string.Join(" and ", archive.Platforms)}, this node is {here}: get the image for {here}, or add --any-platform to keep it all the same");
        if (full is null && archive.Names.Count == 0) throw new ImageException($"{file} does not say what its image is called: add --name NAME");
        if (full is not null && archive.Names.Distinct().Count() > 1) throw new ImageException($"{file} holds {archive.Names.Count} images ({string.Join(", ", archive.Names)}): import it without --name");

        List<string> arguments = ["images", "import", "-"];
        if (anyPlatform) arguments.Insert(2, "--all-platforms");
        await CtrAsync(arguments, to => ImageNaming.CopyAsync(archive, full, to, ct), "import " + file, ct);
        return full is not null ? [full] : archive.Names;
    }

    /// <summary>Brings in the pause image, unless it is there.</summary>
    public async Task EnsurePauseAsync(CancellationToken ct)
    {
        using var runtime = new NodeCri(_socket);
        if ((await runtime.ImagesAsync(ct)).Any(i => i.Names.Contains(PauseImage.Name))) return;
        await CtrAsync(["images", "import", "-"], to => PauseImage.WriteAsync(to, RuntimeInformation.OSArchitecture, ct), "import " + PauseImage.Name, ct);
    }

    public async Task<IReadOnlyList<RuntimeImage>> ListAsync(CancellationToken ct)
    {
        using var runtime = new NodeCri(_socket);
        return await runtime.ImagesAsync(ct);
    }

    /// <summary>Takes a name away, and the image with its last one.</summary>
    /// <param name="force">Also an image that Pods use: they run on, and do not start again.</param>
    public async Task RemoveAsync(string nameOrId, bool force, CancellationToken ct)
    {
        using var runtime = new NodeCri(_socket);
        var (image, name) = Find(await runtime.ImagesAsync(ct), nameOrId);
        if (image.Names.Contains(PauseImage.Name)) throw new ImageException($"{PauseImage.Name} is what every pod starts from: it stays");
        bool last = name is null || image.Names.Count == 1;
        if (last && !force && await runtime.UsersOfAsync(image, ct) is { Count: > 0 } users)
            throw new ImageException($"{nameOrId} is used by {string.Join(", ", users)}: remove {(users.Count == 1 ? "this Pod" : "these Pods")} first, or add --force");
        // CRI removes an image with all of its names; docker's users expect the one they gave to go.
        if (!last) await CtrAsync(["images", "rm", "--sync", name!], null, "remove " + name, ct);
        else await runtime.RemoveImageAsync(image.Id, ct);
    }

    /// <summary>Writes images to an archive that import, docker and other tools read.</summary>
    public async Task ExportAsync(string file, IReadOnlyList<string> names, CancellationToken ct)
    {
        var images = await ListAsync(ct);
        string[] full = [.. names.Select(n => Find(images, n).Name ?? throw new ImageException($"{n} is the ID of an image; give a name, so that the archive can say what it is called"))];
        string partial = Path.GetFullPath(file) + ".partial";
        try
        {
            await CtrAsync(["images", "export", partial, .. full], null, "export " + string.Join(", ", full), ct);
            File.Move(partial, file, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    internal static (RuntimeImage Image, string? Name) Find(IReadOnlyList<RuntimeImage> images, string nameOrId)
    {
        // An ID may be shortened as long as it is one image's.
        if (nameOrId.Length >= 8 && nameOrId.Replace("sha256:", "", StringComparison.Ordinal) is var id && id.All(char.IsAsciiHexDigitLower)
            && images.Where(i => i.Id.StartsWith("sha256:" + id, StringComparison.Ordinal)).ToList() is [var one])
            return (one, null);
        string full = FullName.Of(nameOrId);
        return images.FirstOrDefault(i => i.Names.Contains(full) || i.Digests.Contains(full)) is { } image ? (image, full)
            : throw new ImageException($"there is no image {full} on this node; see `hanbae image list`");
    }

    async Task CtrAsync(IReadOnlyList<string> arguments, Func<Stream, Task>? input, string what, CancellationToken ct)
    {
        var result = await Tool.RunAsync("ctr", ["--address", _socket, "--namespace", Namespace, .. arguments], input, ct: ct);
        if (!result.Succeeded) throw new ImageException($"containerd could not {what}: {result.Complaint.Replace("ctr: ", "", StringComparison.Ordinal)}");
    }
}
