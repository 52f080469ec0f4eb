using System.Collections.Concurrent;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Kit;
using Microsoft.Extensions.Logging;

namespace Hanbae.Client.Tests.Events;

public sealed class EventRecorderTests : IAsyncDisposable
{
    readonly ScriptedTransport _server = new();
    readonly FakeTime _time = new();
    EventRecorder _recorder;
    readonly CancellationTokenSource _stop = new();
    Task _run = Task.CompletedTask;

    public EventRecorderTests() => _recorder = new(new ApiClient(_server, _time), "kubelet", "n1", _time);

    void Start() => _run = _recorder.RunAsync(_stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    async Task<Event> CreatedAsync(string ns = "default")
    {
        var create = await _server.ExpectAsync($"POST /api/v1/namespaces/{ns}/events");
        var sent = (Event)create.Request.Object!;
        create.Answer(sent);
        return sent;
    }

    async Task<string> PatchedAsync(Event e)
    {
        var patch = await _server.ExpectAsync($"PATCH /api/v1/namespaces/{e.Metadata.Namespace}/events/{e.Metadata.Name}");
        patch.Answer(e);
        return Encoding.UTF8.GetString(patch.Request.Body.Span);
    }

    [Fact]
    public async Task An_event_says_what_happened_to_what_and_who_says_so()
    {
        Start();
        _recorder.Event(Make.Pod("web", "7"), "Normal", "Started", "Started container web", "spec.containers{web}");
        var e = await CreatedAsync();
        Assert.StartsWith("web.", e.Metadata.Name);
        Assert.Equal(new ObjectReference { ApiVersion = "v1", Kind = "Pod", Namespace = "default", Name = "web", Uid = "uid-web", ResourceVersion = "7", FieldPath = "spec.containers{web}" }, e.InvolvedObject);
        Assert.Equal(("Normal", "Started", 1, "kubelet", "n1", "kubelet", "n1"), (e.Type, e.Reason, e.Count, e.Source.Component, e.Source.Host, e.ReportingComponent, e.ReportingInstance));
        Assert.Equal(_time.GetUtcNow(), e.FirstTimestamp);
    }

    [Fact]
    public async Task An_event_carries_what_programs_want_to_know()
    {
        Start();
        _recorder.Annotated(Make.Pod("web", "7"), Map.Of(("starved_resource", "memory")), "Warning", "Evicted", "The node was low on resource: memory. ");
        var e = await CreatedAsync();
        Assert.Equal(("Evicted", "memory"), (e.Reason, e.Metadata.Annotations["starved_resource"]));
    }

    [Fact]
    public async Task Objects_without_a_namespace_report_to_default()
    {
        Start();
        _recorder.Event(new Node { Metadata = new() { Name = "n1" } }, "Warning", "Rebooted", new string('x', 2000));
        var e = await CreatedAsync();
        Assert.Equal(("default", "", 1024), (e.Metadata.Namespace, e.InvolvedObject.Namespace, e.Message.Length));
    }

    [Fact]
    public async Task A_repeat_counts_the_first_up()
    {
        Start();
        var pod = Make.Pod("web");
        _recorder.Event(pod, "Warning", "BackOff", "again");
        var first = await CreatedAsync();
        _time.Advance(TimeSpan.FromSeconds(5));
        _recorder.Event(pod, "Warning", "BackOff", "again");
        Assert.Equal("""{"count":2,"lastTimestamp":"2030-01-01T00:00:05Z","message":"again"}""", await PatchedAsync(first with { Count = 2 }));
        _recorder.Event(pod, "Warning", "BackOff", "again");
        Assert.StartsWith("""{"count":3,""", await PatchedAsync(first with { Count = 3 }));
    }

    [Fact]
    public async Task A_repeat_of_what_has_expired_is_made_again()
    {
        Start();
        _recorder.Event(Make.Pod("web"), "Warning", "BackOff", "again");
        var first = await CreatedAsync();
        _recorder.Event(Make.Pod("web"), "Warning", "BackOff", "again");
        (await _server.ExpectAsync($"PATCH /api/v1/namespaces/default/events/{first.Metadata.Name}")).Refuse(404, "NotFound");
        Assert.Equal(2, (await CreatedAsync()).Count);
    }

    [Fact]
    public async Task The_tenth_like_message_within_ten_minutes_is_combined()
    {
        Start();
        for (int i = 1; i <= 11; i++) _recorder.Event(Make.Pod("web"), "Warning", "Failed", "message " + i);
        for (int i = 1; i <= 9; i++) Assert.Equal("message " + i, (await CreatedAsync()).Message);
        var combined = await CreatedAsync();
        Assert.Equal("(combined from similar events): message 10", combined.Message);
        Assert.Contains("\"count\":2,", await PatchedAsync(combined with { Count = 2 }));
        _time.Advance(TimeSpan.FromMinutes(11));
        _recorder.Event(Make.Pod("web"), "Warning", "Failed", "message 12");
        Assert.Equal("message 12", (await CreatedAsync()).Message);
    }

    [Fact]
    public async Task Who_talks_too_much_of_one_object_is_heard_again_after_five_minutes()
    {
        Start();
        for (int i = 0; i < 30; i++) _recorder.Event(Make.Pod("web"), "Normal", "Reason" + i, "m");
        for (int i = 0; i < 25; i++) Assert.Equal("Reason" + i, (await CreatedAsync()).Reason);
        _recorder.Event(Make.Pod("other"), "Normal", "Reason", "m");
        Assert.Equal("other", (await CreatedAsync()).InvolvedObject.Name);
        _time.Advance(TimeSpan.FromMinutes(5));
        _recorder.Event(Make.Pod("web"), "Normal", "Later", "m");
        Assert.Equal("Later", (await CreatedAsync()).Reason);
    }

    [Fact]
    public void More_than_can_wait_is_dropped_and_counted()
    {
        for (int i = 0; i < 1005; i++) _recorder.Event(Make.Pod("web"), "Normal", "R", "m");
        Assert.Equal(5, _recorder.Dropped);
    }

    sealed class Complaints : ILogger
    {
        public ConcurrentQueue<string> Told { get; } = [];
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Told.Enqueue(formatter(state, exception));
    }

    [Fact]
    public async Task A_namespace_that_goes_away_takes_no_events_and_nobody_complains()
    {
        var log = new Complaints();
        _recorder = new(new ApiClient(_server, _time), "kubelet", "n1", _time, log);
        Start();
        StatusDetails?[] refusals = [new() { Causes = [new() { Reason = "NamespaceTerminating" }] }, null];
        foreach (var details in refusals)
        {
            _recorder.Event(Make.Pod("web"), "Normal", details is null ? "Refused" : "Late", "m");
            (await _server.NextAsync()).Answer(new Status { Code = 403, Reason = "Forbidden", Message = "no", Details = details }, 403);
        }
        // One after the other: when this one comes, those before it are done with.
        _recorder.Event(Make.Pod("web"), "Normal", "Last", "m");
        await CreatedAsync();
        Assert.Equal(["event Refused on web was refused: no"], log.Told);
    }

    [Fact]
    public async Task What_the_server_refuses_is_given_up_and_what_does_not_reach_it_is_tried_again()
    {
        Start();
        _recorder.Event(Make.Pod("refused"), "Normal", "R", "m");
        (await _server.NextAsync()).Refuse(403, "Forbidden");
        _recorder.Event(Make.Pod("web"), "Normal", "R", "m");
        (await _server.NextAsync()).Result.SetException(new HttpRequestException("refused"));
        await _time.WhenSetAsync();
        Assert.InRange(_time.AdvanceToNext(), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Equal("web", (await CreatedAsync()).InvolvedObject.Name);
    }
}
