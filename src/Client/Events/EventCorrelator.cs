using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Client;

/// <summary>Keeps Events few: repeats become a count, many alike become one, and a source that talks too much of one object is not heard.</summary>
/// <remarks>
/// client-go's EventCorrelator with its defaults: from the tenth different message on one object with one reason within ten minutes,
/// they are combined; of one source on one object 25 pass at once and then one each five minutes. Each memory holds 4,096 keys at most.
/// </remarks>
sealed class EventCorrelator(TimeProvider time)
{
    const int Remembered = 4096, Similar = 10, Burst = 25;
    const double PerSecond = 1.0 / 300;
    const string Combined = "(combined from similar events): ";
    static readonly TimeSpan Together = TimeSpan.FromMinutes(10);

    sealed class Group
    {
        public HashSet<string> Messages { get; } = [];
        public DateTimeOffset Last { get; set; }
    }

    readonly Recent<string, Group> _groups = new(Remembered);
    readonly Recent<string, Event> _sent = new(Remembered);
    readonly Recent<string, TokenBucket> _sources = new(Remembered);

    /// <summary>What is to be sent, and under which key it is remembered.</summary>
    /// <param name="Event">A count of more than one is a change to an Event that was sent before.</param>
    internal readonly record struct Outcome(Event Event, string Key);

    /// <returns>Null when the source has talked too much.</returns>
    public Outcome? Correlate(Event e)
    {
        var (combined, key) = Combine(e);
        if (_sent.Find(key) is { } before)
            combined = combined with
            {
                Metadata = combined.Metadata with { Name = before.Metadata.Name }, FirstTimestamp = before.FirstTimestamp, Count = before.Count + 1,
            };
        _sent.Set(key, combined);
        string source = Source(e);
        if (_sources.Find(source) is not { } bucket) _sources.Set(source, bucket = new(time, PerSecond, Burst));
        return bucket.TryTake() ? new(combined, key) : null;
    }

    /// <summary>The server's word on what was sent.</summary>
    public void Sent(Outcome outcome, Event answer) => _sent.Set(outcome.Key, answer);

    (Event Event, string Key) Combine(Event e)
    {
        var now = time.GetUtcNow();
        string key = Join(Source(e), e.Type, e.Reason, e.ReportingComponent, e.ReportingInstance);
        var group = _groups.Find(key);
        if (group is null || now - group.Last > Together) _groups.Set(key, group = new());
        group.Last = now;
        group.Messages.Add(e.Message);
        if (group.Messages.Count < Similar) return (e, Join(Source(e), e.InvolvedObject.FieldPath, e.Type, e.Reason, e.Message));
        // Not to grow without bound: how many there are is all that counts.
        group.Messages.Remove(group.Messages.First(m => m != e.Message));
        return (e with { Message = Combined + e.Message, FirstTimestamp = now, LastTimestamp = now }, key);
    }

    static string Source(Event e)
    {
        var about = e.InvolvedObject;
        return Join(e.Source.Component, e.Source.Host, about.Kind, about.Namespace, about.Name, about.Uid, about.ApiVersion);
    }

    static string Join(params ReadOnlySpan<string?> parts) => string.Join('\0', parts);
}
