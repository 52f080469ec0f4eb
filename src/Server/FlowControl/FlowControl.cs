using Hanbae.Api.Rest;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;

namespace Hanbae.Server.FlowControl;

/// <summary>Priority and fairness as a link of the chain: a request gets seats, waits for them, or is answered 429 (KEP-1040).</summary>
/// <remarks>
/// Callers in this process pass as they would from outside: the server itself is in system:masters and so exempt, kubelets, scheduler and
/// controllers go by upstream's schemas. The seats are held until the answer is written (see <see cref="RequestContext.Ended"/>); of a watch until
/// what it begins with is sent. Other long-running requests are not counted, as upstream.
/// </remarks>
sealed class FlowControl : IFilter
{
    /// <summary>The informers and loops of this program do what kube-controller-manager does, in one name: its schema is theirs.</summary>
    const string Own = "system:hanbae:";
    static readonly Identity s_controllers = new("system:kube-controller-manager", [Auth.Groups.Authenticated]);

    readonly FlowEstimates _estimates;
    readonly TimeProvider _time;
    volatile FlowConfiguration _now;

    public FlowControl(FlowControlOptions options, ResourceCatalog resources, TimeProvider time)
    {
        (Options, _estimates, _time) = (options, new(resources), time);
        _now = FlowConfiguration.Of([], [], null, options.Seats, time);
    }

    public FlowControlOptions Options { get; }
    public FlowConfiguration Now { get => _now; set => _now = value; }
    public TimeProvider Time => _time;

    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        bool watch = request.Info is { IsResourceRequest: true, Verb: "watch" };
        if (!watch && LongRunning.Is(request)) return next(request);
        var user = request.InProcess && request.User.Name.StartsWith(Own, StringComparison.Ordinal) ? s_controllers : request.User;
        var schema = _now.Classify(user, request.Info, request.Path);
        if (!request.InProcess) request.ReplyHeaders.AddRange(schema.Headers);
        string flow = schema.FlowOf(request.User, request.Info);
        var level = schema.Level;
        var estimate = level.IsExempt ? WorkEstimate.One : _estimates.Of(request, level);
        var ticket = level.Queues.Start(request, flow, schema.HashOf(flow), estimate, schema.Counts, _time.GetTimestamp(), out _);
        if (ticket is null) throw TooMany();
        if (!ticket.IsRunning) return WaitAsync(request, ticket, next);
        request.Seat = new(this, ticket);
        return next(request);
    }

    async ValueTask<Reply> WaitAsync(RequestContext request, Ticket ticket, Handler next)
    {
        ticket.ArrivedTime = _time.GetUtcNow();
        var aborted = request.Aborted;
        using (aborted.UnsafeRegister(static (state, _) => ((Waiting)state!).Withdraw(Refusal.Cancelled), new Waiting(this, ticket)))
        using (_time.CreateTimer(static state => ((Waiting)state!).Withdraw(Refusal.TimeOut), new Waiting(this, ticket), Options.Wait, Timeout.InfiniteTimeSpan))
            if (await ticket.Decided.ConfigureAwait(false) != Refusal.None)
            {
                aborted.ThrowIfCancellationRequested();
                throw TooMany();
            }
        request.Seat = new(this, ticket);
        return await next(request).ConfigureAwait(false);
    }

    sealed record Waiting(FlowControl Of, Ticket Ticket)
    {
        public void Withdraw(Refusal why) => Ticket.Set.Withdraw(Ticket, why, Of._time.GetTimestamp());
    }

    /// <summary>Upstream's words; a second is what it says, too, until enough were refused.</summary>
    internal static StatusException TooMany() => Statuses.TooManyRequests("Too many requests, please try again later.", 1);

    internal void Finish(Ticket ticket, bool began)
    {
        if (ticket.Set.Finish(ticket, _time.GetTimestamp(), began) is not { } lingers) return;
        // Kept alive by itself: it fires once and is gone.
        var timer = new OneShot(this, ticket);
        timer.Start(lingers);
    }

    sealed class OneShot(FlowControl of, Ticket ticket)
    {
        ITimer? _timer;

        public void Start(TimeSpan after)
        {
            _timer = of._time.CreateTimer(static state => ((OneShot)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(after, Timeout.InfiniteTimeSpan);
        }

        void Fire()
        {
            ticket.Set.Release(ticket, of._time.GetTimestamp());
            _timer?.Dispose();
        }
    }
}

/// <summary>The seats that a request holds; none for the default.</summary>
readonly struct Seat(FlowControl? of, Ticket ticket)
{
    /// <summary>Gives the seats back; a second time does nothing.</summary>
    /// <param name="began">The request goes on, but what counts of it is over.</param>
    public void Leave(bool began = false) => of?.Finish(ticket, began);
}
