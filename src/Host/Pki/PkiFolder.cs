using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Host.Pki;

/// <summary>Keys and certificates on disk: made when missing or about to end, private keys readable by their owner only.</summary>
/// <param name="folder">Where the files are; made with mode 700.</param>
public sealed class PkiFolder(string folder, TimeProvider time)
{
    /// <summary>A certificate that ends sooner than this is made anew at start.</summary>
    static readonly TimeSpan RenewBefore = TimeSpan.FromDays(60);

    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite, Open = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public string PathOf(string file) => Path.Combine(folder, file);

    /// <summary>The authority of that name: <c>ca</c> → ca.crt, ca.key.</summary>
    public X509Certificate2 Authority(string name, string commonName) =>
        Load(name) ?? Save(name, CertificateIssuer.Authority(commonName, time.GetUtcNow()));

    /// <summary>A certificate of that name, signed by <paramref name="authority"/>; made anew when it names something else or is about to end.</summary>
    public X509Certificate2 Certificate(string name, X509Certificate2 authority, CertificateRequestSpec spec)
    {
        string asked = string.Join('\n', [spec.CommonName, .. spec.Groups, .. spec.DnsNames, .. spec.Addresses.Select(a => a.ToString()), authority.Thumbprint]);
        string note = PathOf(name + ".names");
        if (File.Exists(note) && File.ReadAllText(note) == asked && Load(name) is { } kept)
        {
            if (kept.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime > RenewBefore) return kept;
            kept.Dispose();
        }
        var made = Save(name, CertificateIssuer.Issue(authority, spec, time.GetUtcNow()));
        Write(note, asked, Open);
        return made;
    }

    /// <summary>The key pair that signs service account tokens.</summary>
    public ECDsa SigningKey(string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string file = PathOf(name + ".key");
        if (File.Exists(file)) key.ImportFromPem(File.ReadAllText(file));
        else
        {
            Write(file, key.ExportPkcs8PrivateKeyPem(), Private);
            Write(PathOf(name + ".pub"), key.ExportSubjectPublicKeyInfoPem(), Open);
        }
        return key;
    }

    X509Certificate2? Load(string name) =>
        File.Exists(PathOf(name + ".crt")) && File.Exists(PathOf(name + ".key"))
            ? X509Certificate2.CreateFromPemFile(PathOf(name + ".crt"), PathOf(name + ".key")) : null;

    X509Certificate2 Save(string name, X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        Write(PathOf(name + ".key"), key.ExportPkcs8PrivateKeyPem(), Private);
        Write(PathOf(name + ".crt"), certificate.ExportCertificatePem() + "\n", Open);
        return certificate;
    }

    /// <summary>Whole or not at all, and never readable by others in between.</summary>
    void Write(string file, string text, UnixFileMode mode)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string partial = file + ".partial";
        File.Delete(partial);
        using (var stream = new FileStream(partial, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }))
        using (var writer = new StreamWriter(stream))
            writer.Write(text);
        File.Move(partial, file, overwrite: true);
    }
}
