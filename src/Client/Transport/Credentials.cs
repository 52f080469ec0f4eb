using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hanbae.Client;

/// <summary>Proves who asks, and finds out who answers: tokens and certificates, read again when their files change.</summary>
sealed class Credentials(ClusterConfig config, TimeProvider time) : IDisposable
{
    static readonly TimeSpan TokenLife = TimeSpan.FromMinutes(1);

    readonly Lock _lock = new();
    string _token = config.Token;
    long? _tokenReadAt;
    X509Certificate2? _certificate;
    DateTime _certificateOf;

    /// <summary>Where credentials come from when a program gives them.</summary>
    readonly ExecCredentials? _exec = config.Exec is { } plugin ? new(plugin, config, time) : null;

    /// <summary>What the plugin gives, or has given; null when there is no plugin. Certificates of one value are shown by connections that are made with it.</summary>
    public async ValueTask<ExecCredentials.Credential?> PluginAsync(CancellationToken ct) => _exec is null ? null : await _exec.GetAsync(ct);

    /// <inheritdoc cref="ExecCredentials.Refused"/>
    public void Refused(ExecCredentials.Credential credential) => _exec?.Refused(credential);

    public AuthenticationHeaderValue? Authorization(ExecCredentials.Credential? plugin)
    {
        if (plugin is not null) return plugin.Token.Length > 0 ? new("Bearer", plugin.Token) : null;
        if (Token() is { Length: > 0 } token) return new("Bearer", token);
        return config.Username.Length == 0 ? null
            : new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(config.Username + ":" + config.Password)));
    }

    string Token()
    {
        if (config.TokenFile.Length == 0) return config.Token;
        lock (_lock)
        {
            if (_tokenReadAt is { } at && time.GetElapsedTime(at) < TokenLife) return _token;
            // While it is being replaced the old one serves.
            try { _token = File.ReadAllText(config.TokenFile).Trim(); }
            catch (IOException) when (_token.Length > 0) { }
            _tokenReadAt = time.GetTimestamp();
            return _token;
        }
    }

    public SslClientAuthenticationOptions Tls()
    {
        var options = new SslClientAuthenticationOptions();
        if (config.Insecure) options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        else if (!config.CertificateAuthority.IsEmpty)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPem(config.CertificateAuthority.ReadText());
            options.CertificateChainPolicy = policy;
        }
        if (_exec is { } exec) options.LocalCertificateSelectionCallback = (_, _, _, _, _) => exec.Certificate!;
        else if (!config.ClientCertificate.IsEmpty) options.LocalCertificateSelectionCallback = (_, _, _, _, _) => Certificate();
        return options;
    }

    X509Certificate2 Certificate()
    {
        lock (_lock)
        {
            var written = config.ClientCertificate.File is { Length: > 0 } file ? File.GetLastWriteTimeUtc(file) : default;
            if (_certificate is { } known && written == _certificateOf) return known;
            string key = config.ClientKey.IsEmpty ? config.ClientCertificate.ReadText() : config.ClientKey.ReadText();
            // The old one may still be in use by a handshake: it is left to the collector.
            _certificate = X509Certificate2.CreateFromPem(config.ClientCertificate.ReadText(), key);
            _certificateOf = written;
            return _certificate;
        }
    }

    public void Dispose() => _exec?.Dispose();
}
