using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Components;

/// <summary>A certificate and its key in files, which may be renewed while the server runs: handshakes are shown what is there now.</summary>
sealed class ServingFiles
{
    readonly string _certificate, _key;
    readonly Lock _gate = new();
    (DateTime, DateTime) _read;
    SslStreamCertificateContext _context;

    /// <exception cref="SettingsException">They are not there, or do not belong together.</exception>
    public ServingFiles(string certificate, string key)
    {
        (_certificate, _key) = (certificate, key);
        try { _context = Read(); }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException) { throw new SettingsException($"{certificate}, {key}: {e.Message}", e); }
    }

    public X509Certificate2 First => _context.TargetCertificate;

    public SslStreamCertificateContext Current()
    {
        lock (_gate)
        {
            // While one of the two is written they may not fit: what was there goes on until they do.
            try { return Written() == _read ? _context : _context = Read(); }
            catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException) { return _context; }
        }
    }

    SslStreamCertificateContext Read()
    {
        var written = Written();
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(_certificate);
        var context = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPemFile(_certificate, _key), [.. all.Skip(1)], offline: true);
        _read = written;
        return context;
    }

    (DateTime, DateTime) Written() => (Written(_certificate), Written(_key));

    /// <summary>Of what a link leads to: of a Secret that is mounted only <c>..data</c> is another when it changes.</summary>
    static DateTime Written(string path) => (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)).LastWriteTimeUtc;
}
