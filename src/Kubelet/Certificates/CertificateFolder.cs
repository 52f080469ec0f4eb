using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Kubelet.Certificates;

/// <summary>Keeps one certificate of a kubelet and its key in a folder, as upstream's kubelet does: each in a file of its own, and a link to the newest.</summary>
/// <param name="name">Such as <c>kubelet-client</c>: the newest is <c>kubelet-client-current.pem</c>.</param>
public sealed class CertificateFolder(string folder, string name)
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Certificate and key in one file.</summary>
    public string Current { get; } = Path.Combine(folder, name + "-current.pem");

    /// <returns>Null when there is none, or what there is cannot be read: then another is asked for.</returns>
    public X509Certificate2? Load()
    {
        if (!File.Exists(Current)) return null;
        try { return X509Certificate2.CreateFromPemFile(Current, Current); }
        catch (CryptographicException) { return null; }
    }

    /// <summary>From now on this is the newest; who reads meanwhile sees the one before or this one, whole.</summary>
    public X509Certificate2 Save(string certificates, ECDsa key, DateTimeOffset now)
    {
        Directory.CreateDirectory(folder, Private | UnixFileMode.UserExecute);
        string file = Path.Combine(folder, $"{name}-{now.UtcDateTime.ToString("yyyy-MM-dd-HH-mm-ss", CultureInfo.InvariantCulture)}.pem");
        File.Delete(file + ".partial");
        var owned = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private };
        using (var stream = new FileStream(file + ".partial", owned))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(certificates.TrimEnd() + "\n" + key.ExportECPrivateKeyPem() + "\n"));
            stream.Flush(flushToDisk: true);
        }
        File.Move(file + ".partial", file, overwrite: true);
        string? before = new FileInfo(Current).LinkTarget is { } target ? Path.Combine(folder, target) : null;
        File.Delete(Current + ".next");
        File.CreateSymbolicLink(Current + ".next", Path.GetFileName(file));
        File.Move(Current + ".next", Current, overwrite: true);
        // The one before is kept for whoever is reading it, those before that are nobody's.
        foreach (string old in Directory.EnumerateFiles(folder, name + "-20*.pem"))
            if (old != file && old != before) File.Delete(old);
        return Load() ?? throw new CryptographicException($"{file} does not hold a certificate for its key");
    }
}
