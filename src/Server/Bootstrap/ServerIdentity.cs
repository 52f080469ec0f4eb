using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Bootstrap;

/// <summary>A Lease in kube-system for each API server, renewed while it runs, so that others can see which there are (KEP-1965); those that nobody renews go.</summary>
public static class ServerIdentity
{
    const string Namespace = "kube-system", Component = "apiserver.kubernetes.io/identity", Ours = "kube-apiserver", Letters = "abcdefghijklmnopqrstuvwxyz234567";
    const int Seconds = 3600;
    static readonly TimeSpan s_renew = TimeSpan.FromSeconds(10), s_collect = TimeSpan.FromSeconds(Seconds);

    /// <summary>The same after each start on the same machine.</summary>
    public static string NameOf(string host) => "apiserver-" + Base32(SHA256.HashData(Encoding.UTF8.GetBytes(host)).AsSpan(0, 16));

    /// <summary>Until cancelled.</summary>
    public static async Task KeepAsync(IApiTransport transport, string host, TimeProvider time, CancellationToken ct)
    {
        var ensure = new Ensure(transport, time);
        string name = NameOf(host), holder = $"{name}_{Guid.NewGuid()}";
        var collected = time.GetUtcNow();
        while (true)
        {
            var now = time.GetUtcNow();
            var mine = new Lease
            {
                Metadata = new() { Name = name, Namespace = Namespace, Labels = Map.Of((Component, Ours), ("kubernetes.io/hostname", host)) },
                Spec = new() { HolderIdentity = holder, LeaseDurationSeconds = Seconds, AcquireTime = now, RenewTime = now },
            };
            try
            {
                await ensure.EachAsync([mine], (there, wanted) => there with
                {
                    Metadata = there.Metadata with { Labels = there.Metadata.Labels.With(wanted.Metadata.Labels) },
                    Spec = wanted.Spec with { AcquireTime = there.Spec.HolderIdentity == holder ? there.Spec.AcquireTime : now },
                }, ct).ConfigureAwait(false);
                if (now - collected >= s_collect)
                {
                    await ensure.RemoveAsync<Lease>(l => l.Metadata.Namespace == Namespace && l.Metadata.Labels[Component] == Ours && IsOver(l, now), ct).ConfigureAwait(false);
                    collected = now;
                }
            }
            // Renewed again soon; until then it says what it said.
            catch (ApiException) { }
            await Task.Delay(s_renew, time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>As upstream: one that says nothing of when it was renewed, or for how long, is nobody's.</summary>
    static bool IsOver(Lease lease, DateTimeOffset now) =>
        lease.Spec is not { RenewTime: { } renewed, LeaseDurationSeconds: { } seconds } || renewed.AddSeconds(seconds) < now;

    /// <summary>RFC 4648 without padding, in small letters.</summary>
    static string Base32(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        int held = 0, bits = 0;
        foreach (byte b in bytes)
        {
            held = held << 8 | b;
            for (bits += 8; bits >= 5; bits -= 5) text.Append(Letters[held >> bits - 5 & 31]);
            held &= (1 << bits) - 1;
        }
        if (bits > 0) text.Append(Letters[held << 5 - bits & 31]);
        return text.ToString();
    }
}
