using Hanbae.Machinery.Figures;

namespace Hanbae.Server.FlowControl;

/// <summary>What became of the requests of one FlowSchema in one priority level. Its queue set's lock is held by whoever writes.</summary>
sealed class FlowCounts(string schema)
{
    public string Schema => schema;
    public long Dispatched, Executing, ExecutingSeats, Waiting, WaitingSeats, NotAccommodated;
    public readonly long[] Rejected = new long[Enum.GetValues<Refusal>().Length];
    /// <summary>Upstream's bounds of waiting and execution times, of queue lengths, of seats, and of watchers.</summary>
    static readonly double[] s_seconds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30], s_lengths = [0, 10, 25, 50, 100, 250, 500, 1000],
        s_seats = [1, 2, 4, 10], s_watchers = [0, 1, 10, 100, 1000, 10000];

    public readonly Histogram WaitedToRun = new(s_seconds), WaitedInVain = new(s_seconds), Ran = new(s_seconds), Began = new(s_seconds);
    public readonly Histogram QueueLength = new(s_lengths), Seats = new(s_seats), Watchers = new(s_watchers);
}

/// <summary>Why a request was not executed.</summary>
enum Refusal : byte { None, QueueFull, ConcurrencyLimit, TimeOut, Cancelled }
