using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Client;

/// <summary>Sends Events to the cluster, behind the back of those who report them.</summary>
/// <remarks>
/// As client-go's recorder: names are the object's and the time, cluster-scoped objects report to <c>default</c>, what the server refuses is
/// given up, what does not reach it is tried twelve times. At most 1,000 wait; more are dropped and counted.
/// </remarks>
public sealed partial class EventRecorder : IRecorder
{
    const int Waiting = 1000, LongestMessage = 1024, LongestName = 253, Tries = 12;
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    static readonly System.Diagnostics.Metrics.Counter<long> DroppedEvents =
        WorkQueueMetrics.Meter.CreateCounter<long>("hanbae_events_dropped_total", description: "Events that were not sent because too many waited");

    readonly IClient _client;
    readonly EventSource _source;
    readonly TimeProvider _time;
    readonly ILogger _logger;
    readonly EventCorrelator _correlator;
    readonly Channel<Event> _waiting = Channel.CreateBounded<Event>(new BoundedChannelOptions(Waiting) { SingleReader = true });
    long _lastStamp;
    long _dropped;

    /// <summary>Nothing is sent before <see cref="RunAsync"/>.</summary>
    public EventRecorder(IClient client, string component, string host, TimeProvider time, ILogger? logger = null)
    {
        (_client, _time, _logger) = (client, time, logger ?? NullLogger.Instance);
        _source = new() { Component = component, Host = host };
        _correlator = new(time);
    }

    /// <summary>Events that found no room.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <inheritdoc/>
    public void Event(IObject about, string type, string reason, string message, string fieldPath = "") => Say(_source, about, type, reason, message, fieldPath);

    /// <inheritdoc/>
    public void Annotated(IObject about, Map<string> annotations, string type, string reason, string message) => Say(_source, about, type, reason, message, "", annotations);

    /// <inheritdoc/>
    public IRecorder For(string component) => component == _source.Component ? this : new Named(this, _source with { Component = component });

    sealed class Named(EventRecorder all, EventSource source) : IRecorder
    {
        public void Event(IObject about, string type, string reason, string message, string fieldPath = "") => all.Say(source, about, type, reason, message, fieldPath);
        public void Annotated(IObject about, Map<string> annotations, string type, string reason, string message) => all.Say(source, about, type, reason, message, "", annotations);
        public IRecorder For(string component) => all.For(component);
    }

    void Say(EventSource source, IObject about, string type, string reason, string message, string fieldPath, Map<string> annotations = default)
    {
        var (kind, meta, now) = (about.Kind(), about.Metadata, _time.GetUtcNow());
        var e = new Event
        {
            Metadata = new() { Name = NameFor(meta.Name, now), Namespace = meta.Namespace.Length > 0 ? meta.Namespace : "default", Annotations = annotations },
            InvolvedObject = new()
            {
                ApiVersion = kind.ApiVersion, Kind = kind.Kind, Namespace = meta.Namespace, Name = meta.Name,
                Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, FieldPath = fieldPath,
            },
            Type = type, Reason = reason, Message = Shorten(message), Source = source, Count = 1, FirstTimestamp = now, LastTimestamp = now,
            ReportingComponent = source.Component, ReportingInstance = source.Host,
        };
        if (_waiting.Writer.TryWrite(e)) return;
        Interlocked.Increment(ref _dropped);
        DroppedEvents.Add(1, new KeyValuePair<string, object?>("component", source.Component));
    }

    /// <summary>Until cancelled.</summary>
    public Task RunAsync(CancellationToken ct) => Task.Run(() => DrainAsync(ct), CancellationToken.None);

    async Task DrainAsync(CancellationToken ct)
    {
        try
        {
            await foreach (var e in _waiting.Reader.ReadAllAsync(ct))
                if (_correlator.Correlate(e) is { } outcome)
                    await SendAsync(outcome, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
    }

    async Task SendAsync(EventCorrelator.Outcome outcome, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
            try
            {
                _correlator.Sent(outcome, await WriteAsync(outcome.Event, ct));
                return;
            }
            catch (ApiException e)
            {
                // Who clears a namespace away tells of it when nobody will read it any more.
                if (!e.IsNamespaceTerminating) Log.Refused(_logger, outcome.Event.InvolvedObject.Name, outcome.Event.Reason, e.Message);
                return;
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                if (attempt == Tries) { Log.GivenUp(_logger, e, outcome.Event.InvolvedObject.Name, outcome.Event.Reason); return; }
                // The first wait is of any length, so that all who lost the server do not come back together.
                await Task.Delay(attempt == 1 ? Pause * Random.Shared.NextDouble() : Pause, _time, ct);
            }
    }

    async Task<Event> WriteAsync(Event e, CancellationToken ct)
    {
        if (e.Count > 1)
            try { return await _client.PatchAsync<Event>(Key.Of(e), Patch.Strategic(Repeat(e)), ct); }
            // Events live for an hour: the one that was counted up may be gone.
            catch (ApiException gone) when (gone.IsNotFound) { }
        return await _client.CreateAsync(e, ct);
    }

    static byte[] Repeat(Event e)
    {
        var writer = new JsonWriter(256);
        try
        {
            writer.Key("count");
            writer.Int64(e.Count);
            writer.Key("lastTimestamp");
            writer.Time(e.LastTimestamp);
            writer.Key("message");
            writer.String(e.Message);
            writer.EndObject(0);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }

    /// <summary>The object's name and the time in nanoseconds; never twice the same.</summary>
    string NameFor(string name, DateTimeOffset now)
    {
        long stamp = (now - DateTimeOffset.UnixEpoch).Ticks * 100, last, mine;
        do
        {
            last = Interlocked.Read(ref _lastStamp);
            mine = Math.Max(stamp, last + 1);
        } while (Interlocked.CompareExchange(ref _lastStamp, mine, last) != last);
        string suffix = $".{mine:x}";
        return (name.Length + suffix.Length <= LongestName ? name : name[..(LongestName - suffix.Length)]) + suffix;
    }

    static string Shorten(string message) => message.Length <= LongestMessage ? message : message[..LongestMessage];

    static partial class Log
    {
        [LoggerMessage(3031, LogLevel.Warning, "event {Reason} on {Name} was refused: {Message}")]
        public static partial void Refused(ILogger logger, string name, string reason, string message);

        [LoggerMessage(3032, LogLevel.Warning, "event {Reason} on {Name} could not be sent")]
        public static partial void GivenUp(ILogger logger, Exception e, string name, string reason);
    }
}
