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

    /// <summary>Who tells of what.</summary>
    internal readonly record struct Source(string Component, string Host, string Kind, string Namespace, string Name, string Uid, string ApiVersion)
    {
        public static Source Of(Event e)
        {
            var (by, about) = (e.Source, e.InvolvedObject);
            return new(by.Component, by.Host, about.Kind, about.Namespace, about.Name, about.Uid, about.ApiVersion);
        }

        // The rest seldom tells two apart.
        public override int GetHashCode() => HashCode.Combine(Name, Uid, Component);
    }

    /// <summary>What a source tells for one reason.</summary>
    internal readonly record struct Similars(Source Source, string Type, string Reason, string ReportingComponent, string ReportingInstance)
    {
        public override int GetHashCode() => HashCode.Combine(Source, Reason);
    }

    /// <summary>What is remembered as one Event.</summary>
    /// <param name="Message">Null where several were combined.</param>
    internal readonly record struct Repeated(Similars Like, string FieldPath, string? Message)
    {
        public override int GetHashCode() => HashCode.Combine(Like, Message);
    }

    sealed class Group
    {
        /// <summary>Fewer than <see cref="Similar"/>, mostly one.</summary>
        public List<string> Messages { get; } = new(1);
        public DateTimeOffset Last { get; set; }
    }

    readonly Recent<Similars, Group> _groups = new(Remembered);
    readonly Recent<Repeated, Event> _sent = new(Remembered);
    readonly Recent<Source, TokenBucket> _sources = new(Remembered);

    /// <summary>What is to be sent, and under which key it is remembered.</summary>
    /// <param name="Event">A count of more than one is a change to an Event that was sent before.</param>
    internal readonly record struct Outcome(Event Event, Repeated Key);

    /// <returns>Null when the source has talked too much.</returns>
    public Outcome? Correlate(Event e)
    {
        var source = Source.Of(e);
        var (combined, key) = Combine(e, source);
        if (_sent.Find(key) is { } before)
            combined = combined with
            {
                Metadata = combined.Metadata with { Name = before.Metadata.Name }, FirstTimestamp = before.FirstTimestamp, Count = before.Count + 1,
            };
        _sent.Set(key, combined);
        if (_sources.Find(source) is not { } bucket) _sources.Set(source, bucket = new(time, PerSecond, Burst));
        return bucket.TryTake() ? new(combined, key) : null;
    }

    /// <summary>The server's word on what was sent.</summary>
    public void Sent(Outcome outcome, Event answer) => _sent.Set(outcome.Key, answer);

    (Event Event, Repeated Key) Combine(Event e, Source source)
    {
        var now = time.GetUtcNow();
        var like = new Similars(source, e.Type, e.Reason, e.ReportingComponent, e.ReportingInstance);
        var group = _groups.Find(like);
        if (group is null || now - group.Last > Together) _groups.Set(like, group = new());
        group.Last = now;
        var messages = group.Messages;
        bool known = messages.Contains(e.Message);
        if (known || messages.Count + 1 < Similar)
        {
            if (!known) messages.Add(e.Message);
            return (e, new(like, e.InvolvedObject.FieldPath, e.Message));
        }
        // Not to grow without bound: how many there are is all that counts.
        messages.RemoveAt(0);
        messages.Add(e.Message);
        return (e with { Message = Combined + e.Message, FirstTimestamp = now, LastTimestamp = now }, new(like, "", null));
    }
}
