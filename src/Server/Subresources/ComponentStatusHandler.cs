using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Verbs;
using Hanbae.Store;

namespace Hanbae.Server.Subresources;

/// <summary>A part of the control plane that can be asked how it is.</summary>
/// <param name="Failure">Why it is not healthy; null when it is.</param>
public sealed record ComponentCheck(string Name, Func<CancellationToken, ValueTask<string?>> Failure);

/// <summary>How the parts of the control plane are, asked at the moment; upstream gave it up in 1.19 and serves it still.</summary>
sealed class ComponentStatusHandler(ApiServer server, IStore store) : IRestHandler
{
    static readonly ResourceInfo s_info = Resources.Of<ComponentStatus>();
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    public bool Shapes => true;

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var info = request.Info;
        if (info.Verb is not ("get" or "list")) throw Statuses.MethodNotAllowed();
        if (info.Verb == "list") request.Output = Negotiation.Of(request, shapes: true, objects: false);
        ComponentCheck[] checks = [.. server.Options.Components, new("etcd-0", AnswersAsync)];
        if (info.Verb == "get")
        {
            var check = checks.FirstOrDefault(c => c.Name == info.Name) ?? throw Statuses.Unknown($"Component not found: {info.Name}");
            return Computed.One(request, await StatusAsync(check, ct).ConfigureAwait(false), s_info.Columns, server.Options.Time);
        }
        var all = await Task.WhenAll(checks.Select(c => StatusAsync(c, ct))).ConfigureAwait(false);
        return Computed.List(request, [.. Selected(request, all)], s_info.Columns, server.Options.Time);
    }

    static IEnumerable<ComponentStatus> Selected(RequestContext request, ComponentStatus[] all)
    {
        try
        {
            // They have no labels.
            var labels = Selector.Parse(request.Parameter("labelSelector") ?? "");
            var fields = request.Parameter("fieldSelector") is { Length: > 0 } text ? FieldSelector.Parse(text) : FieldSelector.Everything;
            foreach (var term in fields.Terms)
                if (term.Field != "metadata.name") throw Statuses.BadRequest($"field label not supported: {term.Field}");
            return all.Where(c => labels.Matches(c.Metadata.Labels) && fields.Terms.All(t => c.Metadata.Name == t.Value == t.Equal));
        }
        catch (SelectorFormatException e) { throw Statuses.BadRequest(e.Message); }
    }

    static async Task<ComponentStatus> StatusAsync(ComponentCheck check, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(s_patience);
        string? failure;
        try { failure = await check.Failure(patience.Token).ConfigureAwait(false); }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested) { failure = "context deadline exceeded"; }
        return new()
        {
            Metadata = new() { Name = check.Name },
            Conditions = [new() { Type = "Healthy", Status = failure is null ? "True" : "False", Message = failure ?? "ok" }],
        };
    }

    async ValueTask<string?> AnswersAsync(CancellationToken ct)
    {
        try
        {
            await store.CurrentAsync(ct).ConfigureAwait(false);
            return null;
        }
        catch (StoreException e) { return e.Message; }
    }
}
