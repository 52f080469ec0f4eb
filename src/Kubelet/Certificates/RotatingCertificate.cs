using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Certificates;

/// <summary>A certificate that is asked for when there is none, and again long before it ends: when 70 to 90 % of its life are over, as upstream, so that nodes do not all ask at once.</summary>
/// <param name="wanted">What it is to say; null while that is not known, such as addresses of a Node that has none yet.</param>
public sealed partial class RotatingCertificate(CertificateFolder folder, string signer, Func<CancellationToken, Task<Wanted?>> wanted, IClient client, TimeProvider time, ILogger log)
{
    static readonly TimeSpan s_look = TimeSpan.FromMinutes(1), s_soon = TimeSpan.FromSeconds(2), s_longest = TimeSpan.FromMinutes(2);

    readonly double _share = 0.7 + 0.2 * Random.Shared.NextDouble();
    volatile X509Certificate2? _current = folder.Load();

    /// <summary>Null until the first was signed.</summary>
    public X509Certificate2? Current => _current;

    /// <summary>When another is asked for; null when there is none yet.</summary>
    public DateTimeOffset? Due => _current is not { } now ? null : now.NotBefore.ToUniversalTime() + (now.NotAfter - now.NotBefore) * _share;

    public async Task RunAsync(CancellationToken ct)
    {
        var pause = s_soon;
        while (true)
        {
            var next = s_look;
            try
            {
                // The Node may not have told its addresses yet.
                if (!await RenewAsync(ct).ConfigureAwait(false) && _current is null) next = s_soon;
                pause = s_soon;
            }
            catch (Exception e) when (e is ApiException or HttpRequestException or NotSignedException or CryptographicException or IOException)
            {
                Log.NotRenewed(log, signer, e.Message);
                (next, pause) = (pause, pause * 2 < s_longest ? pause * 2 : s_longest);
            }
            await Task.Delay(next, time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Asks for another if it is time, or if this one does not say what it should.</summary>
    /// <returns>Whether there is another now.</returns>
    public async Task<bool> RenewAsync(CancellationToken ct)
    {
        if (await wanted(ct).ConfigureAwait(false) is not { } names) return false;
        var now = time.GetUtcNow();
        if (_current is { } current && now < Due && Says(current, names)) return false;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string signed = await Signing.AskAsync(client, signer, key, names, time, ct).ConfigureAwait(false);
        _current = folder.Save(signed, key, time.GetUtcNow());
        Log.Renewed(log, signer, _current.NotAfter.ToUniversalTime());
        return true;
    }

    static bool Says(X509Certificate2 certificate, Wanted names)
    {
        var said = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        var (dns, addresses) = (said?.EnumerateDnsNames().ToHashSet() ?? [], said?.EnumerateIPAddresses().ToHashSet() ?? []);
        return names.DnsNames.All(dns.Contains) && names.Addresses.All(addresses.Contains);
    }

    static partial class Log
    {
        [LoggerMessage(8020, LogLevel.Information, "certificate of {Signer} renewed, it lasts until {End}")]
        public static partial void Renewed(ILogger logger, string signer, DateTime end);

        [LoggerMessage(8021, LogLevel.Warning, "no certificate of {Signer} yet, it is asked for again: {Why}")]
        public static partial void NotRenewed(ILogger logger, string signer, string why);
    }
}
