using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Grpc;

namespace Hanbae.CsiDriver;

/// <summary>Volumes and snapshots as folders: what they are stands in small files beside their data, so that a driver that was killed goes on.</summary>
sealed class Shelf(string root)
{
    public string Folder(string id) => Path.Combine(root, id.Length > 0 && !id.Contains('/') && id is not ("." or "..") ? id : throw new GrpcException(GrpcStatus.InvalidArgument, "no id"));

    public string Data(string id) => Path.Combine(Folder(id), "data");

    public bool Has(string id) => File.Exists(Path.Combine(Folder(id), "size"));

    public string this[string id, string fact]
    {
        get => File.Exists(Path.Combine(Folder(id), fact)) ? File.ReadAllText(Path.Combine(Folder(id), fact)) : "";
        set
        {
            Directory.CreateDirectory(Folder(id));
            if (value.Length > 0) File.WriteAllText(Path.Combine(Folder(id), fact), value);
            else File.Delete(Path.Combine(Folder(id), fact));
        }
    }

    public long Size(string id) => long.Parse(this[id, "size"], CultureInfo.InvariantCulture);

    public void SetSize(string id, long size) => this[id, "size"] = size.ToString(CultureInfo.InvariantCulture);

    public IEnumerable<string> All => Directory.Exists(root) ? Directory.EnumerateDirectories(root).Select(f => Path.GetFileName(f)).Where(Has) : [];

    public void Remove(string id)
    {
        if (Directory.Exists(Folder(id))) Directory.Delete(Folder(id), recursive: true);
    }

    /// <summary>One id for one name, so that asking twice makes one thing.</summary>
    public static string IdOf(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 8));
}
