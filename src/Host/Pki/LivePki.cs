using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Hanbae.Host.Settings;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Pki;

/// <summary>Keeps a running cluster's certificates good: makes them anew long before they end, and takes over what a command has changed.</summary>
public sealed partial class LivePki(PkiFolder folder, ClusterSettings settings, ClusterPki first, TimeProvider time, ILogger log)
{
    /// <summary>How often the folder is looked at, and how often the certificates themselves.</summary>
    static readonly TimeSpan s_look = TimeSpan.FromSeconds(5), s_check = TimeSpan.FromHours(1);

    readonly Lock _gate = new();
    readonly List<Action> _listeners = [];
    volatile ClusterPki _now = first;

    /// <summary>What the running cluster has, for commands that wait for it.</summary>
    public const string TakenOver = ".live";

    public ClusterPki Now => _now;

    /// <summary>Calls back, on the loop of <see cref="RunAsync"/>, when there are other certificates; until disposed of.</summary>
    public IDisposable OnChange(Action changed)
    {
        lock (_gate) _listeners.Add(changed);
        return new Ending(() => { lock (_gate) _listeners.Remove(changed); });
    }

    /// <summary>One for each time that there are other certificates; one that waits stands for all before it.</summary>
    /// <param name="first">Begins with those there are.</param>
    public async IAsyncEnumerable<ClusterPki> ChangesAsync(bool first, [EnumeratorCancellation] CancellationToken ct)
    {
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        if (first) changes.Writer.TryWrite(true);
        using var listening = OnChange(() => changes.Writer.TryWrite(true));
        await foreach (bool _ in changes.Reader.ReadAllAsync(ct).ConfigureAwait(false)) yield return Now;
    }

    public async Task RunAsync(CancellationToken ct)
    {
        folder.Replace(TakenOver, _now.Fingerprint);
        long seen = folder.Stamp();
        var due = time.GetUtcNow() + s_check;
        while (true)
        {
            await Task.Delay(s_look, time, ct).ConfigureAwait(false);
            long stamp = folder.Stamp();
            if (stamp == seen && time.GetUtcNow() < due) continue;
            await RenewAsync(ct).ConfigureAwait(false);
            (seen, due) = (folder.Stamp(), time.GetUtcNow() + s_check);
        }
    }

    /// <returns>Whether there are other certificates now.</returns>
    public async Task<bool> RenewAsync(CancellationToken ct)
    {
        ClusterPki next;
        using (await folder.AloneAsync(ct).ConfigureAwait(false)) next = ClusterPki.Ensure(folder, settings);
        if (next.Fingerprint == _now.Fingerprint) return false;
        _now = next;
        Log.Renewed(log, next.ApiServer.NotAfter.ToUniversalTime(), next.Authority.Trusted.Count);
        Action[] listeners;
        lock (_gate) listeners = [.. _listeners];
        foreach (var listener in listeners) listener();
        folder.Replace(TakenOver, next.Fingerprint);
        return true;
    }

    sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    static partial class Log
    {
        [LoggerMessage(1020, LogLevel.Warning, "certificates were made anew: the API server's lasts until {End}, {Authorities} authorities are believed")]
        public static partial void Renewed(ILogger logger, DateTime end, int authorities);
    }
}
