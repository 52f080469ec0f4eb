using Hanbae.Api.Rest;
using Hanbae.Cri.Plugins;
using Hanbae.Grpc;
using Hanbae.Kubelet.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Plugins;

/// <summary>Follows the folder <c>plugins_registry</c>: who puts a socket there is asked what it is, taken in by its kind, and let go when the socket is gone.</summary>
/// <remarks>
/// The folder is looked at once a second, which also finds what was there before. A socket that was made anew is a plugin that was restarted:
/// it is asked again, and not let go in between. One that fails is asked again after half a second, then twice as long each time up to two
/// minutes, as upstream. Bound: one entry per socket.
/// </remarks>
sealed class PluginWatch(string folder, IReadOnlyList<IPluginKind> kinds, TimeProvider time, ILogger log)
{
    static readonly TimeSpan s_period = TimeSpan.FromSeconds(1), s_answer = TimeSpan.FromSeconds(10), s_longest = TimeSpan.FromMinutes(2);

    readonly Dictionary<string, Known> _known = [];

    volatile IReadOnlyList<(string Path, bool Registered)> _told = [];

    /// <summary>Sockets that are there, and whether who is behind each was taken in; as last looked at.</summary>
    public IReadOnlyList<(string Path, bool Registered)> Sockets => _told;

    /// <summary>One socket.</summary>
    sealed class Known
    {
        /// <summary>Which file it was when it was asked; none before the first time.</summary>
        public (ulong Inode, ulong Device)? Asked;
        public (IPluginKind Kind, string Name)? Registered;
        /// <summary>The last answer was good; one that was taken in before and fails now is asked again, too.</summary>
        public bool Good;
        public Task Work = Task.CompletedTask;
        public DateTimeOffset Next;
        public int Failures;
    }

    public async Task RunAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        try
        {
            while (true)
            {
                Look(ct);
                await Task.Delay(s_period, time, ct).ConfigureAwait(false);
            }
        }
        finally { await Task.WhenAll(_known.Values.Select(k => k.Work)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
    }

    /// <summary>One look; what it begins is waited for by <see cref="SettledAsync"/>, and never holds up the next look at other sockets.</summary>
    public void Look(CancellationToken ct)
    {
        var there = Found();
        var now = time.GetUtcNow();
        foreach (var (path, known) in _known.ToArray())
        {
            if (there.ContainsKey(path) || !known.Work.IsCompleted) continue;
            if (known.Registered is { } gone)
            {
                known.Work = UnregisterAsync(known, gone.Kind, gone.Name, path, ct);
                if (!known.Work.IsCompletedSuccessfully || known.Registered is not null) continue; // the next look removes it
            }
            _known.Remove(path);
        }
        foreach (var (path, file) in there)
        {
            if (!_known.TryGetValue(path, out var known)) _known[path] = known = new();
            if (!known.Work.IsCompleted || (known.Asked == file && (known.Good || now < known.Next))) continue;
            if (known.Asked != file) known.Failures = 0;
            bool again = known.Registered is not null;
            known.Asked = file;
            known.Work = RegisterAsync(known, path, again, ct);
        }
        _told = [.. _known.Select(k => (k.Key, k.Value.Registered is not null)).OrderBy(k => k.Key, StringComparer.Ordinal)];
    }

    public Task SettledAsync() => Task.WhenAll(_known.Values.Select(k => k.Work));

    Dictionary<string, (ulong, ulong)> Found()
    {
        Dictionary<string, (ulong, ulong)> found = [];
        try
        {
            foreach (string path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories))
                if (!Path.GetFileName(path).StartsWith('.') && Native.Status(path) is { IsSocket: true } file) found[path] = (file.Inode, file.Device);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { log.PluginNotRegistered(folder, e.Message); }
        return found;
    }

    async Task RegisterAsync(Known known, string path, bool again, CancellationToken ct)
    {
        string? why = null;
        try
        {
            using var channel = new GrpcChannel("unix://" + path, new() { Time = time });
            var info = await channel.UnaryAsync(RegistrationMethods.GetInfo, new InfoRequest(), new(s_answer), ct).ConfigureAwait(false);
            try
            {
                var kind = kinds.FirstOrDefault(k => k.Type == info.Type) ?? throw new PluginException($"RegisterPlugin error -- no handler registered for plugin type: {info.Type} at socket {path}");
                await kind.RegisterAsync(info.Name, info.Endpoint.Length > 0 ? info.Endpoint : path, [.. info.SupportedVersions], ct).ConfigureAwait(false);
                if (known.Registered is { } before && before != (kind, info.Name)) await before.Kind.UnregisterAsync(before.Name, ct).ConfigureAwait(false);
                known.Registered = (kind, info.Name);
            }
            catch (Exception e) when (e is PluginException or GrpcException or ApiException or HttpRequestException or IOException && !ct.IsCancellationRequested) { why = e.Message; }
            var told = new RegistrationStatus { PluginRegistered = why is null, Error = why ?? "" };
            await channel.UnaryAsync(RegistrationMethods.NotifyRegistrationStatus, told, new(s_answer), ct).ConfigureAwait(false);
            if (why is null) log.PluginRegistered(info.Type, info.Name, again ? "again" : "anew");
        }
        catch (Exception e) when (e is GrpcException or IOException && !ct.IsCancellationRequested) { why ??= e.Message; }
        known.Good = why is null;
        if (why is null)
        {
            known.Failures = 0;
            return;
        }
        var pause = TimeSpan.FromMilliseconds(500 * (1 << Math.Min(known.Failures++, 8)));
        known.Next = time.GetUtcNow() + (pause < s_longest ? pause : s_longest);
        log.PluginNotRegistered(path, why);
    }

    async Task UnregisterAsync(Known known, IPluginKind kind, string name, string path, CancellationToken ct)
    {
        try
        {
            // The same plugin may have come back under another name of its socket.
            if (!_known.Values.Any(k => k != known && k.Registered == (kind, name))) await kind.UnregisterAsync(name, ct).ConfigureAwait(false);
            known.Registered = null;
            log.PluginGone(kind.Type, name);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException && !ct.IsCancellationRequested) { log.PluginNotRegistered(path, e.Message); }
    }
}
