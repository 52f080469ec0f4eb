using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Hanbae.Kit;
using Hanbae.Server.Audit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Server.Tests.Audit;

public sealed class AuditWebhookTests
{
    readonly ConcurrentQueue<JsonObject> _posts = new();
    readonly FakeTime _time = new();
    readonly AuditCounts _counts = new();
    Func<int, WebhookAnswer> _answer = _ => WebhookAnswer.Taken;
    int _tries;

    Task<WebhookAnswer> PostAsync(ReadOnlyMemory<byte> body, CancellationToken ct)
    {
        var answer = _answer(Interlocked.Increment(ref _tries));
        if (answer == WebhookAnswer.Taken) _posts.Enqueue((JsonObject)JsonNode.Parse(body.Span)!);
        return Task.FromResult(answer);
    }

    AuditWebhook Hook(Func<AuditWebhookOptions, AuditWebhookOptions>? change = null)
    {
        var options = new AuditWebhookOptions { Post = PostAsync };
        return new(change?.Invoke(options) ?? options, _counts, _time, NullLogger.Instance);
    }

    AuditEvent Event(int i) => new()
    {
        Level = AuditLevel.Metadata, Stage = AuditStages.ResponseComplete, Id = "id-" + i, Uri = "/", Verb = "get", User = new("u", []), Received = _time.GetUtcNow(), At = _time.GetUtcNow(),
    };

    async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    static int Count(JsonObject list) => ((JsonArray)list["items"]!).Count;

    [Fact]
    public async Task Events_go_in_lists_that_are_full_or_late()
    {
        await using var hook = Hook(o => o with { BatchSize = 3, BatchWait = TimeSpan.FromSeconds(30) });
        for (int i = 0; i < 7; i++) Assert.True(await hook.WriteAsync(Event(i), CancellationToken.None));
        await UntilAsync(() => _posts.Count == 2);
        Assert.Equal([3, 3], _posts.Select(Count));
        await _time.WhenSetAsync();
        _time.Advance(TimeSpan.FromSeconds(31));
        await UntilAsync(() => _posts.Count == 3);
        var last = _posts.Last();
        Assert.Equal(("EventList", "audit.k8s.io/v1", "id-6"), ((string)last["kind"]!, (string)last["apiVersion"]!, (string)last["items"]![0]!["auditID"]!));
        Assert.False(((JsonObject)last["items"]![0]!).ContainsKey("kind"));
    }

    [Fact]
    public async Task Batches_wait_their_turn_when_there_are_too_many()
    {
        await using var hook = Hook(o => o with { BatchSize = 1, BatchesPerSecond = 1, Burst = 2 });
        for (int i = 0; i < 4; i++) await hook.WriteAsync(Event(i), CancellationToken.None);
        await UntilAsync(() => _posts.Count == 2);
        await _time.WhenSetAsync();
        Assert.Equal(2, _posts.Count);
        _time.Advance(TimeSpan.FromSeconds(1.1));
        await UntilAsync(() => _posts.Count == 3);
    }

    [Fact]
    public async Task What_the_server_does_not_take_is_tried_five_times_and_a_refusal_once()
    {
        _answer = _ => WebhookAnswer.TryAgain;
        var hook = Hook(o => o with { BatchSize = 1, Throttle = false });
        await hook.WriteAsync(Event(0), CancellationToken.None);
        await UntilAsync(() =>
        {
            // One pause after the other, as they come to be waited for.
            if (_time.Set > 0) _time.Advance(TimeSpan.FromMinutes(1));
            return _counts.FailedBy("webhook") == 1;
        });
        Assert.Equal(5, _tries);
        _answer = _ => WebhookAnswer.Refused;
        await hook.WriteAsync(Event(1), CancellationToken.None);
        await UntilAsync(() => _counts.FailedBy("webhook") == 2);
        Assert.Equal(6, _tries);
        _answer = _ => WebhookAnswer.Taken;
        await hook.WriteAsync(Event(2), CancellationToken.None);
        await UntilAsync(() => _posts.Count == 1);
        await hook.DisposeAsync();
    }

    [Fact]
    public async Task A_full_buffer_drops_and_counts_rather_than_hold_requests_up()
    {
        var gate = new TaskCompletionSource<WebhookAnswer>();
        await using var hook = Hook(o => o with { BatchSize = 1, Buffer = 5, Throttle = false, Post = (_, _) => gate.Task });
        int taken = 0;
        for (int i = 0; i < 50; i++)
            if (await hook.WriteAsync(Event(i), CancellationToken.None)) taken++;
        // One or two are on their way.
        Assert.InRange(taken, 5, 7);
        Assert.Equal(50 - taken, _counts.FailedBy("buffered"));
        gate.SetResult(WebhookAnswer.Taken);
    }

    [Fact]
    public async Task Blocking_the_request_waits_for_the_server()
    {
        await using var hook = Hook(o => o with { Mode = AuditMode.BlockingStrict });
        Assert.True(await hook.WriteAsync(Event(0), CancellationToken.None));
        Assert.Equal(1, Count(Assert.Single(_posts)));
        _answer = _ => WebhookAnswer.Refused;
        Assert.False(await hook.WriteAsync(Event(1), CancellationToken.None));
    }
}
