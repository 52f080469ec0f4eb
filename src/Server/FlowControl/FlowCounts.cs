using Hanbae.Machinery.Figures;

namespace Hanbae.Server.FlowControl;

/// <summary>What became of the requests of one FlowSchema in one priority level. Its queue set's lock is held by whoever writes.</summary>
sealed class FlowCounts(string schema)
{
    public string Schema => schema;
    public long Dispatched, Executing, ExecutingSeats, Waiting, WaitingSeats, NotAccommodated;
    public readonly long[] Rejected = new long[Enum.GetValues<Refusal>().Length];
    public readonly Histogram WaitedToRun = new(Histogram.Seconds), WaitedInVain = new(Histogram.Seconds), Ran = new(Histogram.Seconds), Began = new(Histogram.Seconds);
    public readonly Histogram QueueLength = new(Histogram.Lengths), Seats = new(Histogram.Seats), Watchers = new(Histogram.Watchers);
}

/// <summary>Why a request was not executed.</summary>
enum Refusal : byte { None, QueueFull, ConcurrencyLimit, TimeOut, Cancelled }
