namespace Hanbae.Server.FlowControl;

/// <summary>A request's place: in a queue first, if it must wait, then on seats until it is answered. The one allocation that flow control costs a request.</summary>
sealed class Ticket(QueueSet set, FlowCounts counts, RequestContext? request, string flow, WorkEstimate estimate)
{
    TaskCompletionSource<Refusal>? _decided;

    public QueueSet Set => set;
    public FlowCounts Counts => counts;
    public RequestContext? Request => request;
    public bool Writes => request is { Info.Verb: not ("get" or "list" or "watch") };
    /// <summary>Who is told apart from whom within the schema.</summary>
    public string Flow => flow;
    public WorkEstimate Estimate { get; set; } = estimate;

    /// <summary>Null when the level has no queues, or none is needed any more.</summary>
    internal FlowQueue? Queue;
    internal long Arrived, Started;
    /// <summary>The level's progress when it came.</summary>
    internal double ArrivedAt;
    internal volatile TicketState State;

    public bool IsRunning => State == TicketState.Running;
    public DateTimeOffset ArrivedTime { get; set; }

    /// <summary>Completes when it may run, or may not.</summary>
    internal Task<Refusal> Decided => (_decided ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    internal void Decide(Refusal refusal) => _decided?.TrySetResult(refusal);
}

enum TicketState : byte { Waiting, Running, Lingering, Over }

/// <summary>One of the queues of a level, while there is something in it or running from it: an idle one has no state.</summary>
sealed class FlowQueue
{
    public int Index;
    /// <summary>When, in the level's progress, its next request would begin if all queues had equal parts.</summary>
    public double NextDispatch;
    public int SeatsInUse, Running;
    /// <summary>Seats and work of what waits.</summary>
    public int WaitingSeats, InitialSeats;
    public double WaitingWork;
    /// <summary>Among equals the one that was served longest ago is next.</summary>
    public long LastDispatch;
    public readonly LinkedList<Ticket> Waiting = new();

    public bool IsIdle => Running == 0 && SeatsInUse == 0 && Waiting.Count == 0;
}
