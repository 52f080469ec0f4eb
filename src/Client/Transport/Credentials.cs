using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hanbae.Client;

/// <summary>Proves who asks, and finds out who answers: tokens and certificates, read again when their files change.</summary>
sealed class Credentials(ClusterConfig config, TimeProvider time) : IDisposable
{
    static readonly TimeSpan TokenLife = TimeSpan.FromMinutes(1);
    const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

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

    /// <summary>The server refused the token: whether there is another by now.</summary>
    public bool HasAnotherToken(string refused)
    {
        if (config.TokenFile.Length == 0) return false;
        lock (_lock) _tokenReadAt = null;
        return Token() != refused;
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
        else if (config.CertificateAuthority.File is { Length: > 0 }) options.RemoteCertificateValidationCallback = TrustsNow;
        else if (!config.CertificateAuthority.IsEmpty) options.CertificateChainPolicy = Authorities();
        if (_exec is { } exec) options.LocalCertificateSelectionCallback = (_, _, _, _, _) => exec.Certificate!;
        else if (!config.ClientCertificate.IsEmpty) options.LocalCertificateSelectionCallback = (_, _, _, _, _) => Certificate();
        return options;
    }

    X509ChainPolicy Authorities()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(config.CertificateAuthority.ReadText());
        return policy;
    }

    /// <summary>By the file as it is at this handshake: a Pod outlives the authority that its service account came with.</summary>
    /// <remarks>The file's time says nothing: a projected volume changes by a link in the folder's path.</remarks>
    bool TrustsNow(object sender, System.Security.Cryptography.X509Certificates.X509Certificate? certificate, X509Chain? sent, SslPolicyErrors errors)
    {
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
        using var chain = new X509Chain { ChainPolicy = Authorities() };
        chain.ChainPolicy.ApplicationPolicy.Add(new(ServerAuthentication));
        if (sent is not null) chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        using var leaf = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        return chain.Build(leaf);
    }

    /// <summary>Of what a link leads to: of a Secret that is mounted only <c>..data</c> is another when it changes.</summary>
    static DateTime Written(string path) => (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)).LastWriteTimeUtc;

    X509Certificate2 Certificate()
    {
        lock (_lock)
        {
            var written = config.ClientCertificate.File is { Length: > 0 } file ? Written(file) : default;
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
