using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1;
using Hanbae.Client;

namespace Hanbae.Kubelet.Certificates;

/// <summary>What a certificate of a kubelet is to say.</summary>
public sealed record Wanted(string NodeName)
{
    public IReadOnlyList<string> DnsNames { get; init; } = [];
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];
}

/// <summary>A request for a certificate was denied or failed; the message is the cluster's.</summary>
public sealed class NotSignedException(string message) : Exception(message);

/// <summary>Has a key signed by the cluster: makes a CertificateSigningRequest, and waits for somebody to approve it and for its signer.</summary>
public static class Signing
{
    static readonly TimeSpan s_look = TimeSpan.FromSeconds(1), s_rarely = TimeSpan.FromSeconds(10), s_often = TimeSpan.FromMinutes(1);
    /// <summary>Upstream's patience; then another is asked for.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromMinutes(15);

    /// <returns>The certificate and those above it, as PEM.</returns>
    /// <exception cref="NotSignedException"/>
    public static async Task<string> AskAsync(IClient client, string signer, ECDsa key, Wanted wanted, TimeProvider time, CancellationToken ct)
    {
        var request = await client.CreateAsync(new CertificateSigningRequest
        {
            Metadata = new() { GenerateName = "csr-" },
            // A key that is no RSA key enciphers no keys.
            Spec = new() { SignerName = signer, Request = Bytes.FromText(Request(key, wanted)), Usages = ["digital signature", signer == Machinery.Pkcs.KubeletRequests.ServingSigner ? "server auth" : "client auth"] },
        }, ct).ConfigureAwait(false);
        var began = time.GetUtcNow();
        while (true)
        {
            var now = await client.FindAsync<CertificateSigningRequest>(Key.Of(request), ct).ConfigureAwait(false) ?? throw new NotSignedException($"certificate signing request {request.Metadata.Name} was deleted");
            foreach (var condition in now.Status.Conditions)
                if (condition.Type is "Denied" or "Failed")
                    throw new NotSignedException($"certificate signing request {request.Metadata.Name} is {condition.Type.ToLowerInvariant()}, reason: {condition.Reason}, message: {condition.Message}");
            if (now.Status.Certificate.Length > 0) return now.Status.Certificate.ToText();
            var waited = time.GetUtcNow() - began;
            if (waited > s_patience) throw new NotSignedException($"nobody approved and signed {request.Metadata.Name} within {s_patience.TotalMinutes} minutes: kubectl certificate approve {request.Metadata.Name}");
            await Task.Delay(waited < s_often ? s_look : s_rarely, time, ct).ConfigureAwait(false);
        }
    }

    static string Request(ECDsa key, Wanted wanted)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddOrganizationName("system:nodes");
        subject.AddCommonName("system:node:" + wanted.NodeName);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        if (wanted.DnsNames.Count + wanted.Addresses.Count > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (string dns in wanted.DnsNames) names.AddDnsName(dns);
            foreach (var address in wanted.Addresses) names.AddIpAddress(address);
            request.CertificateExtensions.Add(names.Build());
        }
        return request.CreateSigningRequestPem() + "\n";
    }
}
