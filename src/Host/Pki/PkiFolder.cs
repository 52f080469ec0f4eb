using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Server.Auth.Tokens;

namespace Hanbae.Host.Pki;

/// <summary>Keys and certificates on disk: made when missing or about to end, private keys readable by their owner only.</summary>
/// <remarks>Whoever writes holds <see cref="AloneAsync"/>: a running cluster and a command may want to at once.</remarks>
/// <param name="folder">Where the files are; made with mode 700.</param>
public sealed class PkiFolder(string folder, TimeProvider time)
{
    /// <summary>A certificate that ends sooner than this is made anew.</summary>
    static readonly TimeSpan s_renewBefore = TimeSpan.FromDays(60);
    /// <summary>An authority that ends sooner gets a successor: no certificate of a year's life is cut short by it.</summary>
    static readonly TimeSpan s_followBefore = TimeSpan.FromDays(400);
    static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(20);

    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite, Open = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    const string Next = ".next", Cross = "-cross.crt";

    public string PathOf(string file) => Path.Combine(folder, file);

    /// <summary>Nobody else writes until the result is disposed of.</summary>
    public async Task<IDisposable> AloneAsync(CancellationToken ct)
    {
        MakeFolder();
        while (true)
        {
            try { return new FileStream(PathOf(".lock"), new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = Private }); }
            catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException)) { await Task.Delay(s_glance, time, ct).ConfigureAwait(false); }
        }
    }

    /// <summary>Changes whenever a certificate here does, or the names it was made for, or a public key.</summary>
    public long Stamp()
    {
        long stamp = 0;
        if (Directory.Exists(folder))
            foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
                if (file.Extension is ".crt" or ".names" or ".pub") stamp += file.LastWriteTimeUtc.Ticks / 7 + 1;
        return stamp;
    }

    /// <summary>The authority of that name: <c>ca</c> → ca.crt (and those it followed), ca.key. One that ends within a year or so is followed by another.</summary>
    public Authority Authority(string name, string commonName)
    {
        Finish(name);
        if (Load(name) is not { } signing)
        {
            using var made = CertificateIssuer.Authority(commonName, time.GetUtcNow());
            Save(name, made);
        }
        else if (signing.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime < s_followBefore) Follow(name, commonName);
        return Read(name);
    }

    /// <summary>Makes a successor, vouched for by the one that there is; both are believed from now on.</summary>
    public Authority Follow(string name, string commonName)
    {
        Finish(name);
        var before = Read(name);
        var now = time.GetUtcNow();
        using var made = CertificateIssuer.Authority($"{commonName}-{now:yyyyMMddHHmmss}", now);
        using var crossed = CertificateIssuer.Vouch(before.Signing, made, now);
        using var key = made.GetECDsaPrivateKey()!;
        // All of it, then the certificates under their next name: from there on Finish can always go on.
        Write(PathOf(name + ".key" + Next), key.ExportPkcs8PrivateKeyPem(), Private);
        Write(PathOf(name + Cross + Next), crossed.ExportCertificatePem() + "\n", Open);
        Write(PathOf(name + ".crt" + Next), made.ExportCertificatePem() + "\n" + before.TrustedPem, Open);
        Finish(name);
        return Read(name);
    }

    /// <summary>From now on only the newest is believed.</summary>
    /// <returns>Whether there were others.</returns>
    public bool Retire(string name)
    {
        Finish(name);
        var all = Read(name);
        if (all.Trusted.Count == 1) return false;
        Write(PathOf(name + ".crt"), all.Signing.ExportCertificatePem() + "\n", Open);
        File.Delete(PathOf(name + Cross));
        return true;
    }

    /// <summary>A succession that was interrupted goes on where it was.</summary>
    void Finish(string name)
    {
        if (!File.Exists(PathOf(name + ".crt" + Next))) return;
        foreach (string file in (string[])[name + ".key", name + Cross, name + ".crt"])
            if (File.Exists(PathOf(file + Next))) File.Move(PathOf(file + Next), PathOf(file), overwrite: true);
    }

    Authority Read(string name)
    {
        var trusted = new X509Certificate2Collection();
        trusted.ImportFromPemFile(PathOf(name + ".crt"));
        // Those that have ended vouch for nobody.
        for (int i = trusted.Count - 1; i > 0; i--)
            if (trusted[i].NotAfter.ToUniversalTime() < time.GetUtcNow().UtcDateTime) trusted.RemoveAt(i);
        var crossed = new X509Certificate2Collection();
        if (trusted.Count > 1 && File.Exists(PathOf(name + Cross))) crossed.ImportFromPemFile(PathOf(name + Cross));
        return new(Load(name)!, trusted, crossed);
    }

    /// <summary>A certificate of that name, signed by <paramref name="authority"/>; made anew when it names something else or is about to end.</summary>
    public X509Certificate2 Certificate(string name, X509Certificate2 authority, CertificateRequestSpec spec)
    {
        string asked = string.Join('\n', [spec.CommonName, .. spec.Groups, .. spec.DnsNames, .. spec.Addresses.Select(a => a.ToString()), authority.Thumbprint]);
        string note = PathOf(name + ".names");
        if (File.Exists(note) && File.ReadAllText(note) == asked && Load(name) is { } kept)
        {
            if (kept.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime > s_renewBefore) return kept;
            kept.Dispose();
        }
        // First, so that half of a certificate is made anew rather than believed.
        File.Delete(note);
        var made = Save(name, CertificateIssuer.Issue(authority, spec, time.GetUtcNow()));
        Write(note, asked, Open);
        return made;
    }

    /// <summary>All certificates but the authorities are made anew when they are asked for next.</summary>
    public void Forget()
    {
        if (!Directory.Exists(folder)) return;
        foreach (string note in Directory.EnumerateFiles(folder, "*.names")) File.Delete(note);
    }

    /// <summary>The keys of service account tokens: the one that signs, then those that signed before it and are believed still.</summary>
    /// <remarks>In upstream's files: <c>sa.key</c> is what --service-account-signing-key-file names, <c>sa.pub</c> what --service-account-key-file does.</remarks>
    public ImmutableArray<TokenKey> TokenKeys(string name)
    {
        if (!File.Exists(PathOf(name + ".key"))) FollowTokenKey(name);
        var signing = TokenKey.FromPem(File.ReadAllText(PathOf(name + ".key")));
        return [signing, .. PublicKeys(name).Select(TokenKey.FromPem).Where(k => k.Id != signing.Id)];
    }

    /// <summary>Makes another key: it signs from now on, those before it are believed still.</summary>
    public void FollowTokenKey(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // First whom to believe: no token is signed by a key that nobody knows, wherever this ends.
        Write(PathOf(name + ".pub"), string.Concat((IEnumerable<string>)[key.ExportSubjectPublicKeyInfoPem() + "\n", .. PublicKeys(name)]), Open);
        Write(PathOf(name + ".key"), key.ExportPkcs8PrivateKeyPem(), Private);
    }

    /// <summary>From now on only tokens of the key that signs are believed.</summary>
    /// <returns>Whether there were others.</returns>
    public bool RetireTokenKeys(string name)
    {
        if (PublicKeys(name).Count < 2) return false;
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(PathOf(name + ".key")));
        Write(PathOf(name + ".pub"), key.ExportSubjectPublicKeyInfoPem() + "\n", Open);
        return true;
    }

    List<string> PublicKeys(string name)
    {
        const string end = "-----END PUBLIC KEY-----";
        return !File.Exists(PathOf(name + ".pub")) ? [] : [.. File.ReadAllText(PathOf(name + ".pub")).Split(end).SkipLast(1).Select(k => k.TrimStart() + end + "\n")];
    }

    /// <summary>A file that only its owner may read, made when it is missing.</summary>
    public string Secret(string file, Func<string> make)
    {
        if (!File.Exists(PathOf(file))) Write(PathOf(file), make(), Private);
        return PathOf(file);
    }

    /// <summary>Writes such a file anew.</summary>
    public void Replace(string file, string text) => Write(PathOf(file), text, Private);

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

    void MakeFolder() => Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    /// <summary>Whole or not at all, and never readable by others in between.</summary>
    void Write(string file, string text, UnixFileMode mode)
    {
        MakeFolder();
        string partial = file + ".partial";
        File.Delete(partial);
        using (var stream = new FileStream(partial, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }))
        using (var writer = new StreamWriter(stream))
            writer.Write(text);
        File.Move(partial, file, overwrite: true);
    }
}
