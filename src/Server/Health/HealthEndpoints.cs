using System.Text;
using Hanbae.Server.Registry;
using Hanbae.Store;

namespace Hanbae.Server.Health;

/// <summary>/healthz, /livez and /readyz with their single checks, <c>verbose</c> and <c>exclude</c>, in upstream's words.</summary>
sealed class HealthEndpoints
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    readonly (string Name, bool LiveToo, Func<CancellationToken, ValueTask<bool>> Passes)[] _checks;
    readonly CancellationToken _stopping;

    public HealthEndpoints(IStore store, ResourceCatalog resources, CancellationToken stopping = default)
    {
        _stopping = stopping;
        _checks =
        [
            ("ping", true, _ => new(true)),
            ("log", true, _ => new(true)),
            // Named as upstream names its storage, since that is what people's probes exclude.
            ("etcd", true, async ct => { await store.CurrentAsync(ct).ConfigureAwait(false); return true; }),
            ("etcd-readiness", false, async ct => { await store.CurrentAsync(ct).ConfigureAwait(false); return true; }),
            ("informer-sync", false, _ => new(resources.All.Count > 0)),
            ("shutdown", false, _ => new(!_stopping.IsCancellationRequested)),
        ];
    }

    public IEnumerable<PathRoute> Paths()
    {
        foreach (string path in (string[])["healthz", "livez", "readyz"])
        {
            var checks = _checks.Where(c => path == "readyz" || c.LiveToo).ToArray();
            yield return new("/" + path, false, r => AllAsync(r, path, checks));
            foreach (var check in checks)
                yield return new($"/{path}/{check.Name}", false, async r => await PassesAsync(check.Passes, r.Aborted).ConfigureAwait(false) ? Reply.Text("ok") : Reply.Text($"internal server error: {check.Name} failed\n", 500));
        }
    }

    static async ValueTask<bool> PassesAsync(Func<CancellationToken, ValueTask<bool>> check, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try { return await check(patience.Token).ConfigureAwait(false); }
        catch (Exception e) when (e is StoreException or OperationCanceledException) { return false; }
    }

    static async ValueTask<Reply> AllAsync(RequestContext request, string path, (string Name, bool LiveToo, Func<CancellationToken, ValueTask<bool>> Passes)[] checks)
    {
        var excluded = request.Query.Where(q => q.Key == "exclude").Select(q => q.Value).ToHashSet();
        var lines = new StringBuilder();
        bool ok = true;
        foreach (var (name, _, passes) in checks)
        {
            if (excluded.Remove(name)) { lines.Append($"[+]{name} excluded: ok\n"); continue; }
            bool passed = await PassesAsync(passes, request.Aborted).ConfigureAwait(false);
            ok &= passed;
            lines.Append(passed ? $"[+]{name} ok\n" : $"[-]{name} failed: reason withheld\n");
        }
        if (excluded.Count > 0) lines.Append($"warn: some health checks cannot be excluded: no matches for {string.Join(", ", excluded.Order().Select(e => $"\"{e}\""))}\n");
        if (!ok) return Reply.Text($"{lines}{path} check failed\n", 500);
        return Reply.Text(request.Parameter("verbose") is not null ? $"{lines}{path} check passed\n" : "ok");
    }
}
