using Hanbae.Api.Schema;
using Hanbae.Server.Errors;
using Hanbae.Server.FlowControl;
using Hanbae.Server.Registry;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Audit;

/// <summary>Writes down who asks for what as the policy says: a link of the chain right behind authentication.</summary>
/// <remarks>
/// What can be answered at once is written before the answer goes out, so that whoever has an answer finds it in the log; upstream writes right
/// after. What lasts is written when it starts and when it ends.
/// </remarks>
sealed class Audit : IFilter, IAsyncDisposable
{
    readonly AuditPolicy _policy;
    readonly IAuditSink[] _sinks;
    readonly bool _strict;
    readonly ResourceCatalog _resources;

    public Audit(AuditOptions options, ResourceCatalog resources, TimeProvider time, ILogger log)
    {
        (_policy, _resources, Time) = (options.Policy, resources, time);
        _sinks =
        [
            .. options.Log is { } file ? [new AuditLog(file, Counts, time, log)] : (IAuditSink[])[],
            .. options.Webhook is { } hook ? [new AuditWebhook(hook, Counts, time, log)] : (IAuditSink[])[],
        ];
        _strict = options.Log?.Mode == AuditMode.BlockingStrict || options.Webhook?.Mode == AuditMode.BlockingStrict;
    }

    public TimeProvider Time { get; }
    public AuditCounts Counts { get; } = new();

    public KindInfo? KindOf(RequestContext request) => _resources.Find(request.Info.ApiGroup, request.Info.ApiVersion, request.Info.Resource)?.Info.Kind;

    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        var terms = _policy.Of(request);
        Counts.Request(terms.Level);
        return terms.Level == AuditLevel.None ? next(request) : WrittenAsync(request, terms, next);
    }

    async ValueTask<Reply> WrittenAsync(RequestContext request, AuditTerms terms, Handler next)
    {
        var trail = request.Trail = new AuditTrail(this, request, terms);
        if (!await trail.ReceivedAsync().ConfigureAwait(false) && _strict)
        {
            Counts.Rejected();
            throw Statuses.Internal("failed to store audit event");
        }
        Reply reply;
        try { reply = await next(request).ConfigureAwait(false); }
        catch (Exception e)
        {
            var status = Statuses.From(e);
            await trail.FailedAsync(status, panic: status.Code == 500 && e is not (StatusException or Api.Rest.ApiException or Store.StoreException)).ConfigureAwait(false);
            throw;
        }
        // Whoever answers on the connection itself, such as another server, has not answered yet.
        if (reply is RawReply && !LongRunning.Is(request)) trail.GoesOn(reply);
        else if (reply.Code < 300 && LongRunning.Is(request)) await trail.StartedAsync(reply).ConfigureAwait(false);
        else await trail.CompleteAsync(reply).ConfigureAwait(false);
        return reply;
    }

    /// <summary>Whom authentication turned away never comes as far as this: as upstream, that is written without a user.</summary>
    public ValueTask<Reply> TurnedAwayAsync(RequestContext request, StatusException why)
    {
        var terms = _policy.Of(request);
        Counts.Request(terms.Level);
        return terms.Level == AuditLevel.None ? throw why : Later();

        async ValueTask<Reply> Later()
        {
            var trail = new AuditTrail(this, request, terms);
            await trail.FailedAsync(why.Status with { Message = "Authentication failed, no credentials were accepted" }, panic: false).ConfigureAwait(false);
            throw new StatusException(why.Status);
        }
    }

    /// <returns>Whether all took it.</returns>
    public async ValueTask<bool> WriteAsync(AuditEvent e)
    {
        Counts.Event();
        bool all = true;
        // Not the request's token: what happened is written although nobody waits for it any more.
        foreach (var sink in _sinks) all &= await sink.WriteAsync(e, CancellationToken.None).ConfigureAwait(false);
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sink in _sinks) await sink.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>Stands before authentication: whom that turns away is written down, too.</summary>
sealed class AuditTurnedAway(Audit audit) : IFilter
{
    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        try { return await next(request).ConfigureAwait(false); }
        catch (StatusException e) when (e.Code == 401 && request.Trail is null) { return await audit.TurnedAwayAsync(request, e).ConfigureAwait(false); }
    }
}
