using System.Text;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Aggregation;
using Hanbae.Server.Registry;
using Hanbae.Store;

namespace Hanbae.Server.Health;

/// <summary>/healthz, /livez and /readyz with their single checks, <c>verbose</c> and <c>exclude</c>, in upstream's words.</summary>
sealed class HealthEndpoints
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    readonly HealthCheck[] _checks;

    readonly CheckCounts _counts = new();

    /// <summary>Of a part that runs without a server.</summary>
    public HealthEndpoints(IEnumerable<HealthCheck> checks) => _checks = [new("ping", true, _ => default), .. checks];

    /// <param name="defined">Done when all definitions that were stored are served: a matter of milliseconds, which are waited for.</param>
    /// <param name="hooks">What is begun or done at a start, in the order in which it is told.</param>
    public HealthEndpoints(IStore store, ResourceCatalog resources, Aggregator? aggregator, IEnumerable<StartHook> hooks, Task defined, CancellationToken stopping)
    {
        async ValueTask<string?> StoreAnswers(CancellationToken ct)
        {
            await store.CurrentAsync(ct).ConfigureAwait(false);
            return null;
        }
        _checks =
        [
            new("ping", true, _ => default),
            new("log", true, _ => default),
            // Named as upstream names its storage, since that is what people's probes exclude.
            new("etcd", true, StoreAnswers),
            new("etcd-readiness", false, StoreAnswers),
            new("informer-sync", false, _ => new(resources.All.Count > 0 ? null : "no resource is served")),
            new("poststarthook/crd-informer-synced", true, async ct =>
            {
                await defined.WaitAsync(ct).ConfigureAwait(false);
                return null;
            }),
            .. hooks.Select(h => new HealthCheck("poststarthook/" + h.Name, true, _ => new(h.IsDone() ? null : "not finished"))),
            .. (HealthCheck[])(aggregator is null ? [] : [new("autoregister-completion", true, _ => new(aggregator.IsRegistered ? null : "missing APIService"))]),
            new("shutdown", false, _ => new(stopping.IsCancellationRequested ? "process is shutting down" : null)),
        ];
    }

    public IEnumerable<PathRoute> Paths()
    {
        foreach (string path in (string[])["healthz", "livez", "readyz"])
        {
            var checks = _checks.Where(c => path == "readyz" || c.LiveToo).ToArray();
            yield return new("/" + path, false, r => AllAsync(r, path, checks));
            foreach (var check in checks)
                yield return new($"/{path}/{check.Name}", false, async r =>
                    await FailureAsync(path, check, r.Aborted).ConfigureAwait(false) is { } why ? Reply.Text($"internal server error: {why}\n", 500) : Reply.Text("ok"));
        }
        yield return new("/metrics/slis", false, r => r.Method is "GET" or "HEAD" ? new(Reply.Bytes(PrometheusText.ContentType, _counts.Render().ToUtf8()))
            : throw Errors.Statuses.MethodNotAllowed());
    }

    /// <returns>Null when it passes.</returns>
    async ValueTask<string?> FailureAsync(string path, HealthCheck check, CancellationToken ct)
    {
        string? why = await FailureAsync(check, ct).ConfigureAwait(false);
        _counts.Add(check.Name, path, why is null);
        return why;
    }

    static async ValueTask<string?> FailureAsync(HealthCheck check, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try { return await check.Failure(patience.Token).ConfigureAwait(false); }
        catch (StoreException e) { return e.Message; }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested) { return "context deadline exceeded"; }
    }

    async ValueTask<Reply> AllAsync(RequestContext request, string path, HealthCheck[] checks)
    {
        var excluded = request.Query.Where(q => q.Key == "exclude").Select(q => q.Value).ToHashSet();
        var lines = new StringBuilder();
        bool ok = true;
        foreach (var check in checks)
        {
            if (excluded.Remove(check.Name))
            {
                lines.Append($"[+]{check.Name} excluded: ok\n");
                continue;
            }
            bool passed = await FailureAsync(path, check, request.Aborted).ConfigureAwait(false) is null;
            ok &= passed;
            // The reason is for the log and for the check's own path: this one is open to everybody.
            lines.Append(passed ? $"[+]{check.Name} ok\n" : $"[-]{check.Name} failed: reason withheld\n");
        }
        if (excluded.Count > 0) lines.Append($"warn: some health checks cannot be excluded: no matches for {string.Join(",", excluded.Order(StringComparer.Ordinal).Select(Machinery.Validate.FieldError.Quoted))}\n");
        if (!ok) return Reply.Text($"{lines}{path} check failed\n", 500);
        return Reply.Text(request.Parameter("verbose") is not null ? $"{lines}{path} check passed\n" : "ok");
    }
}
