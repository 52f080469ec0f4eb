using System.Security.Cryptography;
using System.Text;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

/// <summary>The images a fake runtime holds, and those it can pull.</summary>
internal sealed class ImageShelf
{
    readonly Dictionary<string, FakeImage> _known = [];
    readonly Dictionary<string, StoredImage> _held = []; // by id
    readonly Func<string, FakeImage?> _others;

    public ImageShelf(FakeCriOptions options)
    {
        _others = options.OtherImages;
        foreach (var (name, image) in options.Images)
        {
            string full = ImageName.Normalize(name) ?? throw new ArgumentException($"\"{name}\" is no image name", nameof(options));
            _known[full] = image;
            if (image.Present) Put(full, image);
        }
    }

    public IEnumerable<StoredImage> Held => _held.Values;

    /// <param name="reference">A name, a name with digest, or an id.</param>
    public StoredImage? Find(string reference)
    {
        if (_held.GetValueOrDefault(reference) is { } byId) return byId;
        if (_held.GetValueOrDefault("sha256:" + reference) is { } byHex) return byHex;
        return ImageName.Normalize(reference) is { } full ? _held.Values.FirstOrDefault(i => i.Tag == full || i.Digest == full) : null;
    }

    public StoredImage Pull(string reference)
    {
        if (ImageName.Normalize(reference) is not { } full)
            throw new GrpcException(GrpcStatus.Unknown, $"failed to parse image reference \"{reference}\": invalid reference format");
        var image = _known.GetValueOrDefault(full) ?? _others(full)
            ?? throw new GrpcException(
                GrpcStatus.NotFound, $"failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\": {full}: not found");
        return Find(full) ?? Put(full, image);
    }

    public void Remove(string reference)
    {
        if (Find(reference) is { } image) _held.Remove(image.Id);
    }

    StoredImage Put(string full, FakeImage image)
    {
        var stored = new StoredImage(full, image);
        return _held[stored.Id] = stored;
    }
}

/// <summary>An image that is there, with ids made from its name.</summary>
internal sealed class StoredImage
{
    public StoredImage(string fullName, FakeImage image)
    {
        Image = image;
        Id = Sha("config " + fullName);
        int at = fullName.IndexOf('@');
        Tag = at < 0 ? fullName : "";
        Digest = at < 0 ? $"{fullName[..fullName.LastIndexOf(':')]}@{Sha("manifest " + fullName)}" : fullName;
    }

    public FakeImage Image { get; }

    public string Id { get; }

    public string Tag { get; }

    public string Digest { get; }

    /// <summary>What a container's status calls the image.</summary>
    public string SpecName => Tag.Length > 0 ? Tag : Id;

    public string Ref => Digest;

    public Image ToMessage()
    {
        var message = new Image { Id = Id, RepoDigests = { Digest }, Size = Image.SizeBytes, Pinned = Image.Pinned };
        if (Tag.Length > 0) message.RepoTags.Add(Tag);
        return message;
    }

    static string Sha(string text) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
